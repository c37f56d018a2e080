//! The statistics stream with messages that are encoded already; acknowledgements are decoded as ever.

use bytes::{BufMut, Bytes};
use prost::Message;
use stampede_proto::v1::BatchAck;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::Channel;
use tonic::{Request, Status, Streaming};

use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

#[derive(Debug, Default)]
struct Raw;

impl Codec for Raw {
    type Encode = Bytes;
    type Decode = BatchAck;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put(item);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = BatchAck;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<BatchAck>, Status> {
        BatchAck::decode(buffer).map(Some).map_err(|error| Status::internal(error.to_string()))
    }
}

/// Opens the stream.
pub(crate) async fn report(
    channel: Channel,
    batches: mpsc::Receiver<Bytes>,
) -> Result<Streaming<BatchAck>, Status> {
    let mut grpc = tonic::client::Grpc::new(channel);
    grpc.ready().await.map_err(|error| Status::unavailable(error.to_string()))?;
    let path = PathAndQuery::from_static("/stampede.v1.Fleet/Report");
    let answer = grpc.streaming(Request::new(ReceiverStream::new(batches)), path, Raw).await?;
    Ok(answer.into_inner())
}
