//! One request and its response over an HTTP/1.1 connection, as far as it gets each time it is polled.
//!
//! Writing and reading use the thread's buffers and give them back before every wait; only what did not fit into one write or
//! one read is kept here.

use std::io;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use http::Method;
use stampede_stats::outcome::FailureKind;

use super::super::probe::Probe;
use super::super::{Exchange, Failure, Request, classify};
use super::deadline::{Deadline, LastLook};
use super::io::Io;
use super::reader::{ReadError, Reader};
use super::shared::{Scratch, Shared};
use super::writer;

/// How far the request is written.
#[derive(Debug)]
enum Writing {
    Nothing,
    /// Bytes that one write did not take, and how much of the body they hold.
    Rest {
        bytes: Vec<u8>,
        from: usize,
        in_body: usize,
    },
    /// The body, from here on.
    Body(usize),
    /// All, but not with the system yet.
    Flushing,
    All,
    Broken(io::Error),
}

/// How a call ended.
#[derive(Debug)]
pub(super) enum End {
    /// The connection was closed before anything was written.
    Stale,
    /// With a whole response.
    Whole,
    /// Without.
    Failed(Failure),
}

/// A request under way.
pub(super) struct Call<'a, 'r> {
    request: &'a Request<'r>,
    io: &'a mut Io,
    shared: &'a Shared,
    probe: &'a Probe,
    deadline: &'a mut Deadline,
    reader: Reader,
    writing: Writing,
    /// Whether the connection was idle before.
    was_idle: bool,
    waited: bool,
    last_look: LastLook,
    /// Bytes came that are no part of the response.
    has_leftover: bool,
    first_byte: Option<Instant>,
    end: Instant,
}

impl<'a, 'r> Call<'a, 'r> {
    pub(super) fn new(
        request: &'a Request<'r>,
        io: &'a mut Io,
        was_idle: bool,
        shared: &'a Shared,
        probe: &'a Probe,
        deadline: &'a mut Deadline,
    ) -> Self {
        let answers_head = *request.method == Method::HEAD;
        Self {
            reader: Reader::new(answers_head, request.options, shared.spare()),
            request,
            io,
            shared,
            probe,
            deadline,
            writing: Writing::Nothing,
            was_idle,
            waited: false,
            last_look: LastLook::default(),
            has_leftover: false,
            first_byte: None,
            end: request.begin,
        }
    }

    /// Whether the request was written to its last byte.
    fn has_written(&self) -> bool {
        matches!(self.writing, Writing::All)
    }

    /// Whether the connection may be used for another request.
    pub(super) fn leaves_usable(&self) -> bool {
        self.has_written() && self.reader.is_over() && self.reader.keeps_alive() && !self.has_leftover
    }

    /// What came of it.
    pub(super) fn ended(self, end: End, connecting: Duration) -> Exchange {
        let (first_byte, written, end_at) = (self.first_byte, self.has_written(), self.end);
        let result = match end {
            End::Whole if self.reader.is_too_large() => Err(classify::body_too_large()),
            End::Whole => Ok(self.reader.take()),
            End::Failed(failure) => Err(failure),
            End::Stale => Err(classify::CLOSED),
        };
        Exchange { result, first_byte, end: end_at, connecting, written }
    }

    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<End> {
        let shared = self.shared;
        let Scratch { input, output } = &mut *shared.scratch();
        if matches!(self.writing, Writing::Nothing) {
            // Whatever can be read from an idle connection is its end, or nothing that was asked for.
            if self.was_idle && self.io.poll_read(cx, input).is_ready() {
                return Poll::Ready(End::Stale);
            }
            self.begin(cx, output);
        }
        self.write(cx);
        match self.read(cx, input) {
            Poll::Ready(end) => Poll::Ready(end),
            Poll::Pending => self.wait(cx),
        }
    }

    /// The first write: nearly always the only one.
    fn begin(&mut self, cx: &mut Context<'_>, output: &mut Vec<u8>) {
        output.clear();
        let in_body = writer::write(self.request, output);
        let written = match self.io.poll_write(cx, output) {
            Poll::Ready(Ok(written)) => written,
            Poll::Ready(Err(error)) => return self.writing = Writing::Broken(error),
            Poll::Pending => 0,
        };
        self.writing = if written == output.len() {
            self.behind(in_body)
        } else {
            Writing::Rest { bytes: output[written..].to_vec(), from: 0, in_body }
        };
    }

    /// What comes when the head and `in_body` bytes of the body are written.
    fn behind(&self, in_body: usize) -> Writing {
        if in_body < self.request.body.len() {
            return Writing::Body(in_body);
        }
        match self.io {
            Io::Plain(_) => {
                self.probe.wrote(true);
                Writing::All
            }
            Io::Tls(_) => Writing::Flushing,
        }
    }

    fn write(&mut self, cx: &mut Context<'_>) {
        loop {
            let next = match &mut self.writing {
                Writing::Nothing | Writing::All | Writing::Broken(_) => return,
                Writing::Rest { bytes, from, in_body } => match self.io.poll_write(cx, &bytes[*from..]) {
                    Poll::Pending => return,
                    Poll::Ready(Err(error)) => Writing::Broken(error),
                    Poll::Ready(Ok(written)) if *from + written < bytes.len() => {
                        *from += written;
                        continue;
                    }
                    Poll::Ready(Ok(_)) => {
                        let in_body = *in_body;
                        self.behind(in_body)
                    }
                },
                Writing::Body(from) => match self.io.poll_write(cx, &self.request.body[*from..]) {
                    Poll::Pending => return,
                    Poll::Ready(Err(error)) => Writing::Broken(error),
                    Poll::Ready(Ok(written)) => {
                        let from = *from + written;
                        self.behind(from)
                    }
                },
                Writing::Flushing => match self.io.poll_flush(cx) {
                    Poll::Pending => return,
                    Poll::Ready(Err(error)) => Writing::Broken(error),
                    Poll::Ready(Ok(())) => {
                        self.probe.wrote(true);
                        Writing::All
                    }
                },
            };
            self.writing = next;
        }
    }

    fn read(&mut self, cx: &mut Context<'_>, input: &mut [u8]) -> Poll<End> {
        loop {
            let count = match self.io.poll_read(cx, input) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(count)) => count,
                Poll::Ready(Err(error)) => {
                    self.end = Instant::now();
                    return Poll::Ready(End::Failed(classify::io_failure(&error, false)));
                }
            };
            self.end = Instant::now();
            if count == 0 {
                return Poll::Ready(self.closed());
            }
            let (input, options) = (&input[..count], self.request.options);
            match self.reader.read_at(input, options, self.end, &mut self.first_byte) {
                Ok(used) if self.reader.is_over() => {
                    self.has_leftover = used < count;
                    return Poll::Ready(End::Whole);
                }
                Ok(_) => {}
                Err(error) => return Poll::Ready(End::Failed(not_a_response(error))),
            }
        }
    }

    /// The peer has closed the connection.
    fn closed(&mut self) -> End {
        match (self.reader.end(), &self.writing) {
            (Ok(()), _) => End::Whole,
            (Err(_), Writing::Broken(error)) => End::Failed(classify::io_failure(error, false)),
            (Err(error), _) => End::Failed(not_a_response(error)),
        }
    }

    /// Nothing to do until the socket or the timer says otherwise.
    fn wait(&mut self, cx: &mut Context<'_>) -> Poll<End> {
        let (due, limit) = self.due();
        if !std::mem::replace(&mut self.waited, true) {
            self.deadline.arm(cx, due);
            return Poll::Pending;
        }
        if !self.deadline.has_passed(cx, due) {
            return Poll::Pending;
        }
        if !self.last_look.was_taken(cx) {
            return Poll::Pending;
        }
        self.end = Instant::now();
        let failure = match limit {
            Some(limit) => classify::no_first_byte(true, limit),
            None => classify::timed_out(true, self.request.options.total_timeout),
        };
        Poll::Ready(End::Failed(failure))
    }

    /// When it is too late, and the limit for the first byte if that is what it is too late for.
    fn due(&self) -> (Instant, Option<Duration>) {
        let Request { begin, timeout, options, .. } = self.request;
        let all = *begin + *timeout;
        match options.first_byte_timeout {
            Some(limit) if self.first_byte.is_none() && *begin + limit < all => (*begin + limit, Some(limit)),
            _ => (all, None),
        }
    }
}

/// The failure for bytes that are not a response.
pub(super) fn not_a_response(error: ReadError) -> Failure {
    let kind = match error {
        ReadError::Closed => return classify::CLOSED,
        ReadError::HeadTooLarge => return classify::HEAD_TOO_LARGE,
        ReadError::TrailersTooLarge => FailureKind::TooLarge,
        ReadError::Malformed(_)
        | ReadError::BadLength
        | ReadError::OldTransferEncoding
        | ReadError::BadChunk
        | ReadError::BadTrailers => FailureKind::Protocol,
    };
    Failure { kind, message: error.to_string().into() }
}
