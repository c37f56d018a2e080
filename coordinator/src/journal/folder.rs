//! The folder of a journal: one run's file, the scenario's files beside it, and a lock so that one coordinator has it at a time.
//!
//! `run.journal` is the head and the records; `files/` has the files of the scenario by the hash of their content. The lock is on
//! the journal itself, and the system takes it away with the process that had it.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, BufReader, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use prost::Message;
use stampede_proto::v1::JournalHead;
use stampede_scenarios::files::hash;

use super::frame;
use super::head::{self, Head, HeadError};
use crate::fleet::Assets;

/// What a journal's file begins with; the digit is the version of the format.
pub(super) const MAGIC: &[u8; 8] = b"STMPJNL1";

const FILE: &str = "run.journal";

const BROKEN: &str = "run.journal.broken";

const FILES: &str = "files";

/// A folder that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// There is a journal in it.
    #[error(
        "--journal {}: it holds the journal of another run; go on with that by `coordinator resume`, \
         or choose another folder", dir.display()
    )]
    Taken {
        /// Which folder.
        dir: PathBuf,
    },
    /// Another process has it.
    #[error("{}: another coordinator has this journal open", dir.display())]
    Locked {
        /// Which folder.
        dir: PathBuf,
    },
    /// It is not a journal, or none that can be gone on with.
    #[error("{}: {why}", dir.display())]
    Unfit {
        /// Which folder.
        dir: PathBuf,
        /// In words.
        why: String,
    },
    /// Its head cannot be used.
    #[error("{}: {source}", dir.display())]
    Head {
        /// Which folder.
        dir: PathBuf,
        /// Why.
        source: HeadError,
    },
    /// It cannot be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// What.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// A journal's file, locked, to be written on.
#[derive(Debug)]
pub struct Folder {
    pub(super) dir: PathBuf,
    pub(super) file: File,
}

/// What was in the folder of a run that is to go on.
#[derive(Debug)]
pub struct Opened {
    /// The folder, to be written on.
    pub folder: Folder,
    /// What the run is.
    pub head: Head,
    /// The scenario's files.
    pub assets: Assets,
}

impl Folder {
    /// Makes a journal in `dir`, which is made if it is not there, and writes the head and the scenario's files.
    ///
    /// # Errors
    /// When there is a journal in it already, or it cannot be written.
    pub fn create(dir: &Path, head: &Head, assets: &Assets) -> Result<Self, FolderError> {
        let at = |path: &Path| {
            let path = path.to_owned();
            move |source| FolderError::Io { path, source }
        };
        let files = dir.join(FILES);
        // What the scenario read from the environment may be nobody else's business.
        DirBuilder::new().recursive(true).mode(0o700).create(&files).map_err(at(&files))?;
        if dir.join(BROKEN).exists() {
            return Err(FolderError::Taken { dir: dir.to_owned() });
        }
        let path = dir.join(FILE);
        let file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&path);
        let mut file = file.map_err(|source| match source.kind() {
            io::ErrorKind::AlreadyExists => FolderError::Taken { dir: dir.to_owned() },
            _ => FolderError::Io { path: path.clone(), source },
        })?;
        lock(&file, dir)?;
        let written = (|| {
            for (hash, bytes) in assets {
                // A private key may be among them.
                let mut asset = OpenOptions::new()
                    .write(true)
                    .create(true)
                    .truncate(true)
                    .mode(0o600)
                    .open(files.join(hex(hash)))?;
                asset.write_all(bytes)?;
                asset.sync_all()?;
            }
            let head = frame::frame(&head::to_wire(head).encode_to_vec())
                .ok_or_else(|| io::Error::other("the scenario is too large for a journal"))?;
            file.write_all(MAGIC)?;
            file.write_all(&head)?;
            file.sync_all()?;
            File::open(&files)?.sync_all()?;
            File::open(dir)?.sync_all()
        })();
        if let Err(source) = written {
            // Half a journal would only be in the way of the next try.
            let _ = fs::remove_file(&path);
            return Err(FolderError::Io { path, source });
        }
        Ok(Self { dir: dir.to_owned(), file })
    }

    /// Opens the journal in `dir`; its records are read next.
    ///
    /// # Errors
    /// When there is none, it is in use, it belongs to another version, or one of its files is missing.
    pub fn open(dir: &Path) -> Result<Opened, FolderError> {
        let unfit = |why: String| FolderError::Unfit { dir: dir.to_owned(), why };
        let path = dir.join(FILE);
        let at = |source| FolderError::Io { path: path.clone(), source };
        if dir.join(BROKEN).exists() {
            let why = "its journal could not be written to the end, as its run said then; there is nothing to go on with";
            return Err(unfit(why.to_owned()));
        }
        let mut file = match OpenOptions::new().read(true).write(true).open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(unfit("there is no journal; `coordinator --journal DIR` makes one".to_owned()));
            }
            opened => opened.map_err(at)?,
        };
        lock(&file, dir)?;
        let mut reader = BufReader::new(&file);
        let mut magic = [0; MAGIC.len()];
        let is_journal = io::Read::read_exact(&mut reader, &mut magic).is_ok() && &magic == MAGIC;
        if !is_journal {
            return Err(unfit(format!("{FILE} is no journal that this version can read")));
        }
        let payload = frame::next(&mut reader).map_err(at)?;
        let payload =
            payload.ok_or_else(|| unfit("its head was never written whole: no run began".to_owned()))?;
        let wire = JournalHead::decode(&*payload)
            .map_err(|error| unfit(format!("its head cannot be read: {error}")))?;
        let head =
            head::from_wire(wire).map_err(|source| FolderError::Head { dir: dir.to_owned(), source })?;
        let start = (MAGIC.len() + frame::HEADER + payload.len()) as u64;
        file.seek(SeekFrom::Start(start)).map_err(at)?;
        let mut assets = Assets::new();
        for asset in &head.prepare.assets {
            let path = dir.join(FILES).join(hex(&asset.sha256));
            let bytes =
                fs::read(&path).map(Bytes::from).map_err(|source| FolderError::Io { path, source })?;
            if hash(&bytes) != asset.sha256 {
                return Err(unfit(format!("its copy of `{}` is not what it was", asset.path)));
            }
            assets.insert(asset.sha256, bytes);
        }
        Ok(Opened { folder: Self { dir: dir.to_owned(), file }, head, assets })
    }

    /// Forgets what stands behind `end`, and goes on there.
    pub(super) fn cut(&mut self, end: u64) -> io::Result<()> {
        self.file.set_len(end)?;
        self.file.seek(SeekFrom::Start(end))?;
        self.file.sync_all()
    }

    /// Nobody must go on with a journal that lacks what was acknowledged.
    pub(super) fn break_off(&self) -> io::Result<()> {
        fs::rename(self.dir.join(FILE), self.dir.join(BROKEN))?;
        File::open(&self.dir)?.sync_all()
    }
}

fn lock(file: &File, dir: &Path) -> Result<(), FolderError> {
    file.try_lock().map_err(|error| match error {
        TryLockError::WouldBlock => FolderError::Locked { dir: dir.to_owned() },
        TryLockError::Error(source) => FolderError::Io { path: dir.join(FILE), source },
    })
}

fn hex(hash: &[u8; 32]) -> String {
    use std::fmt::Write;

    hash.iter().fold(String::with_capacity(64), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
