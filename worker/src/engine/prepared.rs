//! The plan made ready to run: URLs parsed, headers and bodies built wherever they hold no value of the moment.
//!
//! Made once for each run and shared by its threads; nothing of it changes while users run.

use std::fmt;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use stampede_scenarios::matcher::Matcher;
use stampede_scenarios::plan::{
    AssetId, BodyPlan, Expect, NamePlan, Op, PartContent, PartPlan, Plan, Program, RequestPlan,
};
use stampede_scenarios::template::{RenderContext, Template};
use stampede_scenarios::wait::Wait;
use std::time::Duration;
use url::Url;

/// What requests say they come from, unless the scenario says otherwise.
const AGENT: &str = concat!("stampede/", env!("CARGO_PKG_VERSION"));

/// A plan that does not fit its files, or holds a text that HTTP does not take.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct PrepareError {
    /// Line of the scenario.
    pub line: u32,
    /// What is wrong.
    pub what: String,
}

/// A run's plan, ready.
#[derive(Debug)]
pub struct Prepared {
    /// The plan it was made from.
    pub plan: Plan,
    pub(super) classes: Vec<PreparedClass>,
}

#[derive(Debug)]
pub(super) struct PreparedClass {
    pub(super) on_start: Vec<Step>,
    pub(super) on_stop: Vec<Step>,
    pub(super) tasks: Vec<Vec<Step>>,
}

/// One instruction.
#[derive(Debug)]
pub(super) enum Step {
    Request(Box<PreparedRequest>),
    Think(Wait),
}

#[derive(Debug)]
pub(super) struct PreparedRequest {
    pub(super) method: Method,
    pub(super) name: Name,
    pub(super) url: PreparedUrl,
    pub(super) headers: PreparedHeaders,
    pub(super) body: PreparedBody,
    pub(super) timeout: Duration,
    pub(super) redirects: u32,
    pub(super) expect: Expect,
}

impl PreparedRequest {
    /// Whether a step looks at the response's body.
    pub(super) fn keeps_body(&self) -> bool {
        self.expect.body.is_some()
    }

    pub(super) fn body_matcher(&self) -> Option<&Matcher> {
        self.expect.body.as_ref()
    }
}

#[derive(Debug)]
pub(super) enum Name {
    Static(u32),
    PerValue(Template),
}

#[derive(Debug)]
pub(super) enum PreparedUrl {
    Static(Url),
    Rendered(Template),
}

#[derive(Debug)]
pub(super) struct PreparedHeaders {
    /// Those without values of the moment.
    pub(super) fixed: HeaderMap,
    pub(super) rendered: Vec<(HeaderName, Template)>,
}

pub(super) enum PreparedBody {
    Fixed(Bytes),
    Text(Template),
    /// Pieces of a multipart body, one after the other.
    Pieces(Vec<Piece>),
}

impl fmt::Debug for PreparedBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed(bytes) => write!(f, "Fixed({} bytes)", bytes.len()),
            Self::Text(template) => f.debug_tuple("Text").field(template).finish(),
            Self::Pieces(pieces) => write!(f, "Pieces({})", pieces.len()),
        }
    }
}

pub(super) enum Piece {
    Fixed(Bytes),
    Text(Template),
}

impl Prepared {
    /// Prepares `plan` with the content of its files, in the order of [`Plan::assets`].
    ///
    /// # Errors
    /// When a fixed URL or header cannot be sent, or a file is missing.
    pub fn new(plan: Plan, assets: &[Bytes]) -> Result<Self, PrepareError> {
        let maker = Maker { assets, boundary: boundary(plan.seed) };
        let classes = plan
            .classes
            .iter()
            .map(|class| {
                Ok(PreparedClass {
                    on_start: maker.program(&class.on_start)?,
                    on_stop: maker.program(&class.on_stop)?,
                    tasks: class
                        .tasks
                        .iter()
                        .map(|task| maker.program(&task.program))
                        .collect::<Result<_, _>>()?,
                })
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { plan, classes })
    }
}

/// The line between the parts of every multipart body of a run: fixed by the seed, so that runs are alike.
fn boundary(seed: u64) -> String {
    format!("stampede-{seed:016x}{:016x}", seed.rotate_left(29).wrapping_mul(0x9E37_79B9_7F4A_7C15))
}

struct Maker<'a> {
    assets: &'a [Bytes],
    boundary: String,
}

impl Maker<'_> {
    fn program(&self, program: &Program) -> Result<Vec<Step>, PrepareError> {
        program
            .ops
            .iter()
            .map(|op| match op {
                Op::Request(request) => Ok(Step::Request(Box::new(self.request(request)?))),
                Op::Think(wait) => Ok(Step::Think(*wait)),
            })
            .collect()
    }

    fn request(&self, plan: &RequestPlan) -> Result<PreparedRequest, PrepareError> {
        let refuse = |what: String| PrepareError { line: plan.place.line, what };
        let method = Method::from_bytes(plan.method.as_bytes())
            .map_err(|_| refuse(format!("`{}` is not a method", plan.method)))?;
        let url = match plan.url.as_static() {
            Some(url) => {
                let url =
                    Url::parse(url).map_err(|error| refuse(format!("`{url}` is not a URL: {error}")))?;
                PreparedUrl::Static(url)
            }
            None => PreparedUrl::Rendered(plan.url.clone()),
        };
        let (body, content_type) = self.body(&plan.body).map_err(refuse)?;
        Ok(PreparedRequest {
            method,
            name: match &plan.name {
                NamePlan::Static(id) => Name::Static(id.0),
                NamePlan::PerValue(template) => Name::PerValue(template.clone()),
            },
            url,
            headers: headers(plan, content_type.as_deref()).map_err(refuse)?,
            body,
            timeout: plan.timeout,
            redirects: plan.redirects,
            expect: plan.expect.clone(),
        })
    }

    fn asset(&self, id: AssetId) -> Result<Bytes, String> {
        self.assets.get(id.0 as usize).cloned().ok_or_else(|| format!("file number {} is missing", id.0))
    }

    /// The body, and the content type it implies.
    fn body(&self, plan: &BodyPlan) -> Result<(PreparedBody, Option<String>), String> {
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
            fixed.extend_from_slice(part_head(part).as_bytes());
            match &part.content {
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
fn part_head(part: &PartPlan) -> String {
    let quoted = |text: &str| text.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A");
    let mut head = format!("Content-Disposition: form-data; name=\"{}\"", quoted(&part.name));
    if let Some(file) = &part.file_name {
        head.push_str("; filename=\"");
        head.push_str(&quoted(file));
        head.push('"');
    }
    if let Some(content_type) = &part.content_type {
        head.push_str("\r\nContent-Type: ");
        head.push_str(content_type);
    }
    head.push_str("\r\n\r\n");
    head
}

fn headers(plan: &RequestPlan, content_type: Option<&str>) -> Result<PreparedHeaders, String> {
    let mut fixed = HeaderMap::new();
    let mut rendered = Vec::new();
    for (name, template) in &plan.headers {
        let header =
            HeaderName::from_bytes(name.as_bytes()).map_err(|_| format!("`{name}` is not a header name"))?;
        match template.as_static() {
            Some(text) => {
                let value = HeaderValue::from_str(text)
                    .map_err(|_| format!("header `{name}` cannot have this value"))?;
                fixed.append(header, value);
            }
            None => rendered.push((header, template.clone())),
        }
    }
    let given =
        |wanted: &HeaderName| fixed.contains_key(wanted) || rendered.iter().any(|(name, _)| name == wanted);
    let adds_type = content_type.filter(|_| !given(&CONTENT_TYPE));
    let adds_agent = !given(&USER_AGENT);
    if let Some(text) = adds_type {
        let value = HeaderValue::from_str(text).map_err(|_| format!("`{text}` is not a content type"))?;
        fixed.insert(CONTENT_TYPE, value);
    }
    if adds_agent {
        fixed.insert(USER_AGENT, HeaderValue::from_static(AGENT));
    }
    Ok(PreparedHeaders { fixed, rendered })
}

impl PreparedBody {
    /// The body for one request.
    pub(super) fn render(&self, cx: &mut RenderContext<'_>) -> Bytes {
        match self {
            Self::Fixed(bytes) => bytes.clone(),
            Self::Text(template) => {
                let mut text = String::new();
                template.render_into(&mut text, cx);
                text.into()
            }
            Self::Pieces(pieces) => {
                let mut body = Vec::new();
                let mut text = String::new();
                for piece in pieces {
                    match piece {
                        Piece::Fixed(bytes) => body.extend_from_slice(bytes),
                        Piece::Text(template) => {
                            text.clear();
                            template.render_into(&mut text, cx);
                            body.extend_from_slice(text.as_bytes());
                        }
                    }
                }
                body.into()
            }
        }
    }
}
