//! Request bodies made ready: written where they never change, in pieces where they hold values of the moment.

use std::sync::Arc;

use bytes::Bytes;
use stampede_scenarios::data::FeederId;
use stampede_scenarios::plan::{AssetId, BodyPlan, PartContent, PartPlan};

use super::prepared::{Maker, Piece, PreparedBody, RowFile};

impl Maker<'_> {
    fn row(&self, feeder: FeederId) -> RowFile {
        RowFile { feeder, assets: Arc::clone(self.assets) }
    }

    fn asset(&self, id: AssetId) -> Result<Bytes, String> {
        self.assets.get(id.0 as usize).cloned().ok_or_else(|| format!("file number {} is missing", id.0))
    }

    /// The body, and the content type it implies.
    pub(super) fn body(&self, plan: &BodyPlan) -> Result<(PreparedBody, Option<String>), String> {
        Ok(match plan {
            BodyPlan::Empty => (PreparedBody::Fixed(Bytes::new()), None),
            BodyPlan::Text { content, content_type } => {
                let body = match content.as_static() {
                    Some(text) => PreparedBody::Fixed(Bytes::copy_from_slice(text.as_bytes())),
                    None => PreparedBody::Text(content.clone()),
                };
                (body, content_type.map(str::to_owned))
            }
            BodyPlan::Asset(id) => (PreparedBody::Fixed(self.asset(*id)?), None),
            BodyPlan::Row(feeder) => (PreparedBody::Row(self.row(*feeder)), None),
            BodyPlan::Multipart(parts) => {
                let content_type = format!("multipart/form-data; boundary={}", self.boundary);
                (self.multipart(parts)?, Some(content_type))
            }
        })
    }

    fn multipart(&self, parts: &[PartPlan]) -> Result<PreparedBody, String> {
        let mut pieces = Vec::new();
        let mut fixed = Vec::new();
        for part in parts {
            fixed.extend_from_slice(format!("--{}\r\n", self.boundary).as_bytes());
            if let PartContent::Row(feeder) = part.content {
                pieces.push(Piece::Fixed(std::mem::take(&mut fixed).into()));
                pieces.push(Piece::Row { part: part.clone(), file: self.row(feeder) });
                fixed.extend_from_slice(b"\r\n");
                continue;
            }
            let (name, content_type) = (part.file_name.as_deref(), part.content_type.as_deref());
            fixed.extend_from_slice(part_head(&part.name, name, content_type).as_bytes());
            match &part.content {
                PartContent::Row(_) => {}
                PartContent::Asset(id) => fixed.extend_from_slice(&self.asset(*id)?),
                PartContent::Text(template) => {
                    if let Some(text) = template.as_static() {
                        fixed.extend_from_slice(text.as_bytes());
                    } else {
                        pieces.push(Piece::Fixed(std::mem::take(&mut fixed).into()));
                        pieces.push(Piece::Text(template.clone()));
                    }
                }
            }
            fixed.extend_from_slice(b"\r\n");
        }
        fixed.extend_from_slice(format!("--{}--\r\n", self.boundary).as_bytes());
        if pieces.is_empty() {
            return Ok(PreparedBody::Fixed(fixed.into()));
        }
        pieces.push(Piece::Fixed(fixed.into()));
        Ok(PreparedBody::Pieces(pieces))
    }
}

/// The head of a part, as RFC 7578 and browsers write it.
pub(super) fn part_head(name: &str, file_name: Option<&str>, content_type: Option<&str>) -> String {
    let quoted = |text: &str| text.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A");
    let mut head = format!("Content-Disposition: form-data; name=\"{}\"", quoted(name));
    if let Some(file) = file_name {
        head.push_str("; filename=\"");
        head.push_str(&quoted(file));
        head.push('"');
    }
    if let Some(content_type) = content_type {
        head.push_str("\r\nContent-Type: ");
        head.push_str(content_type);
    }
    head.push_str("\r\n\r\n");
    head
}
