//! Figures over HTTP: one request for each, tried again as long as that can help.
//!
//! A receiver that is away for a while gets what was kept for it when it is back; one that says no is not asked twice.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{
    AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, USER_AGENT,
};
use reqwest::{Client, StatusCode, Url};
use stampede_proto::VERSION;
use tokio::time::{Instant, sleep, timeout_at};

use super::delivery::{Receiver, Tally};
use super::feed::Tick;
use super::{influx, remote_write};

/// How long a receiver has for one request.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long one second's figures are tried for. Those that come meanwhile wait, as many as the feed keeps.
const TRIED_FOR: Duration = Duration::from_secs(30);

/// Between the first two tries; then twice as long, and so on.
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// Between two tries at most.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Of what a receiver says when it says no.
const MAX_ANSWER: usize = 200;

/// What is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Language {
    RemoteWrite,
    Influx,
    #[cfg(feature = "otlp")]
    Otlp,
}

/// A receiver of requests.
#[derive(Debug)]
pub(super) struct Push {
    client: Client,
    url: Url,
    language: Language,
    /// Told of each try that fails: what is tried for long may still be under way when the run is over.
    tally: Arc<Tally>,
}

/// How one try ended.
enum Tried {
    Taken,
    /// Later it may work.
    NotNow(String),
    Refused(String),
}

impl Push {
    /// To `url`, which may carry a user and a password. `token`: instead of these.
    pub(super) fn to(
        mut url: Url,
        language: Language,
        token: Option<&str>,
        tally: Arc<Tally>,
    ) -> Result<Self, String> {
        // Another part of the program may have chosen one already, which does as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut headers = HeaderMap::new();
        headers.insert(USER_AGENT, value(&format!("stampede/{VERSION}"))?);
        match language {
            Language::RemoteWrite => {
                headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-protobuf"));
                headers.insert(CONTENT_ENCODING, HeaderValue::from_static("snappy"));
                let version = HeaderName::from_static("x-prometheus-remote-write-version");
                headers.insert(version, HeaderValue::from_static("0.1.0"));
            }
            #[cfg(feature = "otlp")]
            Language::Otlp => {
                headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-protobuf"));
            }
            Language::Influx => {
                headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
            }
        }
        if let Some(token) = token {
            let mut token = value(&format!("Token {token}"))?;
            token.set_sensitive(true);
            headers.insert(AUTHORIZATION, token);
            let _ = url.set_username("");
            let _ = url.set_password(None);
        }
        let client = Client::builder()
            .default_headers(headers)
            .timeout(PATIENCE)
            .redirect(reqwest::redirect::Policy::none());
        // A proxy of the surroundings leads out of this machine.
        let client = if is_here(&url) { client.no_proxy() } else { client };
        let client = client.build().map_err(|error| said(&error))?;
        Ok(Self { client, url, language, tally })
    }

    fn body(&self, tick: &Tick) -> Result<Bytes, String> {
        match self.language {
            Language::RemoteWrite => {
                let body = remote_write::encode(&remote_write::request(tick));
                body.map(Bytes::from).map_err(|error| error.to_string())
            }
            #[cfg(feature = "otlp")]
            Language::Otlp => Ok(Bytes::from(prost::Message::encode_to_vec(&super::otlp::request(tick)))),
            Language::Influx => Ok(Bytes::from(influx::lines(tick).join("\n"))),
        }
    }

    async fn attempt(&self, body: &Bytes) -> Tried {
        let response = match self.client.post(self.url.clone()).body(body.clone()).send().await {
            Ok(response) => response,
            Err(error) => return Tried::NotNow(said(&error)),
        };
        let status = response.status();
        if status.is_success() {
            return Tried::Taken;
        }
        let text = answer(response).await;
        let why =
            if text.is_empty() { format!("status {status}") } else { format!("status {status}: {text}") };
        if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
            Tried::NotNow(why)
        } else {
            Tried::Refused(why)
        }
    }
}

impl Receiver for Push {
    async fn deliver(&mut self, tick: &Arc<Tick>) -> Result<(), String> {
        let body = self.body(tick)?;
        let until = Instant::now() + TRIED_FOR;
        let mut pause = FIRST_PAUSE;
        loop {
            let why = match timeout_at(until, self.attempt(&body)).await {
                Ok(Tried::Taken) => return Ok(()),
                Ok(Tried::Refused(why)) => return Err(why),
                Ok(Tried::NotNow(why)) => why,
                Err(_) => "no answer in time".to_owned(),
            };
            if Instant::now() + pause >= until {
                return Err(why);
            }
            self.tally.failed(why);
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}

/// Whether `url` is of this machine.
fn is_here(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// The beginning of what a receiver says, on one line.
async fn answer(mut response: reqwest::Response) -> String {
    let mut bytes = Vec::new();
    while let Ok(Some(chunk)) = response.chunk().await
        && bytes.len() < MAX_ANSWER
    {
        bytes.extend_from_slice(&chunk);
    }
    bytes.truncate(MAX_ANSWER);
    let text = String::from_utf8_lossy(&bytes);
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    line.trim().to_owned()
}

fn value(text: &str) -> Result<HeaderValue, String> {
    HeaderValue::from_str(text).map_err(|_| "a token has characters that no header takes".to_owned())
}

/// The innermost cause, which says most. Never the address: it may hold a secret.
fn said(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "no answer in time".to_owned();
    }
    let mut cause: &dyn std::error::Error = error;
    let mut deeper = false;
    while let Some(source) = cause.source() {
        (cause, deeper) = (source, true);
    }
    match cause.downcast_ref::<std::io::Error>() {
        Some(error) => super::datagrams::plainly(error),
        None if deeper => cause.to_string(),
        None => "the request cannot be made".to_owned(),
    }
}
