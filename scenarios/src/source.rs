//! What goes into the compiler: the scenario's text and what flags put over it.
//!
//! Both are plain data, because they travel to the workers, which compile the same text with the same overrides. Where the
//! text comes from is the business of `files.rs`. Files of rows are looked at while the scenario is compiled: the coordinator
//! looks into its folder, a worker into what it was sent.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::data::Pattern;
use crate::rate::Rate;

/// A scenario file's text, and the name it is called by.
#[derive(Clone)]
pub struct Source {
    /// Shown in diagnostics, normally the path as it was typed.
    pub name: String,
    /// The whole text; places are byte offsets into it.
    pub text: String,
    /// Where the files of its `data` are.
    files: Option<Arc<dyn DataFiles>>,
}

impl Source {
    /// A source from its two parts, without files.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self { name: name.into(), text: text.into(), files: None }
    }

    /// The same with files beside it.
    #[must_use]
    pub fn with_files(self, files: Arc<dyn DataFiles>) -> Self {
        Self { files: Some(files), ..self }
    }

    /// The files beside it.
    pub(crate) fn files(&self) -> &dyn DataFiles {
        self.files.as_deref().unwrap_or(&NoFiles)
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source").field("name", &self.name).field("text", &self.text).finish_non_exhaustive()
    }
}

/// Files have no part in it: they travel apart.
impl PartialEq for Source {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && self.text == other.text
    }
}

impl Eq for Source {}

/// Files that a scenario's `data` names, by their paths as they are written there.
pub trait DataFiles: Send + Sync {
    /// A file's content.
    ///
    /// # Errors
    /// When it cannot be read.
    fn read(&self, path: &str) -> Result<Bytes, Unreadable>;

    /// A file's content, if it was read already.
    fn at_hand(&self, path: &str) -> Option<Bytes> {
        let _ = path;
        None
    }

    /// The paths and sizes in bytes of the files that a pattern names, in order of their paths.
    ///
    /// # Errors
    /// When a folder cannot be read, or there are too many.
    fn list(&self, pattern: &Pattern) -> Result<Vec<(String, u64)>, Unreadable>;
}

/// Why a file or a folder cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// In a few words: `there is no such file`.
    pub why: String,
    /// Where it was looked for, or what to do.
    pub hint: Option<String>,
}

/// Of a scenario that is only a text.
struct NoFiles;

impl DataFiles for NoFiles {
    fn read(&self, _: &str) -> Result<Bytes, Unreadable> {
        Err(Unreadable { why: "this scenario has no files beside it".to_owned(), hint: None })
    }

    fn list(&self, _: &Pattern) -> Result<Vec<(String, u64)>, Unreadable> {
        self.read("").map(|_| Vec::new())
    }
}

/// Files that are at hand already: those that a worker was sent.
#[derive(Default)]
pub struct FilesAtHand(BTreeMap<String, Bytes>);

impl FilesAtHand {
    /// These paths with their contents.
    pub fn new(files: impl IntoIterator<Item = (String, Bytes)>) -> Self {
        Self(files.into_iter().collect())
    }
}

impl DataFiles for FilesAtHand {
    fn read(&self, path: &str) -> Result<Bytes, Unreadable> {
        let missing = || Unreadable { why: "it was not sent along".to_owned(), hint: None };
        self.0.get(path).cloned().ok_or_else(missing)
    }

    fn list(&self, pattern: &Pattern) -> Result<Vec<(String, u64)>, Unreadable> {
        let found = self.0.iter().filter(|(path, _)| pattern.matches(path));
        Ok(found.map(|(path, bytes)| (path.clone(), bytes.len() as u64)).collect())
    }
}

/// What flags put over the scenario; `None` leaves it as the file says.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Overrides {
    /// `--users`: users at the peak.
    pub users: Option<u32>,
    /// `--spawn-rate`: users started per second.
    pub spawn_rate: Option<Rate>,
    /// `--rate`: arrivals per second, in place of the file's users.
    pub rate: Option<Rate>,
    /// `--max-users`: users at most in the open model.
    pub max_users: Option<u32>,
    /// `--run-time`, counted from the first start.
    pub run_time: Option<Duration>,
    /// `--iterations` over all users.
    pub iterations: Option<u64>,
    /// `--stop-timeout`: how long users may finish their iteration at the end.
    pub stop_timeout: Option<Duration>,
    /// `--host`: the base URL, in place of the file's and every class's `target`.
    pub host: Option<String>,
    /// `--seed`.
    pub seed: Option<u64>,
    /// `--var NAME=VALUE`, each value read like a YAML value; the last one of a name wins.
    pub vars: Vec<(String, String)>,
    /// `--tags`: only the tasks that have one of these; empty takes all.
    pub tags: Vec<String>,
    /// `--exclude-tags`: no task that has one of these.
    pub exclude_tags: Vec<String>,
    /// `--class`: only these user classes; empty takes all.
    pub class: Vec<String>,
    /// `--threshold RULE`: rules beside those of the file.
    pub thresholds: Vec<String>,
    /// `--baseline RUN.json`: what that run measured for each rule that is compared with it, in their order; empty where nobody
    /// has looked.
    pub baseline: Vec<f64>,
    /// `coordinator try`: one user and one pass.
    pub trial: Option<Trial>,
}

/// One user, once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trial {
    /// Of this class, else of the first.
    pub class: Option<String>,
    /// Only this task, else each of them.
    pub task: Option<String>,
}
