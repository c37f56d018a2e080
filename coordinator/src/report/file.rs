//! Report files: which format, whether they can be written, writing them whole or not at all, reading them back.
//!
//! A target is checked before the run starts, so that an hour of load does not end in "no such folder".

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::csv;
use super::hlog::hlog_text;
use super::html::html_text;
use super::junit::junit_text;
use super::markdown::markdown_text;
use super::model::{Report, SCHEMA};

/// Why a report cannot be written or read. Messages say what to do.
#[derive(Debug, Error)]
pub enum ReportError {
    /// The file's ending names no format.
    #[error("`{}`: {}; this version writes {}", path.display(), ending.as_ref().map_or_else(
        || "a report's format follows from its ending and this has none".to_owned(),
        |ending| format!("there is no report format .{ending}"),
    ), known_endings())]
    UnknownFormat {
        /// As it was given.
        path: PathBuf,
        /// Its ending.
        ending: Option<String>,
    },
    /// A folder stands where the file should go.
    #[error("`{}` is a folder; name a file in it", path.display())]
    IsFolder {
        /// As it was given.
        path: PathBuf,
    },
    /// Something that is neither a file nor a folder stands there.
    #[error("`{}` is not a regular file; name another one", path.display())]
    NotAFile {
        /// As it was given.
        path: PathBuf,
    },
    /// The folder is not there.
    #[error("`{}`: there is no folder `{}`; create it or name another one", path.display(), folder.display())]
    NoFolder {
        /// As it was given.
        path: PathBuf,
        /// Its folder.
        folder: PathBuf,
    },
    /// The file or its folder does not let itself be written.
    #[error("`{}` cannot be written: {source}; name a file in a folder you may write to", path.display())]
    NotWritable {
        /// As it was given.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Writing failed; what was there before is still there.
    #[error("`{}` was not written: {source}", path.display())]
    Write {
        /// As it was given.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A saved run cannot be read.
    #[error("`{}` cannot be read: {source}", path.display())]
    Read {
        /// As it was given.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A saved run is none.
    #[error("`{}` is no report of Stampede: {source}", path.display())]
    Malformed {
        /// As it was given.
        path: PathBuf,
        /// Why.
        source: serde_json::Error,
    },
    /// A saved run of another format version.
    #[error("`{}` has the format `{found}`; this version reads `{SCHEMA}`", path.display())]
    OtherSchema {
        /// As it was given.
        path: PathBuf,
        /// What it says of itself.
        found: String,
    },
    /// A report that cannot be put into JSON.
    #[error("the report cannot be written as JSON: {0}")]
    Encode(#[source] serde_json::Error),
}

/// How a report is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `.md`
    Markdown,
    /// `.json`
    Json,
    /// `.html`
    Html,
    /// `.csv`: the four files that Locust writes.
    Csv,
    /// `.xml`: test cases of `JUnit`.
    Junit,
    /// `.hlog`: the log format of `HdrHistogram`.
    Hlog,
}

/// Every ending with its format, as they are listed to people.
const ENDINGS: &[(&str, Format)] = &[
    ("md", Format::Markdown),
    ("html", Format::Html),
    ("json", Format::Json),
    ("csv", Format::Csv),
    ("xml", Format::Junit),
    ("hlog", Format::Hlog),
];

/// `.md, .html and .json`
fn known_endings() -> String {
    let endings: Vec<_> = ENDINGS.iter().map(|(ending, _)| format!(".{ending}")).collect();
    match endings.as_slice() {
        [all @ .., last] if !all.is_empty() => format!("{} and {last}", all.join(", ")),
        all => all.concat(),
    }
}

impl Format {
    /// By the file's ending, in either case.
    pub fn of(path: &Path) -> Result<Self, ReportError> {
        let ending = path.extension().map(|ending| ending.to_string_lossy().to_lowercase());
        let known = ENDINGS.iter().find(|(known, _)| ending.as_deref() == Some(known));
        let format = known.map(|(_, format)| *format);
        format.ok_or_else(|| ReportError::UnknownFormat { path: path.to_owned(), ending })
    }

    /// The file's content; of a format of several files, the first one's.
    pub fn render(self, report: &Report) -> Result<String, ReportError> {
        match self {
            Self::Markdown => Ok(markdown_text(report)),
            Self::Html => Ok(html_text(report)),
            Self::Json => {
                let text = serde_json::to_string_pretty(report).map_err(ReportError::Encode)?;
                Ok(text + "\n")
            }
            Self::Csv => Ok(csv::stats(report)),
            Self::Junit => Ok(junit_text(report)),
            Self::Hlog => Ok(hlog_text(report)),
        }
    }

    /// Each file and its content.
    fn files(self, path: &Path, report: &Report) -> Result<Vec<(PathBuf, String)>, ReportError> {
        match self {
            Self::Csv => Ok(self.paths(path).into_iter().zip(csv::texts(report)).collect()),
            Self::Markdown | Self::Html | Self::Json | Self::Junit | Self::Hlog => {
                Ok(vec![(path.to_owned(), self.render(report)?)])
            }
        }
    }

    /// Where those files are.
    fn paths(self, path: &Path) -> Vec<PathBuf> {
        match self {
            Self::Csv => csv::PARTS.iter().map(|part| beside(path, part)).collect(),
            Self::Markdown | Self::Html | Self::Json | Self::Junit | Self::Hlog => vec![path.to_owned()],
        }
    }
}

/// `run.csv` and `_stats` are `run_stats.csv`.
fn beside(path: &Path, part: &str) -> PathBuf {
    let mut name = path.file_stem().unwrap_or_default().to_owned();
    name.push(part);
    if let Some(ending) = path.extension() {
        name.push(".");
        name.push(ending);
    }
    path.with_file_name(name)
}

/// Whether a report can be written to `path`, found out without leaving or changing a file.
pub fn check_target(path: &Path) -> Result<(), ReportError> {
    Format::of(path)?.paths(path).iter().try_for_each(|path| check_place(path))
}

/// The same of any file.
pub(crate) fn check_place(path: &Path) -> Result<(), ReportError> {
    let own = || path.to_owned();
    let folder = folder_of(path);
    if !folder.is_dir() {
        return Err(ReportError::NoFolder { path: own(), folder: folder.to_owned() });
    }
    let not_writable = |source| ReportError::NotWritable { path: own(), source };
    match fs::metadata(path) {
        Ok(there) if there.is_dir() => return Err(ReportError::IsFolder { path: own() }),
        Ok(there) if !there.is_file() => return Err(ReportError::NotAFile { path: own() }),
        // Opened, not truncated: a read-only file is somebody's wish.
        Ok(_) => drop(OpenOptions::new().write(true).open(path).map_err(not_writable)?),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(not_writable(error)),
    }
    let (_, probe) = temporary(folder_of(&resolved(path))).map_err(not_writable)?;
    fs::remove_file(probe).map_err(not_writable)
}

/// Writes the report whole, or leaves what was there as it was. Says which files it wrote: a format can have several, and none
/// of them is put in its place before all are written.
pub fn write(path: &Path, report: &Report) -> Result<Vec<PathBuf>, ReportError> {
    let files = Format::of(path)?.files(path, report)?;
    let mut written = Vec::with_capacity(files.len());
    for (path, text) in &files {
        let failed = |source| ReportError::Write { path: path.clone(), source };
        written.push((path, Written::new(path, text).map_err(failed)?));
    }
    for (path, file) in &mut written {
        file.put().map_err(|source| ReportError::Write { path: path.clone(), source })?;
    }
    Ok(files.into_iter().map(|(path, _)| path).collect())
}

/// Writes a text whole, or leaves what was there as it was.
pub(crate) fn write_text(path: &Path, text: &str) -> Result<(), ReportError> {
    let failed = |source| ReportError::Write { path: path.to_owned(), source };
    Written::new(path, text).map_err(failed)?.put().map_err(failed)
}

/// A file that is written and not yet in its place; gone unless it is put there.
struct Written {
    temporary: Option<PathBuf>,
    target: PathBuf,
}

impl Written {
    fn new(path: &Path, text: &str) -> io::Result<Self> {
        let target = resolved(path);
        let (mut file, temporary) = temporary(folder_of(&target))?;
        let written = Self { temporary: Some(temporary), target };
        file.write_all(text.as_bytes()).and_then(|()| file.sync_all())?;
        Ok(written)
    }

    fn put(&mut self) -> io::Result<()> {
        if let Some(temporary) = &self.temporary {
            fs::rename(temporary, &self.target)?;
            self.temporary = None;
        }
        Ok(())
    }
}

impl Drop for Written {
    fn drop(&mut self) {
        if let Some(temporary) = &self.temporary {
            // What cannot be removed either is a hidden file; the first error is the one to tell.
            let _ = fs::remove_file(temporary);
        }
    }
}

/// Writes the run to where the last run is kept, creating the folder.
pub fn write_last(path: &Path, report: &Report) -> Result<(), ReportError> {
    fs::create_dir_all(folder_of(path))
        .map_err(|source| ReportError::Write { path: path.to_owned(), source })?;
    write(path, report).map(drop)
}

/// Where the last run is kept: `$XDG_STATE_HOME/stampede/last.json`, else `$HOME/.local/state/stampede/last.json`.
/// A relative `XDG_STATE_HOME` does not count, as the XDG Base Directory Specification asks.
pub fn last_path(env: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let absolute = |name: &str| env(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let state = absolute("XDG_STATE_HOME").or_else(|| Some(absolute("HOME")?.join(".local/state")))?;
    Some(state.join("stampede").join("last.json"))
}

/// Reads a saved run.
pub fn read_json(path: &Path) -> Result<Report, ReportError> {
    /// Read first, so that another version is named as such.
    #[derive(serde::Deserialize)]
    struct Head {
        schema: String,
    }
    let own = || path.to_owned();
    let text = fs::read_to_string(path).map_err(|source| ReportError::Read { path: own(), source })?;
    let malformed = |source| ReportError::Malformed { path: own(), source };
    let head: Head = serde_json::from_str(&text).map_err(malformed)?;
    if head.schema != SCHEMA {
        return Err(ReportError::OtherSchema { path: own(), found: head.schema });
    }
    serde_json::from_str(&text).map_err(malformed)
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Where a link leads, so that the link itself stays.
fn resolved(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

/// A new, empty, hidden file in `folder`. A leftover of the same name is passed by.
fn temporary(folder: &Path) -> io::Result<(File, PathBuf)> {
    let mut number = 0;
    loop {
        let path = folder.join(format!(".stampede-{}-{number}.tmp", std::process::id()));
        match OpenOptions::new().write(true).create_new(true).open(&path) {
            Ok(file) => return Ok((file, path)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && number < 1000 => number += 1,
            Err(error) => return Err(error),
        }
    }
}
