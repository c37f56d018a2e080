//! The one file that reads the disk: the scenario itself, and the files it names.
//!
//! Only the coordinator reads them; workers get what it read, by content hash.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::diagnostics::{Diagnostic, Diagnostics};
use crate::plan::{AssetId, AssetRef, Plan};
use crate::source::Source;

/// A larger file is not held in memory and sent to every worker.
const LARGEST_ASSET: u64 = 256 << 20;
/// What the compiler takes at most; read no further.
const LARGEST_SCENARIO: u64 = (8 << 20) + 1;

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
        let read = read_asset(&path);
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
                    .hint(format!(
                        "looked for at {}; paths are relative to the scenario's folder",
                        path.display()
                    )),
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
    let mut bytes = Vec::new();
    open(path)?.take(LARGEST_ASSET + 1).read_to_end(&mut bytes)?;
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
