//! One URL, or a list of them, instead of a scenario file.
//!
//! What was asked for becomes a scenario as text, which goes through the same compiler as a file. `--save` writes that text.
//! How it is run is not known here.

mod args;
mod lines;
mod made;
mod siege;
mod vegeta;
mod write;
mod yaml;

pub(super) use args::UrlArgs;
pub(super) use made::{from_flags, from_list, is_url};
pub(super) use write::write_new;

/// One request as it was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Asked {
    /// `GET`, `POST`, … in capitals.
    method: String,
    /// The whole URL, with scheme and host.
    url: String,
    /// In the order in which they were given.
    headers: Vec<(String, String)>,
    body: AskedBody,
}

/// What is sent with it.
#[derive(Debug, Clone, PartialEq, Eq)]
enum AskedBody {
    Nothing,
    Text(String),
    /// The content of a file, relative to where the program was started.
    File(String),
}

impl AskedBody {
    /// The content type to send when nobody said one: by what it looks like, else that of a form, as curl and siege do.
    fn content_type(&self) -> Option<&'static str> {
        match self {
            Self::Nothing => None,
            Self::Text(text) => {
                let json = serde_json::from_str::<serde_json::Value>(text);
                let is_json = json.is_ok_and(|value| value.is_object() || value.is_array());
                Some(if is_json { "application/json" } else { "application/x-www-form-urlencoded" })
            }
            Self::File(path) => {
                let ending = path.rsplit_once('.').map_or("", |(_, ending)| ending).to_ascii_lowercase();
                Some(match ending.as_str() {
                    "json" => "application/json",
                    "xml" => "application/xml",
                    "html" => "text/html",
                    "txt" => "text/plain",
                    "csv" => "text/csv",
                    "jpg" | "jpeg" => "image/jpeg",
                    "png" => "image/png",
                    "gif" => "image/gif",
                    _ => "application/octet-stream",
                })
            }
        }
    }
}

impl Asked {
    /// Adds the content type that nobody gave.
    fn with_content_type(mut self) -> Self {
        let given = self.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type"));
        if let (Some(content_type), false) = (self.body.content_type(), given) {
            self.headers.push(("content-type".to_owned(), content_type.to_owned()));
        }
        self
    }
}
