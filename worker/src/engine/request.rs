//! One request from rendering to booking: redirects followed, the response judged, both ends of it in the thread's book.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method};
use stampede_scenarios::template::RenderContext;
use stampede_stats::outcome::{FailureKind, Outcome};
use stampede_stats::recorder::Sample;
use url::Url;

use super::context::{Context, UserSignals};
use super::guard::RequestGuard;
use super::prepared::{Name, PreparedHeaders, PreparedRequest, PreparedUrl};
use crate::http::probe::Probe;
use crate::http::{Exchange, Failure, HttpClient, Request, Response, redirect};

/// A user's means of making requests.
pub(super) struct Agent<C> {
    pub(super) client: C,
    pub(super) probe: Arc<Probe>,
}

/// What is the same for every request of a user.
#[derive(Clone, Copy)]
pub(super) struct Here<'a> {
    pub(super) context: &'a Context,
    pub(super) signals: &'a UserSignals,
}

/// Makes a request; `intended` is when it was due, where something made it due. Returns whether it was ok.
pub(super) async fn perform<C: HttpClient>(
    here: Here<'_>,
    agent: &mut Agent<C>,
    request: &PreparedRequest,
    render: &mut RenderContext<'_>,
    intended: Option<Duration>,
) -> bool {
    let context = here.context;
    let endpoint = match &request.name {
        Name::Static(number) => *number,
        Name::PerValue(template) => {
            let mut name = String::new();
            template.render_into(&mut name, render);
            context.recorder.borrow_mut().endpoint(request.method.as_str(), &name)
        }
    };
    let rendered = Rendered::new(request, render);
    let begun = context.clock.now();
    let intended = intended.unwrap_or(begun);
    let Agent { client, probe } = agent;
    let mut guard = RequestGuard::begin(context, here.signals, probe, endpoint, begun);
    let course = match rendered {
        Ok(rendered) => follow(client, request, rendered, &mut guard).await,
        Err(failure) => Course::unsent(failure),
    };
    let at = context.clock.at(course.end);
    let response = at.saturating_sub(intended);
    let verdict = judge(request, &course.result, response);
    let outcome = match &verdict {
        Ok(()) => Outcome::Ok,
        Err(failure) => Outcome::Failed { kind: failure.kind, message: &failure.message },
    };
    let sample = Sample {
        endpoint,
        at,
        outcome,
        response,
        service: course
            .result
            .is_ok()
            .then(|| course.end.saturating_duration_since(course.begin + course.connecting)),
        ttfb: course.first_byte.map(|first| first.saturating_duration_since(course.begin)),
        sent: 0,
        hops: 0,
        bytes_in: course.bytes_in,
        bytes_out: course.bytes_out,
    };
    guard.end(sample);
    for connected in probe.take_news() {
        context.recorder.borrow_mut().connected(&course.host, connected, at);
    }
    verdict.is_ok()
}

/// A request with this iteration's values in it.
struct Rendered<'a> {
    url: Cow<'a, Url>,
    headers: Cow<'a, HeaderMap>,
    body: Bytes,
}

impl<'a> Rendered<'a> {
    fn new(request: &'a PreparedRequest, render: &mut RenderContext<'_>) -> Result<Self, Failure> {
        let url = match &request.url {
            PreparedUrl::Static(url) => Cow::Borrowed(url),
            PreparedUrl::Rendered(template) => {
                let mut text = String::new();
                template.render_into(&mut text, render);
                Cow::Owned(Url::parse(&text).map_err(|_| cannot_be("the URL is not valid"))?)
            }
        };
        let headers = rendered_headers(&request.headers, render)?;
        Ok(Self { url, headers, body: request.body.render(render) })
    }
}

fn rendered_headers<'a>(
    headers: &'a PreparedHeaders,
    render: &mut RenderContext<'_>,
) -> Result<Cow<'a, HeaderMap>, Failure> {
    if headers.rendered.is_empty() {
        return Ok(Cow::Borrowed(&headers.fixed));
    }
    let mut all = headers.fixed.clone();
    for (name, template) in &headers.rendered {
        let mut text = String::new();
        template.render_into(&mut text, render);
        let value = HeaderValue::try_from(text).map_err(|_| cannot_be("a header cannot have this value"))?;
        all.append(name, value);
    }
    Ok(Cow::Owned(all))
}

fn cannot_be(what: &'static str) -> Failure {
    Failure { kind: FailureKind::Template, message: what.into() }
}

/// What came of a request with all its redirects.
struct Course {
    result: Result<Response, Failure>,
    begin: Instant,
    first_byte: Option<Instant>,
    end: Instant,
    connecting: Duration,
    bytes_in: u64,
    bytes_out: u64,
    host: String,
}

impl Course {
    fn unsent(failure: Failure) -> Self {
        let now = Instant::now();
        Self {
            result: Err(failure),
            begin: now,
            first_byte: None,
            end: now,
            connecting: Duration::ZERO,
            bytes_in: 0,
            bytes_out: 0,
            host: String::new(),
        }
    }
}

async fn follow<C: HttpClient>(
    client: &mut C,
    request: &PreparedRequest,
    rendered: Rendered<'_>,
    guard: &mut RequestGuard<'_>,
) -> Course {
    let Rendered { mut url, mut headers, mut body } = rendered;
    let mut method: Cow<'_, Method> = Cow::Borrowed(&request.method);
    let mut left = request.redirects;
    let mut sums: Option<Course> = None;
    loop {
        let so_far =
            sums.as_ref().map_or(Duration::ZERO, |course| course.end.saturating_duration_since(course.begin));
        let wire = Request {
            method: &method,
            url: &url,
            headers: &headers,
            body: &body,
            timeout: request.timeout.saturating_sub(so_far),
            allowed: request.timeout,
            keep_body: request.keeps_body(),
        };
        guard.exchanging = true;
        let exchange = client.exchange(wire).await;
        guard.exchanging = false;
        guard.sent += u32::from(exchange.written);
        let course = add(sums.take(), exchange, body.len() as u64, || host(&url));
        let next = match &course.result {
            Ok(Response { status, location: Some(location), .. }) if left > 0 => {
                redirect::hop(&url, &method, *status, location)
            }
            _ => None,
        };
        let Some(hop) = next else { return course };
        left -= 1;
        guard.hops += 1;
        redirect::strip(headers.to_mut(), &url, &hop);
        if !hop.keeps_body {
            body = Bytes::new();
        }
        method = Cow::Owned(hop.method);
        url = Cow::Owned(hop.url);
        sums = Some(course);
    }
}

fn add(so_far: Option<Course>, exchange: Exchange, body_len: u64, host: impl Fn() -> String) -> Course {
    let bytes_in = exchange.result.as_ref().map_or(0, |response| response.body_len);
    let bytes_out = if exchange.written { body_len } else { 0 };
    let connected = exchange.connecting > Duration::ZERO;
    let mut course = Course {
        result: exchange.result,
        begin: exchange.begin,
        first_byte: exchange.first_byte,
        end: exchange.end,
        connecting: exchange.connecting,
        bytes_in,
        bytes_out,
        host: if connected { host() } else { String::new() },
    };
    if let Some(before) = so_far {
        course.begin = before.begin;
        course.connecting += before.connecting;
        course.bytes_in += before.bytes_in;
        course.bytes_out += before.bytes_out;
        if course.host.is_empty() {
            course.host = before.host;
        }
    }
    course
}

fn host(url: &Url) -> String {
    let port = url.port_or_known_default().unwrap_or_default();
    format!("{}:{port}", url.host_str().unwrap_or_default())
}

/// Whether the response is what the step expects.
fn judge(
    request: &PreparedRequest,
    result: &Result<Response, Failure>,
    response_time: Duration,
) -> Result<(), Failure> {
    let response = result.as_ref().map_err(Clone::clone)?;
    let expect = &request.expect;
    if !expect.status.iter().any(|(lowest, highest)| (*lowest..=*highest).contains(&response.status)) {
        let message = format!("status {}", response.status).into();
        return Err(Failure { kind: FailureKind::Status, message });
    }
    let not_expected = |rule: String| Failure { kind: FailureKind::Expect, message: rule.into() };
    if let Some(body) = request.body_matcher() {
        body.check_bytes(&response.body).map_err(not_expected)?;
    }
    if let Some(time) = &expect.time_ms {
        time.check_number(response_time.as_secs_f64() * 1e3).map_err(not_expected)?;
    }
    Ok(())
}
