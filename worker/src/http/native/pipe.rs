//! HTTP/1.1 pipelining: requests one behind the other over one connection, answered in their order.
//!
//! What is pushed is written when nothing can be read any more, so that many requests go out with one write, as many responses
//! come in with one read. When a connection ends, every request that was written to it and not answered has failed; none is sent
//! again. Those of which nothing was written go over a new connection.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};
use std::time::{Duration, Instant};

use http::Method;
use stampede_stats::outcome::FailureKind;

use super::super::origin::Origin;
use super::super::probe::{HELD, Probe};
use super::super::tls::Connectors;
use super::super::{Exchange, Failure, Options, Request, Response, classify};
use super::call::not_a_response;
use super::connect::{Line, connect};
use super::deadline::{Deadline, LastLook};
use super::io::Io;
use super::reader::Reader;
use super::shared::{Scratch, Shared};
use super::writer;

/// The failure for a target that cannot be asked this way.
const NO_PIPE: Failure =
    Failure::new(FailureKind::Protocol, "the target wants HTTP/2, which has no pipelining");

/// What has to happen before a request can be pushed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takes {
    /// Nothing.
    AtOnce,
    /// The requests that are out have to be popped.
    AfterOthers,
    /// A connection has to be made.
    Unconnected,
}

/// One user's pipeline.
#[derive(Debug)]
pub struct Pipe {
    shared: Rc<Shared>,
    tls: Rc<Connectors>,
    probe: Arc<Probe>,
    line: Option<Piped>,
    waiting: VecDeque<Waiting>,
    deadline: Deadline,
}

/// A connection and what is on its way over it.
#[derive(Debug)]
struct Piped {
    origin: Arc<Origin>,
    io: Io,
    /// Pushed and not written yet, from `written` on.
    output: Vec<u8>,
    written: usize,
    /// Read and not looked at yet, from `seen` on; and when it was read.
    input: Vec<u8>,
    seen: usize,
    read_at: Instant,
    /// Why nothing can be written any more. What the peer said before that still counts.
    broken: Option<Failure>,
    /// The peer said that it closes the connection: nothing more is written to it.
    closes: bool,
    /// No response will come any more.
    is_over: bool,
    /// A request of it was popped.
    was_used: bool,
}

/// A request that was pushed.
#[derive(Debug)]
struct Waiting {
    reader: Reader,
    options: Options,
    begin: Instant,
    connecting: Duration,
    first_byte: Option<Instant>,
    /// Where in the connection's output it lies, until it is written.
    place: Option<Range<usize>>,
    /// Whether its timeout was armed.
    waited: bool,
    last_look: LastLook,
}

impl Pipe {
    pub(super) fn new(shared: Rc<Shared>, tls: Rc<Connectors>, probe: Arc<Probe>) -> Self {
        Self { shared, tls, probe, line: None, waiting: VecDeque::new(), deadline: Deadline::default() }
    }

    /// Whether a request to `origin` can be pushed.
    pub fn takes(&mut self, origin: &Origin) -> Takes {
        if self.waiting.is_empty()
            && let Some(line) = &mut self.line
        {
            line.is_over |= line.has_ended_idle(&self.shared);
        }
        match &self.line {
            Some(line) if !line.is_over && *line.origin == *origin => Takes::AtOnce,
            _ if self.waiting.is_empty() => Takes::Unconnected,
            _ => Takes::AfterOthers,
        }
    }

    /// Whether nothing can be pushed before the requests that are out have been popped.
    pub fn is_over(&self) -> bool {
        self.line.as_ref().is_none_or(|line| line.is_over)
    }

    /// Connects for `request`; to be called when it says [`Takes::Unconnected`]. Returns how long it took.
    ///
    /// # Errors
    /// When there is no connection.
    pub async fn open(&mut self, request: &Request<'_>) -> Result<Duration, Failure> {
        self.line = None;
        let Request { origin, options, begin, timeout, .. } = *request;
        let io = self.connect(origin, options, begin, timeout).await?;
        self.line = Some(Piped::new(Arc::clone(origin), io, Vec::new()));
        Ok(begin.elapsed())
    }

    async fn connect(
        &self,
        origin: &Origin,
        options: &Options,
        begin: Instant,
        timeout: Duration,
    ) -> Result<Io, Failure> {
        match connect(&self.shared, &self.tls, &self.probe, origin, options, begin, timeout).await? {
            Line::H1(io) => Ok(io),
            Line::H2(_) => Err(NO_PIPE),
        }
    }

    /// Puts `request` behind the others. Without a connection it will have failed.
    pub fn push(&mut self, request: &Request<'_>, connecting: Duration) {
        let mut place = None;
        if let Some(line) = &mut self.line {
            let begin = line.output.len();
            let copied = writer::write(request, &mut line.output);
            line.output.extend_from_slice(&request.body[copied..]);
            place = Some(begin..line.output.len());
        }
        let answers_head = *request.method == Method::HEAD;
        self.waiting.push_back(Waiting {
            reader: Reader::new(answers_head, request.options, self.shared.spare()),
            options: *request.options,
            begin: request.begin,
            connecting,
            first_byte: None,
            place,
            waited: false,
            last_look: LastLook::default(),
        });
    }

    /// What came of the oldest request that is out. Without one it has failed.
    ///
    /// It ends with [`HELD`] if a connection had to be made and nothing may be written to it: the request is out still, and is to
    /// be popped again.
    pub async fn pop(&mut self) -> Exchange {
        let (result, end) = loop {
            if self.front_is_left() {
                if let Err(failure) = Box::pin(self.connect_again()).await {
                    break (Err(failure), Instant::now());
                }
                if !self.probe.may_write() {
                    return unwritten(Err(HELD), Instant::now());
                }
            }
            let (result, end) = poll_fn(|cx| self.poll(cx)).await;
            if result.is_ok() || !self.front_is_left() {
                break (result, end);
            }
        };
        let Some(front) = self.waiting.pop_front() else {
            return unwritten(result.map(|()| Box::default()), end);
        };
        if let Some(line) = &mut self.line {
            line.is_over |= result.is_err() || !front.reader.keeps_alive() || front.options.closes;
            line.was_used = true;
        }
        let Waiting { reader, connecting, first_byte, place, .. } = front;
        if place.is_some() {
            // It never will be written; those behind it are counted from its place on.
            self.probe.wrote_one();
        }
        let result = match result {
            Ok(()) if reader.is_too_large() => Err(classify::body_too_large()),
            Ok(()) => Ok(reader.take()),
            Err(failure) => Err(failure),
        };
        Exchange { result, first_byte, end, connecting, written: place.is_none() }
    }

    /// The requests that are out were held for so long: no fault of the target's.
    pub fn hold(&mut self, time: Duration) {
        for waiting in &mut self.waiting {
            waiting.begin += time;
        }
    }

    /// Whether the connection is over and nothing of the oldest request that is out was written to it. One that has served nobody
    /// is not replaced: a target that closes every connection at once would have them made for ever.
    fn front_is_left(&self) -> bool {
        let (Some(line), Some(front)) = (&self.line, self.waiting.front()) else { return false };
        line.is_over && line.was_used && front.is_untouched(line.written)
    }

    /// Connects for the requests that are left, and moves them there.
    async fn connect_again(&mut self) -> Result<(), Failure> {
        let (Some(line), Some(front)) = (&self.line, self.waiting.front()) else {
            return Err(classify::CLOSED);
        };
        let (origin, options) = (Arc::clone(&line.origin), front.options);
        let begin = Instant::now();
        let left = (front.begin + options.total_timeout).saturating_duration_since(begin);
        if left.is_zero() {
            return Err(classify::timed_out(true, options.total_timeout));
        }
        let io = self.connect(&origin, &options, begin, left).await?;
        // Those behind the oldest one lie behind it.
        let moved = self.waiting.front().and_then(|front| front.place.clone()).unwrap_or_default().start;
        let mut output = self.line.take().map(|line| line.output).unwrap_or_default();
        output.drain(..moved);
        for place in self.waiting.iter_mut().filter_map(|waiting| waiting.place.as_mut()) {
            *place = place.start - moved..place.end - moved;
        }
        if let Some(front) = self.waiting.front_mut() {
            front.connecting += begin.elapsed();
        }
        self.line = Some(Piped::new(origin, io, output));
        Ok(())
    }

    /// Takes the buffers of a response that nobody needs any more.
    pub fn give_back(&mut self, response: Box<Response>) {
        self.shared.give_back(response);
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<(Result<(), Failure>, Instant)> {
        let Self { shared, probe, line, waiting, deadline, .. } = self;
        let Some(line) = line.as_mut().filter(|line| !line.is_over) else {
            return Poll::Ready((Err(classify::CLOSED), Instant::now()));
        };
        let Scratch { input, .. } = &mut *shared.scratch();
        loop {
            line.write(cx, waiting, probe);
            let Some(front) = waiting.front_mut() else {
                return Poll::Ready((Err(classify::CLOSED), Instant::now()));
            };
            if let Some(result) = front.read_from(line) {
                return Poll::Ready((result, line.read_at));
            }
            let read = match line.io.poll_read(cx, input) {
                Poll::Ready(read) => read,
                Poll::Pending => {
                    let failure = ready!(front.wait(cx, deadline));
                    return Poll::Ready((Err(failure), Instant::now()));
                }
            };
            line.read_at = Instant::now();
            let end = match read {
                Ok(0) => front.reader.end().map_err(not_a_response),
                Ok(count) => {
                    line.input.extend_from_slice(&input[..count]);
                    continue;
                }
                Err(error) => Err(classify::io_failure(&error, false)),
            };
            line.is_over = true;
            let end = end.map_err(|failure| line.broken.take().unwrap_or(failure));
            return Poll::Ready((end, line.read_at));
        }
    }
}

fn unwritten(result: Result<Box<Response>, Failure>, end: Instant) -> Exchange {
    Exchange { result, first_byte: None, end, connecting: Duration::ZERO, written: false }
}

impl Piped {
    /// A fresh connection, and what is to be written to it.
    fn new(origin: Arc<Origin>, io: Io, output: Vec<u8>) -> Self {
        Self {
            origin,
            io,
            output,
            written: 0,
            input: Vec::new(),
            seen: 0,
            read_at: Instant::now(),
            broken: None,
            closes: false,
            is_over: false,
            was_used: false,
        }
    }

    /// Whether the peer has ended the connection while nothing was out. Whatever can be read then is its end, or nothing that was
    /// asked for.
    fn has_ended_idle(&mut self, shared: &Shared) -> bool {
        // Nobody waits for it: the next request that does says whom to wake.
        let mut nobody = Context::from_waker(Waker::noop());
        let Scratch { input, .. } = &mut *shared.scratch();
        self.seen < self.input.len() || self.io.poll_read(&mut nobody, input).is_ready()
    }

    /// Writes what was pushed, as far as it goes.
    fn write(&mut self, cx: &mut Context<'_>, waiting: &mut VecDeque<Waiting>, probe: &Probe) {
        // While responses lie here to be looked at, more requests may join those that wait to be written.
        if self.seen < self.input.len() || self.output.is_empty() || self.broken.is_some() || self.closes {
            return;
        }
        while self.written < self.output.len() {
            match self.io.poll_write(cx, &self.output[self.written..]) {
                Poll::Ready(Ok(written)) => self.written += written,
                Poll::Ready(Err(error)) => {
                    self.broken = Some(classify::io_failure(&error, false));
                    return;
                }
                Poll::Pending => break,
            }
        }
        let flushed = self.io.poll_flush(cx).is_ready();
        for waiting in waiting.iter_mut() {
            if flushed && waiting.place.as_ref().is_some_and(|place| place.end <= self.written) {
                waiting.place = None;
                probe.wrote_one();
            }
        }
        if flushed && self.written == self.output.len() {
            self.output.clear();
            self.written = 0;
        }
    }
}

impl Waiting {
    /// Whether nothing of it is among the first `written` bytes of the output, and nothing was answered.
    fn is_untouched(&self, written: usize) -> bool {
        self.first_byte.is_none() && self.place.as_ref().is_some_and(|place| place.start >= written)
    }

    /// Reads its response from what lies there. `None` while that is not enough.
    fn read_from(&mut self, line: &mut Piped) -> Option<Result<(), Failure>> {
        let rest = &line.input[line.seen..];
        if rest.is_empty() {
            line.input.clear();
            line.seen = 0;
            return None;
        }
        match self.reader.read_at(rest, &self.options, line.read_at, &mut self.first_byte) {
            Ok(used) => line.seen += used,
            Err(error) => return Some(Err(not_a_response(error))),
        }
        line.closes |= self.reader.closes();
        if self.reader.is_over() {
            return Some(Ok(()));
        }
        line.input.clear();
        line.seen = 0;
        None
    }

    /// Arms its timeout, or tells that it has passed.
    fn wait(&mut self, cx: &mut Context<'_>, deadline: &mut Deadline) -> Poll<Failure> {
        let total = self.options.total_timeout;
        let first =
            self.options.first_byte_timeout.filter(|limit| self.first_byte.is_none() && *limit < total);
        let due = self.begin + first.unwrap_or(total);
        if !std::mem::replace(&mut self.waited, true) {
            deadline.arm(cx, due);
            return Poll::Pending;
        }
        if !deadline.has_passed(cx, due) || !self.last_look.was_taken(cx) {
            return Poll::Pending;
        }
        Poll::Ready(match first {
            Some(limit) => classify::no_first_byte(true, limit),
            None => classify::timed_out(true, total),
        })
    }
}
