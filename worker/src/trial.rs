//! What `coordinator try` sees of a test: each exchange as it was on the wire, and what the engine made of it.
//!
//! The engine runs as always. A client around the real one tells of exchanges; the engine itself tells how it judged a request
//! and which values it took, through a teller of the load thread. Without one, as in every other test, that is one look at a
//! flag.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use stampede_scenarios::extract::ExtractPlan;
use stampede_scenarios::variables::Variables;

use crate::http::decode::decode;
use crate::http::probe::Probe;
use crate::http::run::RunHttp;
use crate::http::{
    ClientError, Exchange, Failure, HttpClient, HttpFactory, HttpThread, MAX_KEPT_BODY, Options, Request,
    Response,
};

thread_local! {
    /// Whether somebody is told at all.
    static TOLD: Cell<bool> = const { Cell::new(false) };
    static TELLER: RefCell<Option<Teller>> = const { RefCell::new(None) };
    /// Values taken and not told yet.
    static TAKEN: RefCell<Vec<(String, Option<String>)>> = const { RefCell::new(Vec::new()) };
}

/// What is told.
#[derive(Debug)]
pub enum Told {
    /// A request and its answer; a redirect that is followed is one too.
    Exchanged(Box<Exchanged>),
    /// What came of a step's request.
    Judged(Judged),
}

/// One exchange.
#[derive(Debug)]
pub struct Exchanged {
    /// Which step it belongs to: where that stands in the scenario, in bytes from the beginning.
    pub step: usize,
    /// `GET`, …
    pub method: String,
    /// The whole URL.
    pub url: String,
    /// Header lines as they were sent, `name: value` with line ends; not those that the client adds by itself.
    pub headers: Vec<u8>,
    /// The `cookie` header; empty for none.
    pub cookies: Vec<u8>,
    /// What was sent.
    pub body: Vec<u8>,
    /// The response, or why there is none.
    pub answer: Result<Answer, String>,
    /// Spent on making a connection.
    pub connecting: Duration,
    /// From the begin to the response's head.
    pub first_byte: Option<Duration>,
    /// From the begin to the end.
    pub total: Duration,
}

/// A response.
#[derive(Debug)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its header lines.
    pub head: Vec<u8>,
    /// Its body, unpacked where that is possible.
    pub body: Vec<u8>,
}

/// How the engine judged a request.
#[derive(Debug)]
pub struct Judged {
    /// As in [`Exchanged::step`].
    pub step: usize,
    /// Why it has failed: the kind and the message.
    pub failure: Option<(&'static str, String)>,
    /// The response time.
    pub time: Duration,
    /// The variables that were set from the response, as JSON; `None`: it has no value.
    pub values: Vec<(String, Option<String>)>,
}

/// Takes what is told, on the thread where it happened.
#[derive(Clone)]
pub struct Teller(Arc<dyn Fn(Told) + Send + Sync>);

impl Teller {
    /// One that hands it to `take`.
    pub fn new(take: impl Fn(Told) + Send + Sync + 'static) -> Self {
        Self(Arc::new(take))
    }
}

impl fmt::Debug for Teller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Teller")
    }
}

/// Values were taken from a response.
pub(crate) fn took(plans: &[ExtractPlan], variables: &Variables) {
    if !TOLD.get() {
        return;
    }
    TAKEN.with_borrow_mut(|taken| {
        taken.extend(plans.iter().map(|plan| (plan.name.clone(), variables.to_json(plan.variable))));
    });
}

/// A request was judged.
pub(crate) fn judged(step: usize, verdict: &Result<(), Failure>, time: Duration) {
    if !TOLD.get() {
        return;
    }
    let failure = verdict.as_ref().err().map(|failure| (failure.kind.as_str(), failure.message.to_string()));
    let values = TAKEN.with_borrow_mut(std::mem::take);
    TELLER.with_borrow(|teller| {
        if let Some(Teller(tell)) = teller {
            tell(Told::Judged(Judged { step, failure, time, values }));
        }
    });
}

/// A factory whose clients tell of their exchanges, and on whose threads the engine tells what it makes of them.
#[derive(Debug, Clone)]
pub struct Telling<F> {
    inner: F,
    teller: Teller,
}

impl<F> Telling<F> {
    /// Around `inner`.
    pub fn new(inner: F, teller: Teller) -> Self {
        Self { inner, teller }
    }
}

impl<F: HttpFactory> HttpFactory for Telling<F> {
    type Thread = Telling<F::Thread>;

    fn thread(&self, run: &Arc<RunHttp>) -> Result<Self::Thread, ClientError> {
        TOLD.set(true);
        TELLER.with_borrow_mut(|teller| *teller = Some(self.teller.clone()));
        Ok(Telling { inner: self.inner.thread(run)?, teller: self.teller.clone() })
    }
}

impl<T: HttpThread> HttpThread for Telling<T> {
    type Client = Telling<T::Client>;

    fn client(&self, probe: &Arc<Probe>) -> Result<Self::Client, ClientError> {
        Ok(Telling { inner: self.inner.client(probe)?, teller: self.teller.clone() })
    }
}

impl<C: HttpClient> HttpClient for Telling<C> {
    async fn exchange(&mut self, request: Request<'_>) -> Exchange {
        // All of it is shown, whether a step looks at it or not.
        let options = Options { keep_head: true, keep_body: true, ..*request.options };
        let exchange = self.inner.exchange(Request { options: &options, ..request }).await;
        (self.teller.0)(Told::Exchanged(Box::new(exchanged(&request, &exchange))));
        exchange
    }

    fn give_back(&mut self, response: Box<Response>) {
        self.inner.give_back(response);
    }
}

fn exchanged(request: &Request<'_>, exchange: &Exchange) -> Exchanged {
    let answer = exchange.result.as_ref().map(|response| Answer {
        status: response.status,
        head: response.head.clone(),
        body: unpacked(response),
    });
    Exchanged {
        step: request.options.step,
        method: request.method.to_string(),
        url: format!("{}{}", request.origin, request.path),
        headers: request.headers.to_vec(),
        cookies: request.cookies.to_vec(),
        body: request.body.to_vec(),
        answer: answer.map_err(|failure| format!("{}: {}", failure.kind.as_str(), failure.message)),
        connecting: exchange.connecting,
        first_byte: exchange.first_byte.map(|at| at.saturating_duration_since(request.begin)),
        total: exchange.end.saturating_duration_since(request.begin),
    }
}

fn unpacked(response: &Response) -> Vec<u8> {
    let body = response.body.clone();
    match &response.coding {
        Some(coding) => decode(coding, body, MAX_KEPT_BODY).unwrap_or_else(|_| response.body.clone()),
        None => body,
    }
}
