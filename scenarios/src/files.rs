//! The one file that reads the disk: the scenario itself, and the files it names.
//!
//! Only the coordinator reads them; workers get what it read, by content hash.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::data::{Part, Pattern, is_shown};
use crate::diagnostics::{Diagnostic, Diagnostics};
use crate::plan::{AssetId, AssetRef, Plan};
use crate::source::{DataFiles, Source, Unreadable};

/// A larger file is not held in memory and sent to every worker.
const LARGEST_ASSET: u64 = 256 << 20;
/// What the compiler takes at most; read no further.
const LARGEST_SCENARIO: u64 = (8 << 20) + 1;
/// Files of one pattern beyond are refused: all of them travel.
const MOST_FILES: usize = 60_000;
/// Folders within folders beyond are not looked into.
const DEEPEST: usize = 32;

/// A file that the scenario names, read.
#[derive(Clone, PartialEq, Eq)]
pub struct Asset {
    /// As written in the scenario.
    pub path: String,
    /// Its own name, without folders.
    pub file_name: String,
    /// SHA-256 of the content.
    pub sha256: [u8; 32],
    /// The content.
    pub bytes: Bytes,
}

impl fmt::Debug for Asset {
    /// Without its content, which may be a private key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Asset({:?}, {} bytes)", self.path, self.bytes.len())
    }
}

/// Why a scenario could not be read.
#[derive(Debug, Error)]
pub enum ReadError {
    /// Missing, a folder, no permission.
    #[error("cannot read {}: {}", path.display(), reason(source))]
    Io {
        /// Which one.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Text, but not as it is read here.
    #[error("{} is UTF-16; save it as UTF-8 (in Notepad: \"Save as\", encoding UTF-8)", path.display())]
    Utf16 {
        /// Which one.
        path: PathBuf,
    },
    /// Not text.
    #[error("{} is not a text file (it is not UTF-8)", path.display())]
    NotText {
        /// Which one.
        path: PathBuf,
    },
}

/// The files beside a scenario. What has been read is kept, so that a table and what is sent to workers are the same bytes.
pub struct Folder {
    folder: PathBuf,
    read: Mutex<HashMap<String, Bytes>>,
}

impl Folder {
    /// The files in a folder, and in those within it.
    pub fn new(folder: &Path) -> Arc<Self> {
        Arc::new(Self { folder: folder.to_owned(), read: Mutex::default() })
    }
}

impl DataFiles for Folder {
    fn read(&self, path: &str) -> Result<Bytes, Unreadable> {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bytes) = read.get(path) {
            return Ok(bytes.clone());
        }
        let full = self.folder.join(path);
        let bytes = read_asset(&full)
            .map_err(|error| Unreadable { why: reason(&error), hint: Some(looked_for(&full)) })?;
        read.insert(path.to_owned(), bytes.clone());
        Ok(bytes)
    }

    fn at_hand(&self, path: &str) -> Option<Bytes> {
        self.read.lock().unwrap_or_else(PoisonError::into_inner).get(path).cloned()
    }

    fn list(&self, pattern: &Pattern) -> Result<Vec<(String, u64)>, Unreadable> {
        let mut found = BTreeMap::new();
        find(&self.folder, "", pattern.parts(), 0, &mut found)?;
        Ok(found.into_iter().collect())
    }
}

/// Finds the files that `parts` name from `at` on, a folder's path with a slash behind it.
fn find(
    folder: &Path,
    at: &str,
    parts: &[Part],
    depth: usize,
    found: &mut BTreeMap<String, u64>,
) -> Result<(), Unreadable> {
    let Some((part, rest)) = parts.split_first() else { return Ok(()) };
    if let Part::Name(name) = part {
        let path = format!("{at}{name}");
        if !rest.is_empty() {
            return find(folder, &format!("{path}/"), rest, depth, found);
        }
        return match fs::metadata(folder.join(&path)) {
            Ok(about) if about.is_file() => note(path, about.len(), found),
            Ok(about) if about.is_dir() => {
                let hint = format!("write `{}/*` for the files in it", path.trim_end_matches('/'));
                Err(Unreadable { why: "it is a folder".to_owned(), hint: Some(hint) })
            }
            _ => Ok(()),
        };
    }
    if *part == Part::Deep {
        find(folder, at, rest, depth, found)?;
    }
    let path = folder.join(at);
    // A folder that is not there has no files; one that is closed to us may have them.
    let entries =
        match fs::read_dir(if at.is_empty() && path.as_os_str().is_empty() { Path::new(".") } else { &path })
        {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                return Err(Unreadable { why: reason(&error), hint: Some(looked_for(&path)) });
            }
            Err(_) => return Ok(()),
        };
    for entry in entries.flatten() {
        let Ok(name) = entry.file_name().into_string() else { continue };
        if !part.matches(&name) {
            continue;
        }
        let path = format!("{at}{name}");
        let Ok(about) = fs::metadata(entry.path()) else { continue };
        let is_link = entry.file_type().is_ok_and(|kind| kind.is_symlink());
        match (part, rest.is_empty()) {
            (Part::Deep, _) if about.is_dir() && !is_link && is_shown(&name) && depth < DEEPEST => {
                find(folder, &format!("{path}/"), parts, depth + 1, found)?;
            }
            (Part::Wild(_), true) if about.is_file() => note(path, about.len(), found)?,
            (Part::Wild(_), false) if about.is_dir() => {
                find(folder, &format!("{path}/"), rest, depth, found)?;
            }
            _ => {}
        }
    }
    Ok(())
}

fn note(path: String, size: u64, found: &mut BTreeMap<String, u64>) -> Result<(), Unreadable> {
    found.insert(path, size);
    if found.len() > MOST_FILES {
        let hint = Some("all of them are sent to every worker; name fewer".to_owned());
        return Err(Unreadable { why: format!("there are more than {MOST_FILES} such files"), hint });
    }
    Ok(())
}

fn looked_for(path: &Path) -> String {
    format!("looked for at {}; paths are relative to the scenario's folder", path.display())
}

/// Reads a scenario file.
pub fn read_scenario(path: &Path) -> Result<Source, ReadError> {
    let io = |source| ReadError::Io { path: path.to_owned(), source };
    let mut bytes = Vec::new();
    let file = open(path).map_err(io)?;
    file.take(LARGEST_SCENARIO).read_to_end(&mut bytes).map_err(io)?;
    if is_utf16(&bytes) {
        return Err(ReadError::Utf16 { path: path.to_owned() });
    }
    // Cut in the middle of a character, a file that is too long would be called no text.
    let too_long = u64::try_from(bytes.len()).is_ok_and(|length| length == LARGEST_SCENARIO);
    let text = match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) if too_long => String::from_utf8_lossy(error.as_bytes()).into_owned(),
        Err(_) => return Err(ReadError::NotText { path: path.to_owned() }),
    };
    Ok(Source::new(path.display().to_string(), text))
}

/// Whether it begins with the mark of UTF-16, or with two characters of it that are plain letters.
fn is_utf16(bytes: &[u8]) -> bool {
    match bytes {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => true,
        [a, b, c, d, ..] => (*a == 0) != (*b == 0) && (a == &0) == (c == &0) && (b == &0) == (d == &0),
        _ => false,
    }
}

/// The SHA-256 of a file's content, by which workers ask for it.
pub fn hash(content: &[u8]) -> [u8; 32] {
    Sha256::digest(content).into()
}

/// Reads every file the plan names, relative to the scenario's folder, in the order of [`Plan::assets`].
///
/// What cannot be read, and what TLS cannot use, is reported all at once, each at the place where it is first named.
pub fn read_assets(plan: &Plan, folder: &Path, source: &Source) -> Result<Vec<Asset>, Diagnostics> {
    let mut problems = Vec::new();
    let mut assets = Vec::with_capacity(plan.assets.len());
    for (id, asset) in (0..).map(AssetId).zip(&plan.assets) {
        let path = folder.join(&asset.path);
        // What was looked at already is not read, or held, a second time.
        let read = source.files().at_hand(&asset.path).map_or_else(|| read_asset(&path), Ok);
        if let Ok(bytes) = &read {
            problems.extend(check_pem(plan, id, asset, bytes));
        }
        match read {
            Ok(bytes) => assets.push(Asset {
                path: asset.path.clone(),
                file_name: path
                    .file_name()
                    .map(|name| name.to_string_lossy().into_owned())
                    .unwrap_or_default(),
                sha256: hash(&bytes),
                bytes,
            }),
            Err(error) => problems.push(
                Diagnostic::at(asset.place, format!("cannot read `{}`: {}", asset.path, reason(&error)))
                    .hint(looked_for(&path)),
            ),
        }
    }
    if problems.is_empty() { Ok(assets) } else { Err(Diagnostics::new(source, problems)) }
}

/// What keeps TLS from using a file, as far as PEM's own lines say it.
fn check_pem(plan: &Plan, id: AssetId, asset: &AssetRef, content: &[u8]) -> Option<Diagnostic> {
    let refuse = |what: &str, hint: &str| {
        Some(Diagnostic::at(asset.place, format!("`{}` {what}", asset.path)).hint(hint))
    };
    let text = String::from_utf8_lossy(content);
    let has = |begin: &str| text.lines().any(|line| line.starts_with("-----BEGIN ") && line.contains(begin));
    let (identity, ca) = (plan.tls.identity, plan.tls.ca == Some(id));
    if (ca || identity.is_some_and(|identity| identity.cert == id)) && !has(" CERTIFICATE-----") {
        return refuse("has no certificate in it", "a PEM file is expected: `-----BEGIN CERTIFICATE-----`");
    }
    if identity.is_some_and(|identity| identity.key == id) {
        // RFC 7468, and the older form with a header of its own.
        if has(" ENCRYPTED PRIVATE KEY-----") || text.lines().any(|line| line == "Proc-Type: 4,ENCRYPTED") {
            return refuse("is encrypted", "a key without a passphrase is needed");
        }
        if !has("PRIVATE KEY-----") {
            return refuse(
                "has no private key in it",
                "a PEM file is expected: `-----BEGIN PRIVATE KEY-----`",
            );
        }
    }
    None
}

fn read_asset(path: &Path) -> io::Result<Bytes> {
    let file = open(path)?;
    // Of the size that it will have: grown by doubling, a large file would be held twice for a moment, and for good by an
    // allocator that gives nothing back.
    let size = file.metadata()?.len().min(LARGEST_ASSET);
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0));
    file.take(LARGEST_ASSET + 1).read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > LARGEST_ASSET {
        return Err(io::Error::other(format!("it is larger than {} MiB", LARGEST_ASSET >> 20)));
    }
    Ok(bytes.into())
}

fn open(path: &Path) -> io::Result<File> {
    if fs::metadata(path)?.is_dir() {
        return Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a folder"));
    }
    File::open(path)
}

/// The reason in plain words, without the system's number.
fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        io::ErrorKind::IsADirectory => "it is a folder".to_owned(),
        _ => error.to_string(),
    }
}
