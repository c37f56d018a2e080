//! The checked test: what the coordinator deals out and the workers run.
//!
//! Everything here has been checked when it exists: names are resolved, durations are durations, templates are compiled.
//! Coordinator and workers compile the same text with the same code, so indices (classes, tasks, endpoints, assets) mean the
//! same on every machine. It does not know how users are run (`worker`) or how slots are dealt (`deal`).

mod load;
mod search;
mod steps;
mod transport;

use std::collections::BTreeMap;
use std::fmt;

pub use crate::expect::Expect;
use std::sync::Arc;

use crate::alias::AliasTable;
use crate::data::{ClassFeeders, FeederId, FeederPlan};
use crate::expression::FileText;
use crate::extract::{ExtractFrom, ExtractPlan};
use crate::template::Template;
use crate::threshold::Rule;
use crate::variables::{VariableId, VariablePlan};
use crate::wait::Wait;

pub use load::{LoadPart, LoadPlan, OpenPlan};
pub use search::SearchPlan;
pub use steps::{ChoosePlan, FailPlan, LoopKind, LoopPlan, Op, ParallelPlan, Program, SetPlan, StopWhat};
pub use transport::{Connection, HttpVersion, ProxyUrl, ResolveRule, Timeouts, TlsIdentity, TlsPlan};

/// A whole test, ready to run.
#[derive(Clone)]
pub struct Plan {
    /// The scenario's `name`, else its file name without the ending.
    pub name: String,
    /// The base URL that is shown as what the test aims at; class targets may differ.
    pub target: String,
    /// The run seed every draw follows from.
    pub seed: u64,
    /// The user classes, in the order of the file.
    pub classes: Vec<ClassPlan>,
    /// Endpoints whose name is known before the run, in the order of the file; [`EndpointId`] is an index into it.
    pub endpoints: Vec<EndpointName>,
    /// What is done once in the whole test, by one worker: `setup`, before the first user, as its `on_start`, and `teardown`,
    /// behind the last one, as its `on_stop`. It has no tasks. The classes' variables of the same names get the values that
    /// `setup` ends with.
    pub aside: Option<Box<ClassPlan>>,
    /// How many users when, and for how long.
    pub load: LoadPlan,
    /// What has to hold in the end, in the order of the file.
    pub thresholds: Vec<Rule>,
    /// The files the scenario names; [`AssetId`] is an index into it.
    pub assets: Vec<AssetRef>,
    /// The feeders of `data`, in the order of the file; [`FeederId`] is an index into it.
    pub feeders: Arc<[FeederPlan]>,
    /// Those of them whose text stands in expressions, to be filled when they are there.
    pub files: Vec<FileText>,
    /// What TLS checks and shows.
    pub tls: TlsPlan,
    /// Addresses in place of the resolver's; [`ResolveRule::find`] says which one counts.
    pub resolve: Vec<ResolveRule>,
    /// Secrets, and what is computed from them when the file is read: names, and the texts that no output may show.
    pub secrets: Vec<(String, String)>,
    /// The environment variables the scenario read, with the values it got: workers compile with these, not with their own.
    pub env: BTreeMap<String, String>,
    /// What flags replaced of the file, one sentence each, for the report.
    pub replaced: Vec<String>,
}

impl Plan {
    /// Puts the texts of files into the expressions that name them; `content` has the bytes of each of [`Plan::assets`].
    ///
    /// # Errors
    /// The path of a file that is not there or is not text.
    pub fn fill_files<'b>(&self, content: impl Fn(AssetId) -> Option<&'b [u8]>) -> Result<(), &str> {
        for file in &self.files {
            if !content(file.asset).is_some_and(|bytes| file.fill(bytes)) {
                return Err(file.path());
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Plan {
    /// Without what the environment says, which may be secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plan")
            .field("name", &self.name)
            .field("target", &self.target)
            .field("seed", &self.seed)
            .field("classes", &self.classes)
            .field("endpoints", &self.endpoints)
            .field("aside", &self.aside)
            .field("load", &self.load)
            .field("assets", &self.assets)
            .field("env", &self.env.keys())
            .finish_non_exhaustive()
    }
}

/// Index into [`Plan::endpoints`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EndpointId(pub u32);

/// Index into [`Plan::assets`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AssetId(pub u32);

/// One row of the statistics: a method and a name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EndpointName {
    /// What it counts.
    pub kind: RowKind,
    /// `GET`, `POST`, … in capitals; `GROUP` and `TASK` for those; empty for a class.
    pub method: String,
    /// The request's `name`, else its path as written.
    pub name: String,
}

/// What a row of the statistics counts. Only requests are in totals, rates and identities.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum RowKind {
    /// Requests of users.
    #[default]
    Request,
    /// Passes through a `group`: wall time from the first step's start to the last one's end.
    Group,
    /// What `fail` books on a task: failures without a request.
    Task,
    /// Requests of `setup` and `teardown`, whose names begin with `(setup) ` and `(teardown) `.
    Aside,
    /// The requests of a user class once more, where a rule is of that class.
    Class,
}

/// A file that the scenario names, before anybody has read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssetRef {
    /// As written in the scenario; relative to the scenario's folder.
    pub path: String,
    /// Where it is first named.
    pub place: Place,
}

/// A place in the scenario's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Place {
    /// Byte offset of the first byte.
    pub start: usize,
    /// Byte offset behind the last byte.
    pub end: usize,
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
}

/// One user class.
#[derive(Debug, Clone)]
pub struct ClassPlan {
    /// Its name in the file.
    pub name: String,
    /// Between two iterations.
    pub wait: Wait,
    /// Once, before the first iteration.
    pub on_start: Program,
    /// Once, after the last iteration.
    pub on_stop: Program,
    /// The weighted tasks.
    pub tasks: Vec<TaskPlan>,
    /// Draws an index into `tasks` by weight.
    pub task_table: AliasTable,
    /// So many iterations may be outstanding on a user's connection. Above 1 each task is one HTTP/1.1 request, all of them
    /// to one origin, without redirects, and there is no wait between iterations.
    pub pipeline: u32,
    /// What each of its users has for itself; [`VariableId`] is an index into it.
    pub variables: Vec<VariablePlan>,
    /// Which task comes next.
    pub order: TaskOrder,
    /// The feeders that its tasks have rows of, and those that only `on_start` and `on_stop` have.
    pub feeders: ClassFeeders,
    /// Whether some expression looks at `response`, so that a user has to remember its last one.
    pub looks_at_response: bool,
    /// The row of all its requests together, where a rule is of this class: nobody else pays for one.
    pub row: Option<EndpointId>,
}

/// How a user of a class goes through its tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TaskOrder {
    /// By weight, each drawn anew.
    #[default]
    Weighted,
    /// One after the other, in the order of the file. Weights do not count, but a task of weight 0 is left out.
    Sequential,
    /// All of them in an order drawn for each round.
    Shuffled,
}

/// What a failed request means for its user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnFailure {
    /// Nothing: the next step follows.
    #[default]
    Continue,
    /// The task ends.
    StopTask,
    /// The user ends and begins again with `on_start`, after a wait of at least one second.
    RestartUser,
    /// The user ends, and its slot stays empty.
    StopUser,
    /// The run ends.
    StopRun,
}

/// One weighted task.
#[derive(Debug, Clone)]
pub struct TaskPlan {
    /// Its name in the file.
    pub name: String,
    /// What it is called by to be chosen, or left out, by a flag.
    pub tags: Vec<String>,
    /// Its share of the class's weights, 0 to 1.
    pub share: f64,
    /// What it does.
    pub program: Program,
}

/// What a request is called in the statistics.
#[derive(Debug, Clone)]
pub enum NamePlan {
    /// Known before the run.
    Static(EndpointId),
    /// A row for each value.
    PerValue(Template),
}

/// A request, compiled.
#[derive(Debug, Clone)]
pub struct RequestPlan {
    /// `GET`, `POST`, `PURGE`, … in capitals.
    pub method: String,
    /// Its row in the statistics.
    pub name: NamePlan,
    /// The absolute URL with its query; values are encoded by their segments.
    pub url: Template,
    /// Where the URL begins with a value of the moment: what it follows if that is no absolute one. Without a `/` at the end.
    pub base: Option<String>,
    /// Header names in lower case, defaults merged in, nulls removed. A body's content type is not among them unless written.
    pub headers: Vec<(String, Template)>,
    /// What is sent.
    pub body: BodyPlan,
    /// How long it may take.
    pub timeouts: Timeouts,
    /// Redirects followed at most.
    pub redirects: u32,
    /// Whether a compressed body is unpacked for whoever looks at it.
    pub decompress: bool,
    /// Which HTTP to speak.
    pub http: HttpVersion,
    /// Whether its connection outlives it.
    pub connection: Connection,
    /// Through which proxy it goes.
    pub proxy: Option<ProxyUrl>,
    /// Whether it sends the user's cookies and keeps those it is given.
    pub cookies: bool,
    /// When the response counts as ok.
    pub expect: Expect,
    /// What is taken out of the response.
    pub extract: Vec<ExtractPlan>,
    /// What happens when it fails.
    pub on_failure: OnFailure,
    /// Where the step stands.
    pub place: Place,
}

impl RequestPlan {
    /// The user's variables that must have a value for it to be made, each once, with their names.
    pub fn needs(&self) -> Vec<(VariableId, Box<str>)> {
        let mut ids = Vec::new();
        if let NamePlan::PerValue(name) = &self.name {
            name.add_variables(&mut ids);
        }
        self.url.add_variables(&mut ids);
        for (_, value) in &self.headers {
            value.add_variables(&mut ids);
        }
        match &self.body {
            BodyPlan::Text { content, .. } => content.add_variables(&mut ids),
            BodyPlan::Multipart(parts) => {
                for part in parts {
                    if let PartContent::Text(text) = &part.content {
                        text.add_variables(&mut ids);
                    }
                }
            }
            BodyPlan::Empty | BodyPlan::Asset(_) | BodyPlan::Row(_) => {}
        }
        self.expect.add_variables(&mut ids);
        ids.sort_unstable();
        ids.dedup();
        ids
    }

    /// Whether somebody looks at the response's body.
    pub fn looks_at_body(&self) -> bool {
        let in_body =
            |from: &_| matches!(from, ExtractFrom::Json(_) | ExtractFrom::Regex(_) | ExtractFrom::Css(_));
        self.expect.looks_at_body() || self.extracts(in_body)
    }

    /// Whether somebody looks at the response's header lines.
    pub fn looks_at_head(&self) -> bool {
        let in_head = |from: &_| matches!(from, ExtractFrom::Header(_) | ExtractFrom::Cookie(_));
        self.expect.looks_at_head() || self.extracts(in_head)
    }

    /// Whether somebody looks at the user's cookies behind the response.
    pub fn looks_at_cookies(&self) -> bool {
        self.extracts(|from| matches!(from, ExtractFrom::Cookie(_)))
    }

    fn extracts(&self, from: impl Fn(&ExtractFrom) -> bool) -> bool {
        self.extract.iter().any(|plan| from(&plan.from))
    }
}

/// A request body.
#[derive(Debug, Clone)]
pub enum BodyPlan {
    /// None at all.
    Empty,
    /// Text (`body`, `json`, `form`), with the content type it implies.
    Text {
        /// The text; JSON and form values are encoded by their segments.
        content: Template,
        /// For example `application/json`; `None` for `body`.
        content_type: Option<&'static str>,
    },
    /// A file as it is (`body_file`).
    Asset(AssetId),
    /// Likewise the file that is the row of this feeder.
    Row(FeederId),
    /// `multipart/form-data`.
    Multipart(Vec<PartPlan>),
}

/// One part of a multipart body.
#[derive(Debug, Clone)]
pub struct PartPlan {
    /// The field's name.
    pub name: String,
    /// Its content.
    pub content: PartContent,
    /// What the part is said to be called: for a file its own name unless `filename` is given.
    pub file_name: Option<String>,
    /// The part's content type, if given or implied.
    pub content_type: Option<String>,
}

/// The content of a part.
#[derive(Debug, Clone)]
pub enum PartContent {
    /// Text.
    Text(Template),
    /// A file.
    Asset(AssetId),
    /// The file that is the row of this feeder. The part's `file_name` and `content_type` are the file's own where there are
    /// none.
    Row(FeederId),
}
