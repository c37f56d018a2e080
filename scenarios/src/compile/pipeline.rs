//! `pipeline`: several iterations outstanding on a user's one connection, and what a class must be like for that.
//!
//! Answers come back in the order of the requests. So nothing of an iteration can depend on an answer, and everything goes over
//! the same HTTP/1.1 connection.

use super::cx::Cx;
use super::transport::Pipelining;
use crate::diagnostics::Diagnostic;
use crate::plan::{Connection, HttpVersion, OnFailure, Op, Place, RequestPlan, TaskPlan};
use crate::template::Segment;
use crate::tree::{Entry, Kind, Node};
use crate::wait::Wait;

/// Checks a class that asks for it and makes its tasks fit: HTTP/1.1, no redirects. Answers the depth, 1 for none.
pub(super) fn apply(
    asked: Option<Pipelining>,
    wait: Option<(&Entry, Wait)>,
    entries: &Node,
    tasks: &mut [TaskPlan],
    cx: &Cx<'_>,
) -> u32 {
    let Some(asked) = asked.filter(|asked| asked.depth > 1) else { return 1 };
    if let Some((entry, wait)) = wait
        && wait != Wait::None
    {
        report(&asked, entry.key_place, "with `pipeline` users do not wait between iterations", cx);
    }
    let Kind::Map(entries) = &entries.kind else { return asked.depth };
    let mut first: Option<(String, Place)> = None;
    for (entry, task) in entries.iter().zip(tasks) {
        let steps = steps(entry);
        match task.program.ops.as_mut_slice() {
            [Op::Request(request)] if steps == 1 => fit(request, &asked, &mut first, cx),
            // A step that could not be read has been reported.
            [] if steps == 1 => {}
            _ => {
                let message = format!("with `pipeline` a task is one request, and `{}` is not", entry.key);
                report(&asked, entry.key_place, &message, cx);
            }
        }
    }
    asked.depth
}

fn steps(task: &Entry) -> usize {
    let Kind::Map(fields) = &task.value.kind else { return 0 };
    match fields.iter().find(|entry| entry.key == "steps").map(|entry| &entry.value.kind) {
        Some(Kind::List(items)) => items.len(),
        _ => 0,
    }
}

fn fit(request: &mut RequestPlan, asked: &Pipelining, first: &mut Option<(String, Place)>, cx: &Cx<'_>) {
    let refuse = |message: &str| report(asked, request.place, message, cx);
    if request.http == HttpVersion::H2 {
        refuse("with `pipeline` requests go over HTTP/1.1, and this one asks for `http: h2`");
    }
    if request.connection == Connection::PerRequest {
        refuse(
            "with `pipeline` requests share a connection, and this one asks for `connection: per_request`",
        );
    }
    if request.proxy.is_some() {
        refuse("with `pipeline` requests go straight to the target, and this one goes through a `proxy`");
    }
    if !request.extract.is_empty() {
        refuse("with `pipeline` nothing is taken out of a response, and this one has an `extract`");
    }
    if request.on_failure != OnFailure::Continue {
        refuse(
            "with `pipeline` the next request is out before this one has failed, and it has an `on_failure`",
        );
    }
    match (origin(request), &*first) {
        (None, _) => refuse("with `pipeline` the host must be known, and this one depends on the request"),
        (Some(origin), Some((other, _))) if origin != *other => {
            refuse("with `pipeline` all requests of a class go to one host, and this one goes to another");
        }
        (Some(origin), None) => *first = Some((origin, request.place)),
        _ => {}
    }
    request.http = HttpVersion::H1;
    request.redirects = 0;
}

/// Scheme, host and port, if they are the same for each request.
fn origin(request: &RequestPlan) -> Option<String> {
    let Some(Segment::Literal(text)) = request.url.segments().first() else { return None };
    let authority = text.find("://")? + 3;
    let end = authority + text[authority..].find('/')?;
    Some(::url::Url::parse(&text[..end]).ok()?.origin().ascii_serialization())
}

fn report(asked: &Pipelining, place: Place, message: &str, cx: &Cx<'_>) {
    cx.report(
        Diagnostic::at(place, message)
            .note(asked.place, "`pipeline` is asked for here")
            .hint("leave `pipeline` out, or give this class `defaults: {pipeline: 1}`"),
    );
}
