//! One request from rendering to booking: redirects followed, the response judged, both ends of it in the thread's book.

use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use stampede_scenarios::template::RenderContext;
use stampede_stats::outcome::Outcome;
use stampede_stats::recorder::Sample;

use super::context::{Context, UserSignals};
use super::cookies::Jar;
use super::guard::RequestGuard;
use super::judge::judge_and_take;
use super::last::remember;
use super::message::{Lent, Message, Unwritten};
use super::parallel::Lane;
use super::prepared::{Name, PreparedRequest};
use super::redirects::follow;
use super::scope::Scope;
use super::unpack::unpack;
use crate::http::origin::Origin;
use crate::http::probe::Probe;
use crate::http::{ClientError, Exchange, Failure, HttpClient, HttpThread, Request, Response};
use crate::trial;

/// A user's means of making requests.
pub(super) struct Agent<C> {
    pub(super) client: C,
    pub(super) probe: Arc<Probe>,
    pub(super) jar: Jar,
    /// Means of branches that run at the same time, from the first on that did.
    pub(super) lanes: Vec<Lane<C>>,
    /// Makes clients for them.
    pub(super) http: Rc<dyn HttpThread<Client = C>>,
}

impl<C: HttpClient> Agent<C> {
    /// One without cookies, over connections of its own.
    pub(super) fn new(
        http: &Rc<dyn HttpThread<Client = C>>,
        signals: &UserSignals,
    ) -> Result<Self, ClientError> {
        let probe = Arc::clone(&signals.probe);
        let client = http.client(&probe)?;
        Ok(Self { client, probe, jar: Jar::default(), lanes: Vec::new(), http: Rc::clone(http) })
    }
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
    /// Its response time.
    pub(super) time: Duration,
}

/// Where redirects have led.
pub(super) struct Landed {
    pub(super) origin: Arc<Origin>,
    pub(super) path: String,
}

/// Makes a request; `intended` is when it was due, where something made it due. `None`: there is none, for a value that it needs
/// is not there, and that was said.
pub(super) async fn perform<C: HttpClient>(
    here: Here<'_>,
    agent: &mut Agent<C>,
    request: &PreparedRequest,
    scope: &mut Scope<'_>,
    intended: Option<Duration>,
) -> Option<Done> {
    let context = here.context;
    let Agent { client, probe, jar, .. } = agent;
    let (lent, endpoint, rendered) = write(context, request, jar, scope)?;
    let intended = if probe.may_begin() { intended } else { Box::pin(held(here, intended)).await };
    let mut begin = Instant::now();
    let since = context.clock.at(begin);
    let mut guard = RequestGuard::begin(context, here.signals, probe, endpoint, since);
    let mut course = match rendered {
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
    let landed = course.landed.take();
    let is_rendered = course.is_rendered;
    let message = is_rendered.then(|| Message::new(request, lent.as_ref()));
    let (done, response) = settle(context, request, course, guard, from, |result, time| {
        judge_and_take(request, result, time, message, jar, &mut scope.render())
    });
    if let Some(last) = scope.response.as_deref_mut() {
        remember(last, message, landed.as_deref(), response.as_deref(), request.hides_url, &done);
    }
    if let Some(response) = response {
        client.give_back(response);
    }
    Some(done)
}

/// Waits for the lease, and says from when on what was intended counts.
async fn held(here: Here<'_>, intended: Option<Duration>) -> Option<Duration> {
    here.signals.hold(here.context).await;
    // Beats wait like everybody else: the next one counts from when it could begin.
    intended.filter(|_| is_open(here.context))
}

/// An exchange, and whether it was held before its first byte.
pub(super) fn made(exchange: Exchange, guard: &RequestGuard<'_>) -> (Exchange, bool) {
    // By value: what an await may come behind is not to be borrowed before it, or every user keeps the room for it.
    let was_held = exchange.result.is_err() && guard.signals.probe.take_held();
    (exchange, was_held)
}

/// Makes an exchange that was held before its first byte, once that is allowed again. Returns when it began.
pub(super) async fn again<C: HttpClient>(
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

/// Lets `look` judge what came of a request that counts from run time `from` and took so long, and books it.
pub(super) fn settle(
    context: &Context,
    request: &PreparedRequest,
    mut course: Course,
    guard: RequestGuard<'_>,
    from: Duration,
    look: impl FnOnce(&Result<Box<Response>, Failure>, Duration) -> Result<(), Failure>,
) -> (Done, Option<Box<Response>>) {
    if let Ok(response) = &mut course.result
        && let Err(failure) = unpack(request, response)
    {
        course.result = Err(failure);
    }
    let at = context.clock.at(course.end);
    let time = at.saturating_sub(from);
    let verdict = look(&course.result, time);
    trial::judged(request.options.step, &verdict, time);
    guard.end(course.sample(at, time, &verdict));
    (Done { ok: verdict.is_ok(), ended: course.end, time }, course.result.ok())
}

/// Buffers for a request, unless it is the same every time.
fn lend<'a>(context: &'a Context, request: &PreparedRequest, jar: &Jar) -> Option<Lent<'a>> {
    let cookies = request.options.cookies && !jar.is_empty();
    (cookies || !request.is_fixed()).then(|| context.buffers.lend())
}

/// A value that a request needs is not there: this one.
#[derive(Debug)]
struct Missing(Box<str>);

/// What was written of a request: into which buffers, which row it has, and whether it can be made.
pub(super) type Written<'a> = (Option<Lent<'a>>, u32, Result<(), Failure>);

/// Writes what varies of a request. `None`: a value that it needs is not there, and that was said.
pub(super) fn write<'a>(
    context: &'a Context,
    request: &PreparedRequest,
    jar: &Jar,
    scope: &mut Scope<'_>,
) -> Option<Written<'a>> {
    if !request.variables.are_there(scope.variables, &scope.class.name, scope.task) {
        return None;
    }
    match written(context, request, jar, &mut scope.render()) {
        Ok(written) => Some(written),
        Err(Missing(name)) => {
            request.variables.say_missing(&name, &scope.class.name, scope.task);
            None
        }
    }
}

fn written<'a>(
    context: &'a Context,
    request: &PreparedRequest,
    jar: &Jar,
    render: &mut RenderContext<'_>,
) -> Result<Written<'a>, Missing> {
    let mut lent = lend(context, request, jar);
    let (endpoint, named) = endpoint(context, request, lent.as_mut(), render)?;
    let rendered = match (named, &mut lent) {
        (Ok(()), Some(lent)) => failed(lent.render(request, jar, render))?,
        (named, _) => named,
    };
    Ok((lent, endpoint, rendered))
}

/// Only what is a failure of the request.
fn failed(written: Result<(), Unwritten>) -> Result<Result<(), Failure>, Missing> {
    match written {
        Ok(()) => Ok(Ok(())),
        Err(Unwritten::Failed(failure)) => Ok(Err(failure)),
        Err(Unwritten::Missing(name)) => Err(Missing(name)),
    }
}

/// The number of the request's row, and whether its name could be computed.
fn endpoint(
    context: &Context,
    request: &PreparedRequest,
    lent: Option<&mut Lent<'_>>,
    render: &mut RenderContext<'_>,
) -> Result<(u32, Result<(), Failure>), Missing> {
    Ok(match (&request.name, lent) {
        (Name::PerValue(template), Some(lent)) => {
            let (name, written) = lent.name(template, render);
            let written = failed(written)?;
            (context.recorder.borrow_mut().endpoint(request.method.as_str(), name), written)
        }
        // A name with values in it always has buffers.
        (Name::PerValue(_), None) => {
            (context.recorder.borrow_mut().endpoint(request.method.as_str(), ""), Ok(()))
        }
        (Name::Static(number), _) => (*number, Ok(())),
    })
}

/// What came of a request with all its redirects.
pub(super) struct Course {
    pub(super) result: Result<Box<Response>, Failure>,
    pub(super) begin: Instant,
    first_byte: Option<Instant>,
    pub(super) end: Instant,
    connecting: Duration,
    /// Whether the last of its exchanges was written.
    pub(super) written: bool,
    /// Of the last of its responses.
    status: Option<u16>,
    bytes_in: u64,
    head_bytes_in: u64,
    bytes_out: u64,
    /// Where redirects have led, if they have.
    pub(super) landed: Option<Box<Landed>>,
    /// Whether there was a request to be made at all.
    is_rendered: bool,
}

impl Course {
    pub(super) fn new(exchange: Exchange, begin: Instant, body: usize) -> Self {
        let response = exchange.result.as_deref().ok();
        Self {
            status: response.map(|response| response.status),
            bytes_in: response.map_or(0, |response| response.body_len),
            head_bytes_in: response.map_or(0, |response| response.wire_len.saturating_sub(response.body_len)),
            bytes_out: if exchange.written { body as u64 } else { 0 },
            result: exchange.result,
            begin,
            first_byte: exchange.first_byte,
            end: exchange.end,
            connecting: exchange.connecting,
            written: exchange.written,
            landed: None,
            is_rendered: true,
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
            status: None,
            bytes_in: 0,
            head_bytes_in: 0,
            bytes_out: 0,
            landed: None,
            is_rendered: false,
        }
    }

    /// Whether there is more to do than to judge: a redirect to follow, or cookies to keep.
    fn goes_on(&self, request: &PreparedRequest) -> bool {
        self.result.as_ref().is_ok_and(|response| {
            (response.location.is_some() && request.redirects > 0) || !response.set_cookies.is_empty()
        })
    }

    /// Puts the exchanges before this one in front of it.
    pub(super) fn behind(mut self, before: &Self) -> Self {
        self.begin = before.begin;
        self.connecting += before.connecting;
        self.bytes_in += before.bytes_in;
        self.head_bytes_in += before.head_bytes_in;
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
            status: self.status,
            sent: 0,
            hops: 0,
            bytes_in: self.bytes_in,
            head_bytes_in: self.head_bytes_in,
            bytes_out: self.bytes_out,
        }
    }
}
