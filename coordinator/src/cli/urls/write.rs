//! Writes a scenario to a new file; what is there already is never overwritten.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::Path;

use crate::cli::exit::Error;

/// Writes `text` to `path`.
///
/// # Errors
/// When the file is there already, or cannot be written.
pub(in crate::cli) fn write_new(path: &Path, text: &str) -> Result<(), Error> {
    let opened = OpenOptions::new().write(true).create_new(true).open(path);
    let written = opened.and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => Error::Usage(format!(
            "{} is there already, and is not overwritten; give another name, or remove it",
            path.display()
        )),
        ErrorKind::NotFound => {
            Error::Usage(format!("cannot write {}: there is no such folder", path.display()))
        }
        _ => Error::Usage(format!("cannot write {}: {error}", path.display())),
    })
}
