//! A list of URLs, line by line: places for messages, and which of the formats it is.
//!
//! Three formats are told apart by their first line: JSON objects (vegeta), `METHOD URL` (vegeta), and URLs (siege).

use stampede_scenarios::diagnostics::{Diagnostic, Diagnostics};
use stampede_scenarios::plan::Place;
use stampede_scenarios::source::Source;

use super::{Asked, siege, vegeta};

/// More URLs make a table that nobody reads.
const MOST: usize = 10_000;

/// A line with its place, without blanks around it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line<'a> {
    pub(super) text: &'a str,
    pub(super) place: Place,
}

impl Line<'_> {
    /// Blank, or a comment.
    pub(super) fn says_nothing(&self) -> bool {
        self.text.is_empty() || self.text.starts_with('#') || self.text.starts_with("//")
    }

    /// A problem of the whole line.
    pub(super) fn problem(&self, message: impl Into<String>) -> Diagnostic {
        Diagnostic::at(self.place, message)
    }
}

/// Reads a list in whichever format it has.
pub(super) fn read(source: &Source) -> Result<Vec<Asked>, Diagnostics> {
    let lines = split(&source.text);
    let mut problems = Vec::new();
    let first = lines.iter().find(|line| !line.says_nothing());
    let asked = match first {
        None => {
            let hint = "one URL to a line, for example `http://127.0.0.1:8080/`";
            problems.push(Diagnostic::anywhere("there is no URL in this file").hint(hint));
            Vec::new()
        }
        Some(first) if first.text.starts_with('{') => vegeta::json(&lines, &mut problems),
        Some(first) if vegeta::is_target(first.text) => vegeta::text(&lines, &mut problems),
        Some(_) => siege::read(&lines, &mut problems),
    };
    if asked.len() > MOST {
        problems
            .push(Diagnostic::anywhere(format!("there are {} URLs, and {MOST} is the most", asked.len())));
    }
    if problems.is_empty() { Ok(asked) } else { Err(Diagnostics::new(source, problems)) }
}

fn split(text: &str) -> Vec<Line<'_>> {
    let mut at = 0;
    let mut lines = Vec::new();
    for (number, whole) in (1..).zip(text.split('\n')) {
        // A byte-order mark is no part of the first URL.
        let line = whole.trim().trim_start_matches('\u{feff}');
        let before = whole.find(line).unwrap_or(0);
        let column = whole.get(..before).map_or(0, |before| before.chars().count());
        let start = at + before;
        let column = u32::try_from(column).unwrap_or(u32::MAX).saturating_add(1);
        lines
            .push(Line { text: line, place: Place { start, end: start + line.len(), line: number, column } });
        at += whole.len() + 1;
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::urls::AskedBody;

    fn list(text: &str) -> Vec<Asked> {
        read(&Source::new("urls.txt", text)).unwrap_or_else(|problems| panic!("{problems}"))
    }

    fn asked(method: &str, url: &str, headers: &[(&str, &str)], body: AskedBody) -> Asked {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Asked { method: method.to_owned(), url: url.to_owned(), headers, body }
    }

    #[test]
    fn a_list_of_siege() {
        let text = "\u{feff}# a comment\nHOST = shop.test:81\r\n\nhttp://$(HOST)/a?x=1\n  ${HOST}/b  \n\
                    http://h.test/c POST a=1&b=two words\nhttp://h.test/d POST </tmp/data.json\nhttp://h.test/e PUT\n\
                    https://h.test/${user.id}\n";
        let form = ("content-type", "application/x-www-form-urlencoded");
        assert_eq!(
            list(text),
            [
                asked("GET", "http://shop.test:81/a?x=1", &[], AskedBody::Nothing),
                asked("GET", "http://shop.test:81/b", &[], AskedBody::Nothing),
                asked("POST", "http://h.test/c", &[form], AskedBody::Text("a=1&b=two words".into())),
                asked(
                    "POST",
                    "http://h.test/d",
                    &[("content-type", "application/json")],
                    AskedBody::File("/tmp/data.json".into())
                ),
                asked("PUT", "http://h.test/e", &[], AskedBody::Nothing),
                asked("GET", "https://h.test/${user.id}", &[], AskedBody::Nothing),
            ]
        );
    }

    #[test]
    fn a_list_of_vegeta() {
        let text = "GET http://h.test/a\nGET http://h.test/b\nX-Id: 7\n# a comment\naccept: */*\n\n\
                    POST http://h.test/c\nContent-Type: text/x\n@body.bin\n\n\nHEAD http://h.test/d";
        assert_eq!(
            list(text),
            [
                asked("GET", "http://h.test/a", &[], AskedBody::Nothing),
                asked("GET", "http://h.test/b", &[("X-Id", "7"), ("accept", "*/*")], AskedBody::Nothing),
                asked(
                    "POST",
                    "http://h.test/c",
                    &[("Content-Type", "text/x")],
                    AskedBody::File("body.bin".into())
                ),
                asked("HEAD", "http://h.test/d", &[], AskedBody::Nothing),
            ]
        );
    }

    #[test]
    fn a_list_of_vegeta_in_json() {
        let text = "{\"method\": \"POST\", \"url\": \"http://h.test/a\", \"body\": \"aGFsbG8=\", \
                    \"header\": {\"X-A\": [\"1\", \"2\"]}}\n\n{\"method\":\"GET\",\"url\":\"http://h.test/b\"}\n";
        assert_eq!(
            list(text),
            [
                asked(
                    "POST",
                    "http://h.test/a",
                    &[("X-A", "1"), ("X-A", "2")],
                    AskedBody::Text("hallo".into())
                ),
                asked("GET", "http://h.test/b", &[], AskedBody::Nothing),
            ]
        );
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        let said = |text: &str| match read(&Source::new("urls.txt", text)) {
            Ok(list) => panic!("read: {list:?}"),
            Err(problems) => problems.render(false),
        };
        insta::assert_snapshot!(
            "list_siege",
            said("http://$(HOST)/\nhttp://a.test/ POST <\nftp://a.test/\nhttp://a.test/ x y\n")
        );
        insta::assert_snapshot!("list_vegeta", said("GET http://a.test/\nno header\n@\n\nGET /b\n"));
        insta::assert_snapshot!(
            "list_json",
            said(
                "{\"url\": 3}\n{\"url\": \"http://a.test/\", \"body\": \"!\"}\n{\"url\": \"http://a.test/\", \"body\": \"/w==\"}\n"
            )
        );
        insta::assert_snapshot!("list_empty", said("# nothing\n"));
    }
}
