//! Sends the verdict. The URL is a secret as a whole, since services put their keys into its path: only scheme and host are ever
//! shown.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Client, Response, Url};

use crate::tui::text::clean;

/// For one attempt, from connecting to the end of the answer.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Before the second attempt.
const PAUSE: Duration = Duration::from_secs(1);

/// Bytes of an answer that are looked at.
const ANSWER: usize = 512;

/// Characters of an answer that are shown.
const SHOWN: usize = 160;

/// Where the verdict goes.
#[derive(Clone, PartialEq, Eq)]
pub struct Destination(Url);

/// Not an address that can be posted to. It never repeats what was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is no URL to post to (an example: https://hooks.example.com/run)")]
pub struct DestinationError;

impl Destination {
    /// Checks a URL.
    ///
    /// # Errors
    /// When it is none of HTTP.
    pub fn new(text: &str) -> Result<Self, DestinationError> {
        let url = Url::parse(text.trim()).map_err(|_| DestinationError)?;
        let fits = matches!(url.scheme(), "http" | "https") && url.has_host();
        if fits { Ok(Self(url)) } else { Err(DestinationError) }
    }
}

/// Scheme and host.
impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.0.scheme(), self.0.host_str().unwrap_or_default())?;
        self.0.port().map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

impl fmt::Debug for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Destination({self}/…)")
    }
}

/// Why an attempt failed.
struct Failure {
    why: String,
    /// Another attempt may do better, and does no harm: nothing was taken.
    again: bool,
}

/// Posts `body`, a second time if nobody took the first.
///
/// # Errors
/// Why not, in words without the URL.
pub async fn post(to: &Destination, body: String) -> Result<(), String> {
    // Where a redirect leads, nobody said that the verdict may go.
    let client = Client::builder().timeout(TIMEOUT).redirect(Policy::none()).build();
    let client = client.map_err(|error| innermost(&error))?;
    match once(&client, to, body.clone()).await {
        Err(Failure { again: true, .. }) => tokio::time::sleep(PAUSE).await,
        done => return done.map_err(|failure| failure.why),
    }
    once(&client, to, body).await.map_err(|failure| format!("{}, twice", failure.why))
}

async fn once(client: &Client, to: &Destination, body: String) -> Result<(), Failure> {
    let request = client.post(to.0.clone()).header("content-type", "application/json").body(body);
    let answer = request.send().await.map_err(|error| Failure {
        again: error.is_connect(),
        why: if error.is_timeout() {
            format!("no answer within {} s", TIMEOUT.as_secs())
        } else {
            innermost(&error.without_url())
        },
    })?;
    let status = answer.status();
    if status.is_success() {
        return Ok(());
    }
    let said = begin_of(answer).await;
    let said = if said.is_empty() { String::new() } else { format!(": {said}") };
    Err(Failure { why: format!("it answered {status}{said}"), again: status.is_server_error() })
}

/// What it says about that, as far as it is of use to a person.
async fn begin_of(mut answer: Response) -> String {
    let mut bytes = Vec::new();
    while bytes.len() < ANSWER {
        let Ok(Some(chunk)) = answer.chunk().await else { break };
        bytes.extend_from_slice(&chunk[..chunk.len().min(ANSWER - bytes.len())]);
    }
    let text: String = String::from_utf8_lossy(&bytes).trim().chars().take(SHOWN).collect();
    clean(&text).into_owned()
}

fn innermost(error: &dyn Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    clean(&innermost.to_string()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_scheme_and_host_are_shown() {
        let to = Destination::new("https://user:secret@hooks.test:8443/services/T0/secret?key=secret#secret");
        let to = to.expect("a URL");
        assert_eq!(format!("{to} {to:?}"), "https://hooks.test:8443 Destination(https://hooks.test:8443/…)");
        for wrong in ["", "hooks.test/secret", "ftp://hooks.test/secret", "file:///secret", "http://"] {
            let error = Destination::new(wrong).expect_err("refused");
            assert!(!error.to_string().contains("secret"), "{wrong}");
        }
    }
}
