//! Whether a response is what its step expects, and the values that are taken out of it.
//!
//! Both look at the same bytes, which are taken apart once for both. What the rules are is in `stampede_scenarios::expect`.

use std::time::Duration;

use stampede_scenarios::contents::{Contents, ResponseView};
use stampede_scenarios::expect::{Numbers, Unmet};
use stampede_scenarios::template::RenderContext;
use stampede_stats::outcome::FailureKind;

use super::cookies::Jar;
use super::message::Message;
use super::prepared::PreparedRequest;
use crate::http::{Failure, Response};

/// Judges a response that took so long and sets the user's variables from it, whether it is as expected or not. `message` is
/// what was sent; without one there is no response.
pub(super) fn judge_and_take(
    request: &PreparedRequest,
    result: &Result<Box<Response>, Failure>,
    time: Duration,
    message: Option<Message<'_>>,
    jar: &Jar,
    render: &mut RenderContext<'_>,
) -> Result<(), Failure> {
    let response = match result {
        Ok(response) => response,
        Err(failure) => {
            request.variables.take(None, render)?;
            return Err(failure.clone());
        }
    };
    let cookies = message.map_or_else(Vec::new, |message| request.variables.cookies(message, jar));
    let mut contents = Contents::new(ResponseView { cookies: &cookies, ..view(response) });
    let verdict = check(request, response, time, &mut contents, Some(render));
    verdict.and(request.variables.take(Some(&mut contents), render))
}

/// Judges a response of a step that takes nothing out of it and expects the same for each user.
pub(super) fn judge(
    request: &PreparedRequest,
    result: &Result<Box<Response>, Failure>,
    time: Duration,
) -> Result<(), Failure> {
    let response = result.as_ref().map_err(Clone::clone)?;
    check(request, response, time, &mut Contents::new(view(response)), None)
}

/// What can be looked at.
pub(super) fn view(response: &Response) -> ResponseView<'_> {
    ResponseView { head: &response.head, body: &response.body, cookies: b"" }
}

fn check(
    request: &PreparedRequest,
    response: &Response,
    time: Duration,
    contents: &mut Contents<'_>,
    user: Option<&mut RenderContext<'_>>,
) -> Result<(), Failure> {
    let numbers =
        Numbers { status: response.status, size: response.body_len, time_ms: time.as_secs_f64() * 1e3 };
    request.expect.check(&numbers, contents, user).map_err(|unmet| {
        let kind = match unmet {
            Unmet::Status(_) => FailureKind::Status,
            Unmet::Rule(_) => FailureKind::Expect,
            Unmet::Computing(_) => FailureKind::Template,
        };
        Failure { kind, message: unmet.to_string().into() }
    })
}
