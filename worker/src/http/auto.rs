//! The client users get: native, and reqwest for what native does not do.

use std::net::IpAddr;
use std::sync::Arc;

pub use stampede_proto::prepare::ClientChoice;

use super::native::pipe::Pipe;
use super::native::{NativeClient, NativeFactory, NativeThread};
use super::probe::Probe;
use super::reqwest_client::{ReqwestClient, ReqwestFactory, ReqwestThread};
use super::run::RunHttp;
use super::{ClientError, Exchange, HttpClient, HttpFactory, HttpThread, Request, Response};

/// Makes the chosen clients.
#[derive(Debug, Clone)]
pub struct AutoFactory {
    native: NativeFactory,
    reqwest: ReqwestFactory,
}

impl AutoFactory {
    /// Clients that connect from `sources` in turn, or from wherever the system likes if there are none.
    pub fn new(sources: Vec<IpAddr>) -> Self {
        Self { native: NativeFactory::new(sources.clone()), reqwest: ReqwestFactory::new(sources) }
    }
}

impl HttpFactory for AutoFactory {
    type Thread = AutoThread;

    fn thread(&self, run: &Arc<RunHttp>) -> Result<AutoThread, ClientError> {
        Ok(AutoThread {
            native: self.native.thread(run)?,
            reqwest: self.reqwest.thread(run)?,
            only_reqwest: run.client() == ClientChoice::Reqwest,
        })
    }
}

/// What the clients of a load thread have in common.
#[derive(Debug)]
pub struct AutoThread {
    native: NativeThread,
    reqwest: ReqwestThread,
    only_reqwest: bool,
}

impl HttpThread for AutoThread {
    type Client = AutoClient;

    fn client(&self, probe: &Arc<Probe>) -> Result<AutoClient, ClientError> {
        Ok(AutoClient {
            native: self.native.client(probe)?,
            reqwest: Box::new(self.reqwest.client(probe)?),
            only_reqwest: self.only_reqwest,
        })
    }
}

/// One user's client.
#[derive(Debug)]
pub struct AutoClient {
    native: NativeClient,
    /// It costs little until it is used.
    reqwest: Box<ReqwestClient>,
    only_reqwest: bool,
}

impl HttpClient for AutoClient {
    async fn exchange(&mut self, request: Request<'_>) -> Exchange {
        if self.only_reqwest || request.options.proxy.is_some() {
            return Box::pin(self.reqwest.exchange(request)).await;
        }
        self.native.exchange(request).await
    }

    fn pipe(&mut self) -> Option<&mut Pipe> {
        if self.only_reqwest { None } else { self.native.pipe() }
    }

    fn give_back(&mut self, response: Box<Response>) {
        self.native.give_back(response);
    }
}
