//! Certificates for people who have none: a private authority, and one certificate for each end of the connection between
//! coordinator and workers.
//!
//! The authority's key is kept beside them, so that another worker or name can get a certificate later; who has it can make
//! certificates that both ends trust.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use jiff::{Span, Timestamp, tz::TimeZone};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};

/// Days before today from which they are valid: clocks differ, and dates do around the world.
const BEFORE: i64 = 2;

/// Days the authority is valid.
const AUTHORITY_DAYS: i64 = 3650;

/// Days a certificate is valid: longer ones are refused by some.
const DAYS: i64 = 825;

/// Who may read a file.
const EVERYBODY: u32 = 0o644;
const OWNER: u32 = 0o600;

/// Certificates that cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum CertsError {
    /// A name that cannot stand in a certificate.
    #[error("--name {0}: neither a host name nor an address")]
    Name(String),
    /// It would overwrite what somebody may be using.
    #[error("{} is there already, and nothing is overwritten; name another folder", .0.display())]
    Exists(PathBuf),
    /// Files.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Keys or certificates.
    #[error("certificates cannot be made: {0}")]
    Make(String),
}

impl From<rcgen::Error> for CertsError {
    fn from(error: rcgen::Error) -> Self {
        Self::Make(error.to_string())
    }
}

/// A file to be written.
struct File {
    name: &'static str,
    text: String,
    mode: u32,
}

/// Makes them in `dir` for a coordinator that is reached by each of `names`, valid from about `now`.
///
/// # Errors
/// When a name cannot be one, a file is there already, or cannot be written.
pub fn make(dir: &Path, names: &[String], now: Timestamp) -> Result<(), CertsError> {
    let files = files(names, now)?;
    let failed = |path: &Path, source| CertsError::Write { path: path.to_owned(), source };
    if let Some(known) = files.iter().map(|file| dir.join(file.name)).find(|path| path.exists()) {
        return Err(CertsError::Exists(known));
    }
    // For the owner alone; who wants to give some of it away can.
    if !dir.is_dir() {
        DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(|error| failed(dir, error))?;
    }
    for File { name, text, mode } in files {
        let path = dir.join(name);
        let opened = OpenOptions::new().write(true).create_new(true).mode(mode).open(&path);
        let written = opened.and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.sync_all()
        });
        if let Err(error) = written {
            if error.kind() == io::ErrorKind::AlreadyExists {
                return Err(CertsError::Exists(path));
            }
            // Half of a key helps nobody.
            let _ = fs::remove_file(&path);
            return Err(failed(&path, error));
        }
    }
    Ok(())
}

fn files(names: &[String], now: Timestamp) -> Result<Vec<File>, CertsError> {
    let authority = CertifiedIssuer::self_signed(authority(now)?, KeyPair::generate()?)?;
    let mut files = vec![
        File { name: "ca.pem", text: authority.pem(), mode: EVERYBODY },
        File { name: "ca.key", text: authority.key().serialize_pem(), mode: OWNER },
    ];
    let ends = [
        ("coordinator", "coordinator.pem", "coordinator.key", ExtendedKeyUsagePurpose::ServerAuth, names),
        ("worker", "worker.pem", "worker.key", ExtendedKeyUsagePurpose::ClientAuth, &[]),
    ];
    for (name, certificate_file, key_file, purpose, names) in ends {
        let key = KeyPair::generate()?;
        let params = certificate(name, purpose, names, now)?;
        let certificate = params.signed_by(&key, &authority)?;
        files.push(File { name: certificate_file, text: certificate.pem(), mode: EVERYBODY });
        files.push(File { name: key_file, text: key.serialize_pem(), mode: OWNER });
    }
    Ok(files)
}

fn authority(now: Timestamp) -> Result<CertificateParams, CertsError> {
    // A name of its own: who meets the certificate of another authority is to see that it is another one.
    let mut number = [0; 4];
    getrandom::getrandom(&mut number).map_err(|error| CertsError::Make(error.to_string()))?;
    let title = format!("Stampede fleet authority {:08x}", u32::from_be_bytes(number));
    let mut params = params(&title, &[], now, AUTHORITY_DAYS)?;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Ok(params)
}

fn certificate(
    name: &str,
    purpose: ExtendedKeyUsagePurpose,
    names: &[String],
    now: Timestamp,
) -> Result<CertificateParams, CertsError> {
    let mut params = params(&format!("Stampede {name}"), names, now, DAYS)?;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![purpose];
    params.use_authority_key_identifier_extension = true;
    Ok(params)
}

fn params(title: &str, names: &[String], now: Timestamp, days: i64) -> Result<CertificateParams, CertsError> {
    if let Some(wrong) = names.iter().find(|name| !is_name(name)) {
        return Err(CertsError::Name(wrong.clone()));
    }
    let mut params = CertificateParams::new(names.to_vec())?;
    params.distinguished_name.remove(DnType::CommonName);
    params.distinguished_name.push(DnType::CommonName, title);
    let day = |offset: i64| {
        let day = now.to_zoned(TimeZone::UTC).checked_add(Span::new().days(offset));
        let day = day.map_err(|error| CertsError::Make(error.to_string()))?.date();
        // Months and days of the calendar are far below what a byte holds.
        let small = |number: i8| u8::try_from(number).unwrap_or(1);
        Ok::<_, CertsError>(date_time_ymd(i32::from(day.year()), small(day.month()), small(day.day())))
    };
    params.not_before = day(-BEFORE)?;
    params.not_after = day(days)?;
    Ok(params)
}

/// What a TLS library takes as the name of a server.
fn is_name(name: &str) -> bool {
    rustls::pki_types::ServerName::try_from(name).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_none_is_refused() {
        for wrong in ["", "a b", "http://a", "a:5557", "*"] {
            let made = files(&[wrong.to_owned()], Timestamp::UNIX_EPOCH);
            assert!(matches!(made, Err(CertsError::Name(name)) if name == wrong), "{wrong:?}");
        }
        assert!(files(&["a.test".into(), "192.0.2.1".into(), "::1".into()], Timestamp::UNIX_EPOCH).is_ok());
    }
}
