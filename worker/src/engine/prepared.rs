//! The plan made ready to run: URLs taken apart, header lines and bodies written wherever they hold no value of the moment.
//!
//! Made once for each run and shared by its threads; nothing of it changes while users run.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method};
use stampede_scenarios::data::FeederId;
use stampede_scenarios::plan::{
    AssetId, ClassPlan, Connection, Expect, HttpVersion, NamePlan, OnFailure, PartPlan, Plan, Program,
    RequestPlan,
};
use stampede_scenarios::template::{Around, Segment, Template};
use url::Url;

use super::credentials::credentials;
use super::extract::StepVariables;
use super::steps::{self, Step};
use crate::clock::wall_clock;
use crate::http::auto::ClientChoice;
use crate::http::origin::{Origin, path_of};
use crate::http::run::RunHttp;
use crate::http::{Options, Version};

/// What requests say they come from, unless the scenario says otherwise.
const AGENT: &str = concat!("stampede/", env!("CARGO_PKG_VERSION"));

/// A plan that does not fit its files, or holds a text that HTTP does not take.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{what}", if *.line == 0 { String::new() } else { format!("line {line}: ") })]
pub struct PrepareError {
    /// Line of the scenario; 0 when it is no single one.
    pub line: u32,
    /// What is wrong.
    pub what: String,
}

/// A run's plan, ready.
#[derive(Debug)]
pub struct Prepared {
    /// The plan it was made from.
    pub plan: Plan,
    /// What the clients have to know of it.
    pub(super) http: Arc<RunHttp>,
    /// What its texts may name beside the user.
    pub(super) around: Around,
    pub(super) classes: Vec<PreparedClass>,
    /// What runs once in the whole test.
    pub(super) aside: Option<PreparedClass>,
}

#[derive(Debug)]
pub(super) struct PreparedClass {
    pub(super) on_start: Vec<Step>,
    pub(super) on_stop: Vec<Step>,
    pub(super) tasks: Vec<Vec<Step>>,
    /// Those of them that have a weight: what is gone through where the order is not by weight.
    pub(super) in_turn: Box<[usize]>,
}

#[derive(Debug)]
pub(super) struct PreparedRequest {
    pub(super) method: Method,
    pub(super) name: Name,
    pub(super) target: Target,
    pub(super) headers: Headers,
    pub(super) body: PreparedBody,
    pub(super) options: Options,
    pub(super) redirects: u32,
    pub(super) decompress: bool,
    pub(super) expect: Expect,
    pub(super) variables: StepVariables,
    pub(super) on_failure: OnFailure,
    /// Whether a secret stands in its URL.
    pub(super) hides_url: bool,
}

impl PreparedRequest {
    /// Whether it is the same every time, but for the user's cookies.
    pub(super) fn is_fixed(&self) -> bool {
        matches!(self.name, Name::Static(_))
            && matches!(self.target, Target::Fixed { .. })
            && matches!(self.headers.lines, Lines::Fixed(_))
            && matches!(self.body, PreparedBody::Fixed(_))
            && self.headers.cookie.is_none()
    }
}

#[derive(Debug)]
pub(super) enum Name {
    Static(u32),
    PerValue(Template),
}

/// Where a request goes.
#[derive(Debug)]
pub(super) enum Target {
    Fixed {
        origin: Arc<Origin>,
        path: Box<str>,
    },
    /// Only what stands behind the origin has values of the moment: it begins `prefix` bytes into the URL.
    Path {
        origin: Arc<Origin>,
        prefix: usize,
        url: Template,
    },
    Whole {
        url: Template,
        /// What it follows if it is no absolute URL.
        base: Option<Box<str>>,
    },
}

#[derive(Debug)]
pub(super) struct Headers {
    pub(super) lines: Lines,
    /// What the scenario itself gives as `cookie`; the user's own come behind it.
    pub(super) cookie: Option<Template>,
    pub(super) names_host: bool,
}

#[derive(Debug)]
pub(super) enum Lines {
    /// Without values of the moment, as they go on the wire.
    Fixed(Box<[u8]>),
    Rendered(Vec<Line>),
}

#[derive(Debug)]
pub(super) enum Line {
    /// One or more lines.
    Fixed(Vec<u8>),
    Value {
        /// With its colon and space.
        name: Box<str>,
        value: Template,
    },
    /// `authorization`, if the URL turns out to name a user.
    Credentials,
}

pub(super) enum PreparedBody {
    Fixed(Bytes),
    Text(Template),
    /// Pieces of a multipart body, one after the other.
    Pieces(Vec<Piece>),
    /// The file that is the user's row.
    Row(RowFile),
}

/// The file that is the user's row of a feeder.
pub(super) struct RowFile {
    pub(super) feeder: FeederId,
    /// The run's files, by their numbers.
    pub(super) assets: Arc<[Bytes]>,
}

impl fmt::Debug for PreparedBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed(bytes) => write!(f, "Fixed({} bytes)", bytes.len()),
            Self::Text(template) => f.debug_tuple("Text").field(template).finish(),
            Self::Pieces(pieces) => write!(f, "Pieces({})", pieces.len()),
            Self::Row(file) => write!(f, "Row({})", file.feeder.0),
        }
    }
}

pub(super) enum Piece {
    Fixed(Bytes),
    Text(Template),
    /// The head and the content of a part that is the user's row.
    Row {
        /// Its `file_name` and `content_type` are the file's own where they are missing.
        part: PartPlan,
        file: RowFile,
    },
}

impl Prepared {
    /// Prepares `plan` with the content of its files, in the order of [`Plan::assets`].
    ///
    /// # Errors
    /// When a fixed URL or header cannot be sent, or a file is missing.
    pub fn new(plan: Plan, assets: &[Bytes], client: ClientChoice) -> Result<Self, PrepareError> {
        let http = RunHttp::new(&plan, assets, client)
            .map_err(|error| PrepareError { line: 0, what: error.to_string() })?;
        let content = |id: AssetId| assets.get(id.0 as usize).map(|bytes| &**bytes);
        plan.fill_files(content).map_err(|path| PrepareError {
            line: 0,
            what: format!("the file `{path}` is not text (it is not UTF-8)"),
        })?;
        let boundary = boundary(plan.seed);
        let assets: Arc<[Bytes]> = assets.into();
        let prepare = |class: &ClassPlan| {
            let keep_head = class.looks_at_response;
            let maker = Maker { assets: &assets, boundary: &boundary, http: &http, keep_head };
            let in_turn = class.tasks.iter().enumerate().filter(|(_, task)| task.share > 0.0);
            Ok(PreparedClass {
                on_start: maker.program(&class.on_start)?,
                on_stop: maker.program(&class.on_stop)?,
                tasks: class
                    .tasks
                    .iter()
                    .map(|task| maker.program(&task.program))
                    .collect::<Result<_, _>>()?,
                in_turn: in_turn.map(|(index, _)| index).collect(),
            })
        };
        let classes = plan.classes.iter().map(prepare).collect::<Result<_, _>>()?;
        let aside = plan.aside.as_deref().map(prepare).transpose()?;
        let around = Around { worker: "".into(), now: wall_clock };
        Ok(Self { plan, http: Arc::new(http), around, classes, aside })
    }

    /// With the name that `worker` has in its log.
    #[must_use]
    pub fn on_worker(mut self, name: &str) -> Self {
        self.around.worker = name.to_owned().into();
        self
    }
}

/// The line between the parts of every multipart body of a run: fixed by the seed, so that runs are alike.
pub(super) fn boundary(seed: u64) -> String {
    format!("stampede-{seed:016x}{:016x}", seed.rotate_left(29).wrapping_mul(0x9E37_79B9_7F4A_7C15))
}

pub(super) struct Maker<'a> {
    pub(super) assets: &'a Arc<[Bytes]>,
    pub(super) boundary: &'a str,
    http: &'a RunHttp,
    /// Whether somebody may look at the head of any response.
    keep_head: bool,
}

impl Maker<'_> {
    fn program(&self, program: &Program) -> Result<Vec<Step>, PrepareError> {
        steps::make(program, &|request| self.request(request))
    }

    fn request(&self, plan: &RequestPlan) -> Result<PreparedRequest, PrepareError> {
        let refuse = |what: String| PrepareError { line: plan.place.line, what };
        let method = Method::from_bytes(plan.method.as_bytes())
            .map_err(|_| refuse(format!("`{}` is not a method", plan.method)))?;
        let (target, credentials) = target(&plan.url, plan.base.as_deref()).map_err(refuse)?;
        let (body, content_type) = self.body(&plan.body).map_err(refuse)?;
        Ok(PreparedRequest {
            method,
            name: match &plan.name {
                NamePlan::Static(id) => Name::Static(id.0),
                NamePlan::PerValue(template) => Name::PerValue(template.clone()),
            },
            headers: headers(plan, content_type.as_deref(), &target, credentials).map_err(refuse)?,
            target,
            body,
            options: Options {
                connect_timeout: plan.timeouts.connect,
                first_byte_timeout: plan.timeouts.first_byte,
                total_timeout: plan.timeouts.total,
                version: match plan.http {
                    HttpVersion::Auto => Version::Auto,
                    HttpVersion::H1 => Version::H1,
                    HttpVersion::H2 => Version::H2,
                },
                closes: plan.connection == Connection::PerRequest,
                keep_head: plan.looks_at_head() || self.keep_head,
                keep_body: plan.looks_at_body(),
                cookies: plan.cookies,
                proxy: plan.proxy.as_ref().and_then(|proxy| self.http.proxy_id(proxy.url())),
                step: plan.place.start,
            },
            redirects: plan.redirects,
            decompress: plan.decompress,
            expect: plan.expect.clone(),
            variables: StepVariables::new(plan),
            on_failure: plan.on_failure,
            hides_url: plan.url.is_secret(),
        })
    }
}

/// Where a URL leads, and the `authorization` that a user and password in it stand for.
fn target(url: &Template, base: Option<&str>) -> Result<(Target, Option<String>), String> {
    let wrong = |text: &str, why: &dyn fmt::Display| format!("`{text}` is not a URL: {why}");
    if let Some(text) = url.as_static() {
        let parsed = Url::parse(text).map_err(|error| wrong(text, &error))?;
        let origin = Origin::of(&parsed).ok_or_else(|| wrong(text, &"only http and https are spoken"))?;
        let path = path_of(&parsed).into();
        return Ok((Target::Fixed { origin: Arc::new(origin), path }, credentials(&parsed)));
    }
    let Some(Segment::Literal(first)) = url.segments().first() else {
        return Ok((Target::Whole { url: url.clone(), base: base.map(Into::into) }, None));
    };
    // `http://host:8080/…`: the slash behind the authority ends what is always the same.
    let prefix = first.find("://").and_then(|at| first[at + 3..].find('/').map(|slash| at + 3 + slash));
    let Some(prefix) = prefix else { return Ok((Target::Whole { url: url.clone(), base: None }, None)) };
    let parsed = Url::parse(&first[..prefix]).map_err(|error| wrong(first, &error))?;
    let origin = Origin::of(&parsed).ok_or_else(|| wrong(first, &"only http and https are spoken"))?;
    Ok((Target::Path { origin: Arc::new(origin), prefix, url: url.clone() }, credentials(&parsed)))
}

fn headers(
    plan: &RequestPlan,
    content_type: Option<&str>,
    target: &Target,
    credentials: Option<String>,
) -> Result<Headers, String> {
    let given = |wanted: &str| plan.headers.iter().any(|(name, _)| name == wanted);
    let mut lines = Vec::new();
    let fixed = |lines: &mut Vec<Line>, name: &str, value: &str| {
        HeaderValue::from_str(value).map_err(|_| format!("header `{name}` cannot have this value"))?;
        let line = format!("{name}: {value}\r\n");
        if let Some(Line::Fixed(last)) = lines.last_mut() {
            last.extend_from_slice(line.as_bytes());
        } else {
            lines.push(Line::Fixed(line.into_bytes()));
        }
        Ok::<_, String>(())
    };
    let mut cookie: Option<Template> = None;
    for (name, template) in &plan.headers {
        HeaderName::from_bytes(name.as_bytes()).map_err(|_| format!("`{name}` is not a header name"))?;
        match template.as_static() {
            _ if name == "cookie" && cookie.is_none() => cookie = Some(template.clone()),
            Some(text) => fixed(&mut lines, name, text)?,
            None => lines.push(Line::Value { name: format!("{name}: ").into(), value: template.clone() }),
        }
    }
    if !given("accept") {
        fixed(&mut lines, "accept", "*/*")?;
    }
    if let Some(text) = content_type.filter(|_| !given("content-type")) {
        fixed(&mut lines, "content-type", text)?;
    }
    if !given("authorization") {
        if let Some(text) = credentials {
            fixed(&mut lines, "authorization", &text)?;
        } else if let Target::Whole { .. } = target {
            lines.push(Line::Credentials);
        }
    }
    if !given("user-agent") {
        fixed(&mut lines, "user-agent", AGENT)?;
    }
    let lines = match lines.as_mut_slice() {
        [Line::Fixed(all)] => Lines::Fixed(std::mem::take(all).into()),
        _ => Lines::Rendered(lines),
    };
    Ok(Headers { lines, cookie, names_host: given("host") })
}
