//! What a request sends: `json`, `form`, `multipart`, `body` or `body_file`.

use super::cx::Cx;
use super::eval::{Evaluated, Scope};
use super::names::Names;
use super::schema::{Fields, Schema};
use super::settings::values;
use super::texts::{self, Piece};
use crate::data::FeederId;
use crate::diagnostics::Diagnostic;
use crate::plan::{AssetId, BodyPlan, PartContent, PartPlan};
use crate::template::{Encoding, PairsOf, Template};
use crate::tree::{Entry, Kind, Node};

const BODIES: [&str; 5] = ["json", "form", "multipart", "body", "body_file"];
const FILE_PART: Schema = Schema { what: "a file of `multipart`", keys: &["path", "type", "filename"] };

/// Content types of common endings.
const TYPES: [(&str, &str); 24] = [
    ("jpg", "image/jpeg"),
    ("jpeg", "image/jpeg"),
    ("png", "image/png"),
    ("gif", "image/gif"),
    ("webp", "image/webp"),
    ("svg", "image/svg+xml"),
    ("bmp", "image/bmp"),
    ("tiff", "image/tiff"),
    ("ico", "image/x-icon"),
    ("pdf", "application/pdf"),
    ("json", "application/json"),
    ("xml", "application/xml"),
    ("zip", "application/zip"),
    ("gz", "application/gzip"),
    ("txt", "text/plain"),
    ("csv", "text/csv"),
    ("html", "text/html"),
    ("htm", "text/html"),
    ("md", "text/markdown"),
    ("js", "text/javascript"),
    ("css", "text/css"),
    ("mp3", "audio/mpeg"),
    ("wav", "audio/wav"),
    ("mp4", "video/mp4"),
];

/// The body among a request's fields; `None` after a report.
pub(super) fn read(fields: Fields<'_>, scope: &Scope<'_>, names: &Names, cx: &Cx<'_>) -> Option<BodyPlan> {
    let given: Vec<&Entry> = BODIES.iter().filter_map(|key| fields.entry(key)).collect();
    if let [first, second, ..] = given.as_slice() {
        let (first, second) =
            if first.key_place < second.key_place { (first, second) } else { (second, first) };
        cx.report(
            Diagnostic::at(
                second.key_place,
                format!("a request has one body, and this one has `{}` and `{}`", first.key, second.key),
            )
            .note(first.key_place, "the other one is here"),
        );
        return None;
    }
    let Some(entry) = given.first() else { return Some(BodyPlan::Empty) };
    let node = &entry.value;
    match entry.key.as_str() {
        "json" => {
            let mut content = Template::default();
            json(node, &mut content, scope, cx)
                .then_some(BodyPlan::Text { content, content_type: Some("application/json") })
        }
        "form" => form(node, scope, cx).map(|content| BodyPlan::Text {
            content,
            content_type: Some("application/x-www-form-urlencoded"),
        }),
        "multipart" => multipart(node, scope, names, cx).map(BodyPlan::Multipart),
        "body_file" => match row_file(node, "path", scope, cx) {
            Some(feeder) => Some(BodyPlan::Row(feeder)),
            None => asset(node, scope, names, cx).map(|(id, _)| BodyPlan::Asset(id)),
        },
        _ if matches!(node.kind, Kind::Scalar(_)) => scope
            .template(node, Encoding::Raw, cx)
            .map(|content| BodyPlan::Text { content, content_type: None }),
        _ => {
            cx.report(
                Diagnostic::at(node.place, format!("`body` is text, and this is {}", node.found()))
                    .hint("lists and maps can be sent with `json` or `form`"),
            );
            None
        }
    }
}

/// Writes a value as JSON; whether it could be read.
pub(super) fn json(node: &Node, out: &mut Template, scope: &Scope<'_>, cx: &Cx<'_>) -> bool {
    match &node.kind {
        Kind::Scalar(scalar) if !texts::check_number(scalar, node.place, cx) => false,
        Kind::Scalar(scalar) if !scalar.text.contains("${") => {
            out.push_value(&scalar.value(), Encoding::JsonValue);
            true
        }
        Kind::Scalar(scalar) => {
            let Some(pieces) = scope.pieces(&scalar.text, node.place, cx) else { return false };
            json_text(&pieces, out);
            true
        }
        Kind::List(items) => {
            let mut good = true;
            out.push_encoded("[");
            for (index, item) in items.iter().enumerate() {
                out.push_encoded(if index > 0 { "," } else { "" });
                good &= json(item, out, scope, cx);
            }
            out.push_encoded("]");
            good
        }
        Kind::Map(entries) => {
            let mut good = true;
            out.push_encoded("{");
            for (index, entry) in entries.iter().enumerate() {
                out.push_encoded(if index > 0 { ",\"" } else { "\"" });
                match scope.pieces(&entry.key, entry.key_place, cx) {
                    Some(pieces) => out.push_template(&texts::assemble(&pieces, Encoding::JsonInside)),
                    None => good = false,
                }
                out.push_encoded("\":");
                good &= json(&entry.value, out, scope, cx);
            }
            out.push_encoded("}");
            good
        }
    }
}

/// A text that is nothing but one `${…}` keeps the type of its value; any other is a JSON string.
fn json_text(pieces: &[Piece], out: &mut Template) {
    match pieces {
        [Piece::Computed(Evaluated::Known(value), _)] => out.push_value(value, Encoding::JsonValue),
        [Piece::Computed(Evaluated::Secret(value, name), _)] => {
            out.push_secret(value, name, Encoding::JsonValue);
        }
        [Piece::Computed(Evaluated::Later(source, secret), _)] => {
            out.push_source(source.clone(), secret.as_deref(), Encoding::JsonValue);
        }
        pieces => {
            out.push_encoded("\"");
            out.push_template(&texts::assemble(pieces, Encoding::JsonInside));
            out.push_encoded("\"");
        }
    }
}

/// The names and values of a `form` or a `query`, values encoded; a list repeats its name.
pub(super) fn pairs(
    node: &Node,
    what: &str,
    scope: &Scope<'_>,
    cx: &Cx<'_>,
) -> Option<Vec<(String, Template)>> {
    let Kind::Map(entries) = &node.kind else {
        cx.report(
            Diagnostic::at(
                node.place,
                format!("`{what}` is a map of names and values, and this is {}", node.found()),
            )
            .hint(format!("for example `{what}: {{page: 2}}`")),
        );
        return None;
    };
    let read: Vec<Option<Vec<(String, Template)>>> = entries
        .iter()
        .map(|entry| {
            let values = values(&entry.value, Encoding::Component, scope, cx)?;
            Some(values.into_iter().map(|value| (entry.key.clone(), value)).collect())
        })
        .collect();
    read.into_iter().collect::<Option<Vec<_>>>().map(|lists| lists.into_iter().flatten().collect())
}

fn form(node: &Node, scope: &Scope<'_>, cx: &Cx<'_>) -> Option<Template> {
    let mut content = Template::default();
    content.push_pairs(PairsOf::Form, "", &pairs(node, "form", scope, cx)?);
    Some(content)
}

fn multipart(node: &Node, scope: &Scope<'_>, names: &Names, cx: &Cx<'_>) -> Option<Vec<PartPlan>> {
    let Kind::Map(entries) = &node.kind else {
        cx.report(
            Diagnostic::at(
                node.place,
                format!("`multipart` is a map of parts, and this is {}", node.found()),
            )
            .hint("for example `multipart: {file: {path: dog.jpg}, caption: A dog}`"),
        );
        return None;
    };
    if entries.is_empty() {
        cx.report(Diagnostic::at(node.place, "a `multipart` body has at least one part"));
        return None;
    }
    let read: Vec<Option<Vec<PartPlan>>> =
        entries.iter().map(|entry| parts(&entry.key, &entry.value, scope, names, cx)).collect();
    read.into_iter().collect::<Option<Vec<_>>>().map(|lists| lists.into_iter().flatten().collect())
}

/// The parts of one name: several if it is a list, none if it is null.
fn parts(name: &str, node: &Node, scope: &Scope<'_>, names: &Names, cx: &Cx<'_>) -> Option<Vec<PartPlan>> {
    match &node.kind {
        Kind::List(items) => {
            let read: Vec<Option<Vec<PartPlan>>> =
                items.iter().map(|item| parts(name, item, scope, names, cx)).collect();
            read.into_iter().collect::<Option<Vec<_>>>().map(|lists| lists.into_iter().flatten().collect())
        }
        Kind::Map(_) => file_part(name, node, scope, names, cx).map(|part| vec![part]),
        Kind::Scalar(_) => {
            let texts = values(node, Encoding::Raw, scope, cx)?;
            let part = |text| PartPlan {
                name: name.to_owned(),
                content: PartContent::Text(text),
                file_name: None,
                content_type: None,
            };
            Some(texts.into_iter().map(part).collect())
        }
    }
}

fn file_part(name: &str, node: &Node, scope: &Scope<'_>, names: &Names, cx: &Cx<'_>) -> Option<PartPlan> {
    let fixed = Scope { user: false, ..*scope };
    let fields = FILE_PART.open(node, cx)?;
    if let Some(feeder) = fields.get("path").and_then(|node| row_file(node, "path", scope, cx)) {
        // Its own type and name may be written out as well.
        let own = |key: &str, part: &str, what: &str| match fields.get(key) {
            Some(node) if row_file(node, part, scope, cx) != Some(feeder) => {
                fixed.text(node, what, cx).map(Some)
            }
            _ => Some(None),
        };
        let content_type = own("type", "type", "a content type such as `image/jpeg`");
        let file_name = own("filename", "name", "a file name");
        let content = PartContent::Row(feeder);
        return Some(PartPlan {
            name: name.to_owned(),
            content,
            file_name: file_name?,
            content_type: content_type?,
        });
    }
    let content_type =
        fields.get("type").map(|node| fixed.text(node, "a content type such as `image/jpeg`", cx));
    let file_name = fields.get("filename").map(|node| fixed.text(node, "a file name", cx));
    let Some(path) = fields.get("path") else {
        cx.report(
            Diagnostic::at(node.place, format!("the file of the part `{name}` has no `path`"))
                .hint("for example `{path: dog.jpg, type: image/jpeg}`"),
        );
        return None;
    };
    let (id, path) = asset(path, scope, names, cx)?;
    let own_name = path.rsplit(['/', '\\']).next().unwrap_or(&path).to_owned();
    let content_type = match content_type {
        Some(given) => Some(given?),
        None => Some(type_of_path(&own_name).to_owned()),
    };
    let file_name = match file_name {
        Some(given) => Some(given?),
        None => Some(own_name.clone()),
    };
    Some(PartPlan { name: name.to_owned(), content: PartContent::Asset(id), file_name, content_type })
}

/// The content type that a file's ending stands for.
pub(super) fn type_of_path(path: &str) -> &'static str {
    let name = path.rsplit(['/', '\\']).next().unwrap_or(path);
    let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase());
    let known = ending.and_then(|ending| TYPES.iter().find(|(known, _)| *known == ending));
    known.map_or("application/octet-stream", |(_, content_type)| content_type)
}

/// The feeder whose row of files a text like `${images.path}` stands for.
fn row_file(node: &Node, part: &str, scope: &Scope<'_>, cx: &Cx<'_>) -> Option<FeederId> {
    let text = node.text().filter(|_| scope.user)?;
    cx.feeders().file(text, part)
}

/// A file named by the scenario, with its path.
pub(super) fn asset(node: &Node, scope: &Scope<'_>, names: &Names, cx: &Cx<'_>) -> Option<(AssetId, String)> {
    let fixed = Scope { user: false, ..*scope };
    let path = fixed.text(node, "the path of a file", cx)?;
    Some((names.asset(&path, node.place), path))
}
