//! What a user remembers of its last response, where its class looks at it.

use stampede_scenarios::response::LastResponse;

use super::message::Message;
use super::request::{Done, Landed};
use crate::http::Response;

/// Remembers what came of a request: of `message`, if there was one to be made, which `landed` elsewhere, if redirects have led
/// there. `hides_url`: a secret stands in its URL.
pub(super) fn remember(
    last: &mut LastResponse,
    message: Option<Message<'_>>,
    landed: Option<&Landed>,
    response: Option<&Response>,
    hides_url: bool,
    done: &Done,
) {
    let place = landed.map(|landed| (&landed.origin, &*landed.path));
    last.url.clear();
    if let Some((origin, path)) = place.or(message.map(|message| (message.origin, message.path))) {
        last.url.push_str(&origin.to_string());
        // What comes from a secret is not to come out by another way.
        last.url.push_str(if hides_url { "/‹secret›" } else { path });
    }
    last.head.clear();
    (last.status, last.size) = (0, 0);
    if let Some(response) = response {
        last.head.extend_from_slice(&response.head);
        (last.status, last.size) = (response.status, response.body_len);
    }
    (last.time_ms, last.failed) = (done.time.as_secs_f64() * 1e3, !done.ok);
}
