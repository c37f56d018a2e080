//! The flags of a test without a scenario file, and what to write in a file in place of each of them.

use std::path::PathBuf;

use clap::Args as ClapArgs;
use stampede_scenarios::units::parse_duration;

/// What makes a scenario of a URL.
#[derive(Debug, Clone, Default, ClapArgs)]
#[command(next_help_heading = "One URL, no file")]
pub(in crate::cli) struct UrlArgs {
    /// The method [default: GET, with --data POST]
    #[arg(short = 'X', long, value_name = "METHOD", env = "STAMPEDE_METHOD")]
    pub(super) method: Option<String>,

    /// A header, 'name: value'; repeatable
    #[arg(long = "header", value_name = "K: V", env = "STAMPEDE_HEADER", value_delimiter = '\n',
          value_parser = header)]
    pub(super) headers: Vec<(String, String)>,

    /// The body, or @FILE for the content of a file
    #[arg(short = 'd', long, value_name = "TEXT", env = "STAMPEDE_DATA")]
    pub(super) data: Option<String>,

    /// Pause between a user's requests (1s, 1s..3s) [default: none]
    #[arg(long, value_name = "D", env = "STAMPEDE_WAIT", value_parser = wait)]
    pub(super) wait: Option<String>,

    /// So many requests outstanding on each connection, over HTTP/1.1
    #[arg(long, value_name = "N", env = "STAMPEDE_PIPELINE", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(super) pipeline: Option<u32>,

    /// Several URLs, one after the other: a file as siege or as vegeta reads it
    #[arg(long, value_name = "FILE", env = "STAMPEDE_URLS")]
    pub(in crate::cli) urls: Option<PathBuf>,

    /// Also write the test as a scenario file to go on from; an existing file is not overwritten
    #[arg(long, value_name = "FILE", env = "STAMPEDE_SAVE")]
    pub(in crate::cli) save: Option<PathBuf>,
}

impl UrlArgs {
    /// The first of these flags that was given, `--urls` aside, and what stands in a scenario file in its place.
    pub(in crate::cli) fn first_given(&self) -> Option<(&'static str, &'static str)> {
        [
            (self.method.is_some(), "-X, --method", "the method is the step's verb: `- post: /path`"),
            (
                !self.headers.is_empty(),
                "--header",
                "headers stand beside a request or under `defaults`: `headers: {accept: text/html}`",
            ),
            (
                self.data.is_some(),
                "-d, --data",
                "a body stands beside a request: `json: {…}`, `form: {…}` or `body: text`",
            ),
            (self.wait.is_some(), "--wait", "the pause is `wait: 1s..3s` of a user class"),
            (
                self.pipeline.is_some(),
                "--pipeline",
                "it is `pipeline: N` under the `defaults` of a user class",
            ),
            (self.save.is_some(), "--save", "a scenario file can be copied"),
        ]
        .into_iter()
        .find_map(|(given, flag, instead)| given.then_some((flag, instead)))
    }

    /// Which of the flags that say what one request is like was given.
    pub(super) fn of_one_request(&self) -> Option<&'static str> {
        match (&self.method, &self.data) {
            (Some(_), _) => Some("-X, --method"),
            (None, Some(_)) => Some("-d, --data"),
            (None, None) => None,
        }
    }
}

fn header(text: &str) -> Result<(String, String), String> {
    match text.split_once(':') {
        Some((name, value)) if !name.trim().is_empty() => {
            Ok((name.trim().to_owned(), value.trim().to_owned()))
        }
        _ => Err("write 'name: value', for example --header 'accept: text/html'".to_owned()),
    }
}

fn wait(text: &str) -> Result<String, String> {
    let (from, to) = text.split_once("..").unwrap_or((text, text));
    for end in [from, to] {
        parse_duration(end).map_err(|error| error.to_string())?;
    }
    Ok(text.trim().to_owned())
}
