//! One request from rendering to booking: redirects followed, the response judged, both ends of it in the thread's book.

use std::sync::Arc;
use std::time::{Duration, Instant};

use http::Method;
use stampede_scenarios::template::RenderContext;
use stampede_stats::outcome::{FailureKind, Outcome};
use stampede_stats::recorder::Sample;
use url::Url;

use super::context::{Context, UserSignals};
use super::cookies::Jar;
use super::guard::RequestGuard;
use super::message::{Lent, Message};
use super::prepared::{Name, PreparedRequest};
use super::unpack::unpack;
use crate::http::origin::{Origin, path_of};
use crate::http::probe::Probe;
use crate::http::{Exchange, Failure, HttpClient, Request, Response, redirect};
use crate::trial;

/// A user's means of making requests.
pub(super) struct Agent<C> {
    pub(super) client: C,
    pub(super) probe: Arc<Probe>,
    pub(super) jar: Jar,
}

/// What is the same for every request of a user.
#[derive(Clone, Copy)]
pub(super) struct Here<'a> {
    pub(super) context: &'a Context,
    pub(super) signals: &'a UserSignals,
}

/// Whether what makes users iterate is arrivals.
fn is_open(context: &Context) -> bool {
    context.prepared.plan.load.open.is_some()
}

/// How a request ended.
pub(super) struct Done {
    pub(super) ok: bool,
    pub(super) ended: Instant,
}

/// Makes a request; `intended` is when it was due, where something made it due.
pub(super) async fn perform<C: HttpClient>(
    here: Here<'_>,
    agent: &mut Agent<C>,
    request: &PreparedRequest,
    render: &mut RenderContext<'_>,
    intended: Option<Duration>,
) -> Done {
    let context = here.context;
    let Agent { client, probe, jar } = agent;
    let mut lent = lend(context, request, jar);
    let endpoint = endpoint(context, request, lent.as_mut(), render);
    let rendered = lent.as_mut().map_or(Ok(()), |lent| lent.render(request, jar, render));
    let mut intended = intended;
    if !probe.may_begin() {
        Box::pin(here.signals.hold(context)).await;
        if !is_open(context) {
            // Beats wait like everybody else: the next one counts from when it could begin.
            intended = None;
        }
    }
    let mut begin = Instant::now();
    let since = context.clock.at(begin);
    let mut guard = RequestGuard::begin(context, here.signals, probe, endpoint, since);
    let course = match rendered {
        Ok(()) => {
            guard.exchanging = true;
            let wire = Message::new(request, lent.as_ref()).request(&request.options, begin);
            let (exchange, was_held) = made(client.exchange(wire).await, &guard);
            guard.exchanging = false;
            let exchange = if was_held {
                drop(exchange);
                let wire = Message::new(request, lent.as_ref()).request(&request.options, begin);
                let again = Box::pin(again(client, wire, &mut guard)).await;
                begin = again.1;
                again.0
            } else {
                exchange
            };
            let message = Message::new(request, lent.as_ref());
            let course = Course::new(exchange, begin, message.body.len());
            if course.goes_on(request) {
                Box::pin(follow(client, jar, request, message, course, &mut guard)).await
            } else {
                guard.sent = u32::from(course.written);
                course
            }
        }
        Err(failure) => Course::unsent(failure, begin, begin),
    };
    let from = match intended {
        // An arrival came due whether somebody could run it or not.
        Some(due) if is_open(context) => due,
        from => from.unwrap_or(guard.begun()) + guard.held(),
    };
    let (done, response) = settle(context, request, course, guard, from, |response| {
        let response = response.map(|response| (Message::new(request, lent.as_ref()), response));
        request.variables.take(response, jar, render)
    });
    if let Some(response) = response {
        client.give_back(response);
    }
    done
}

/// An exchange, and whether it was held before its first byte.
fn made(exchange: Exchange, guard: &RequestGuard<'_>) -> (Exchange, bool) {
    // By value: what an await may come behind is not to be borrowed before it, or every user keeps the room for it.
    let was_held = exchange.result.is_err() && guard.signals.probe.take_held();
    (exchange, was_held)
}

/// Makes an exchange that was held before its first byte, once that is allowed again. Returns when it began.
async fn again<C: HttpClient>(
    client: &mut C,
    mut wire: Request<'_>,
    guard: &mut RequestGuard<'_>,
) -> (Exchange, Instant) {
    loop {
        guard.signals.hold(guard.context).await;
        let begin = Instant::now();
        guard.hold(begin.saturating_duration_since(wire.begin));
        wire.begin = begin;
        guard.exchanging = true;
        let (exchange, was_held) = made(client.exchange(wire).await, guard);
        guard.exchanging = false;
        if !was_held {
            return (exchange, begin);
        }
    }
}

/// Judges what came of a request that counts from run time `from`, lets `take` take its values, and books it.
pub(super) fn settle(
    context: &Context,
    request: &PreparedRequest,
    mut course: Course,
    guard: RequestGuard<'_>,
    from: Duration,
    take: impl FnOnce(Option<&Response>) -> Result<(), Failure>,
) -> (Done, Option<Box<Response>>) {
    if let Ok(response) = &mut course.result
        && let Err(failure) = unpack(request, response)
    {
        course.result = Err(failure);
    }
    let at = context.clock.at(course.end);
    let time = at.saturating_sub(from);
    let verdict = judge(request, &course.result, time);
    let verdict = verdict.and(take(course.result.as_deref().ok()));
    trial::judged(request.options.step, &verdict, time);
    guard.end(course.sample(at, time, &verdict));
    (Done { ok: verdict.is_ok(), ended: course.end }, course.result.ok())
}

/// Buffers for a request, unless it is the same every time.
pub(super) fn lend<'a>(context: &'a Context, request: &PreparedRequest, jar: &Jar) -> Option<Lent<'a>> {
    let cookies = request.options.cookies && !jar.is_empty();
    (cookies || !request.is_fixed()).then(|| context.buffers.lend())
}

/// The number of the request's row.
pub(super) fn endpoint(
    context: &Context,
    request: &PreparedRequest,
    lent: Option<&mut Lent<'_>>,
    render: &mut RenderContext<'_>,
) -> u32 {
    match (&request.name, lent) {
        (Name::PerValue(template), Some(lent)) => {
            let name = lent.name(template, render);
            context.recorder.borrow_mut().endpoint(request.method.as_str(), name)
        }
        // A name with values in it always has buffers.
        (Name::PerValue(_), None) => context.recorder.borrow_mut().endpoint(request.method.as_str(), ""),
        (Name::Static(number), _) => *number,
    }
}

/// What came of a request with all its redirects.
pub(super) struct Course {
    result: Result<Box<Response>, Failure>,
    begin: Instant,
    first_byte: Option<Instant>,
    pub(super) end: Instant,
    connecting: Duration,
    /// Whether the last of its exchanges was written.
    pub(super) written: bool,
    bytes_in: u64,
    bytes_out: u64,
}

impl Course {
    pub(super) fn new(exchange: Exchange, begin: Instant, body: usize) -> Self {
        Self {
            bytes_in: exchange.result.as_ref().map_or(0, |response| response.body_len),
            bytes_out: if exchange.written { body as u64 } else { 0 },
            result: exchange.result,
            begin,
            first_byte: exchange.first_byte,
            end: exchange.end,
            connecting: exchange.connecting,
            written: exchange.written,
        }
    }

    pub(super) fn unsent(failure: Failure, begin: Instant, end: Instant) -> Self {
        Self {
            result: Err(failure),
            begin,
            first_byte: None,
            end,
            connecting: Duration::ZERO,
            written: false,
            bytes_in: 0,
            bytes_out: 0,
        }
    }

    /// Whether there is more to do than to judge: a redirect to follow, or cookies to keep.
    fn goes_on(&self, request: &PreparedRequest) -> bool {
        self.result.as_ref().is_ok_and(|response| {
            (response.location.is_some() && request.redirects > 0) || !response.set_cookies.is_empty()
        })
    }

    /// Puts the exchanges before this one in front of it.
    fn behind(mut self, before: &Self) -> Self {
        self.begin = before.begin;
        self.connecting += before.connecting;
        self.bytes_in += before.bytes_in;
        self.bytes_out += before.bytes_out;
        self
    }

    fn sample<'a>(&self, at: Duration, response: Duration, verdict: &'a Result<(), Failure>) -> Sample<'a> {
        let since_begin = |instant: Instant| instant.saturating_duration_since(self.begin);
        Sample {
            endpoint: 0,
            at,
            outcome: match verdict {
                Ok(()) => Outcome::Ok,
                Err(failure) => Outcome::Failed { kind: failure.kind, message: &failure.message },
            },
            response,
            service: self.result.is_ok().then(|| since_begin(self.end).saturating_sub(self.connecting)),
            ttfb: self.first_byte.map(since_begin),
            sent: 0,
            hops: 0,
            bytes_in: self.bytes_in,
            bytes_out: self.bytes_out,
        }
    }
}

/// Keeps the cookies of a response and follows where it leads.
async fn follow<C: HttpClient>(
    client: &mut C,
    jar: &mut Jar,
    request: &PreparedRequest,
    message: Message<'_>,
    mut course: Course,
    guard: &mut RequestGuard<'_>,
) -> Course {
    let mut left = request.redirects;
    let mut hop = Hop::of(message);
    let mut cookies = Vec::new();
    loop {
        guard.sent += u32::from(course.written);
        let Ok(response) = &course.result else { return course };
        if !response.set_cookies.is_empty() {
            jar.take(&response.set_cookies, &hop.origin, &hop.path);
        }
        let Some(location) = response.location.as_deref().filter(|_| left > 0) else { return course };
        let Some(next) = hop.next(response.status, location) else { return course };
        hop = next;
        left -= 1;
        guard.hops += 1;
        cookies.clear();
        cookies.extend_from_slice(&hop.own_cookies);
        if request.options.cookies {
            jar.write_to(&mut cookies, &hop.origin, &hop.path);
        }
        let mut begin = Instant::now();
        if !guard.signals.probe.may_begin() {
            guard.signals.hold(guard.context).await;
            let held = begin.elapsed();
            (begin, course.begin) = (begin + held, course.begin + held);
            guard.hold(held);
        }
        let so_far = begin.saturating_duration_since(course.begin);
        let timeout = request.options.total_timeout.saturating_sub(so_far);
        let wire = Message { cookies: &cookies, ..hop.message() }.request(&request.options, begin);
        let wire = Request { timeout, ..wire };
        guard.exchanging = true;
        let (exchange, was_held) = made(client.exchange(wire).await, guard);
        guard.exchanging = false;
        let exchange = if was_held {
            let before = guard.held();
            let again = again(client, wire, guard).await;
            begin = again.1;
            course.begin += guard.held().saturating_sub(before);
            again.0
        } else {
            exchange
        };
        course = Course::new(exchange, begin, hop.body.len()).behind(&course);
    }
}

/// The newest of a request's exchanges.
struct Hop<'a> {
    method: Method,
    origin: Arc<Origin>,
    path: String,
    headers: Vec<u8>,
    names_host: bool,
    /// The scenario's own cookies: to its own origin only.
    own_cookies: Vec<u8>,
    body: &'a [u8],
}

impl<'a> Hop<'a> {
    fn of(message: Message<'a>) -> Self {
        Self {
            method: message.method.clone(),
            origin: Arc::clone(message.origin),
            path: message.path.to_owned(),
            headers: message.headers.to_vec(),
            names_host: message.names_host,
            own_cookies: message.own_cookies.to_vec(),
            body: message.body,
        }
    }

    fn next(&self, status: u16, location: &str) -> Option<Self> {
        let url = Url::parse(&format!("{}{}", self.origin, self.path)).ok()?;
        let hop = redirect::hop(&url, &self.method, status, location)?;
        let origin = Origin::of(&hop.url)?;
        let same = origin == *self.origin;
        Some(Self {
            method: hop.method,
            // The same one keeps its place among the user's connections.
            origin: if same { Arc::clone(&self.origin) } else { Arc::new(origin) },
            path: path_of(&hop.url).to_owned(),
            headers: redirect::kept(&self.headers, same, hop.keeps_body),
            names_host: self.names_host && same,
            own_cookies: if same { self.own_cookies.clone() } else { Vec::new() },
            body: if hop.keeps_body { self.body } else { &[] },
        })
    }

    fn message(&self) -> Message<'_> {
        Message {
            method: &self.method,
            origin: &self.origin,
            path: &self.path,
            headers: &self.headers,
            names_host: self.names_host,
            cookies: &[],
            own_cookies: &[],
            body: self.body,
        }
    }
}

/// Whether the response is what the step expects.
fn judge(
    request: &PreparedRequest,
    result: &Result<Box<Response>, Failure>,
    response_time: Duration,
) -> Result<(), Failure> {
    let response = result.as_ref().map_err(Clone::clone)?;
    let expect = &request.expect;
    if !expect.status.iter().any(|(lowest, highest)| (*lowest..=*highest).contains(&response.status)) {
        let message = format!("status {}", response.status).into();
        return Err(Failure { kind: FailureKind::Status, message });
    }
    let not_expected = |rule: String| Failure { kind: FailureKind::Expect, message: rule.into() };
    if let Some(body) = &expect.body {
        body.check_bytes(&response.body).map_err(not_expected)?;
    }
    if let Some(time) = &expect.time_ms {
        time.check_number(response_time.as_secs_f64() * 1e3).map_err(not_expected)?;
    }
    Ok(())
}
