//! One user's connections, and which of them a request takes.

use std::future::poll_fn;
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::super::origin::Origin;
use super::super::probe::{HELD, Probe};
use super::super::run::RunHttp;
use super::super::tls::Connectors;
use super::super::{
    ClientError, Exchange, Failure, HttpClient, HttpFactory, HttpThread, Options, Request, Response, Version,
};
use super::call::{Call, End};
use super::connect::{Line, connect};
use super::deadline::Deadline;
use super::pipe::Pipe;
use super::shared::Shared;

/// Connections a user keeps; the one that was longest not used makes room.
const MAX_CONNECTIONS: usize = 16;

/// Makes native clients.
#[derive(Debug, Clone)]
pub struct NativeFactory {
    sources: Vec<IpAddr>,
}

impl NativeFactory {
    /// Clients that connect from `sources` in turn, or from wherever the system likes if there are none.
    pub fn new(sources: Vec<IpAddr>) -> Self {
        Self { sources }
    }
}

impl HttpFactory for NativeFactory {
    type Thread = NativeThread;

    fn thread(&self, run: &Arc<RunHttp>) -> Result<NativeThread, ClientError> {
        let shared = Shared::new(Arc::clone(run), self.sources.clone());
        Ok(NativeThread { shared: Rc::new(shared) })
    }
}

/// What native clients of a load thread have in common.
#[derive(Debug)]
pub struct NativeThread {
    shared: Rc<Shared>,
}

impl HttpThread for NativeThread {
    type Client = NativeClient;

    fn client(&self, probe: &Arc<Probe>) -> Result<NativeClient, ClientError> {
        Ok(NativeClient {
            shared: Rc::clone(&self.shared),
            tls: self.shared.tls(),
            probe: Arc::clone(probe),
            connections: Vec::with_capacity(1),
            deadline: Deadline::default(),
            pipe: None,
        })
    }
}

/// One user's client.
#[derive(Debug)]
pub struct NativeClient {
    shared: Rc<Shared>,
    tls: Rc<Connectors>,
    probe: Arc<Probe>,
    /// The one used last comes last.
    connections: Vec<Connection>,
    deadline: Deadline,
    /// Made when it is first asked for.
    pipe: Option<Box<Pipe>>,
}

#[derive(Debug)]
struct Connection {
    origin: Arc<Origin>,
    line: Line,
    /// A request is, or was, under way that did not come to its end.
    is_busy: bool,
    /// Whether it served a request before.
    was_used: bool,
}

impl Connection {
    /// Whether it can take a request.
    fn fits(&self, origin: &Arc<Origin>, options: &Options) -> bool {
        let speaks = match (&self.line, options.version) {
            (Line::H1(_), Version::H2) | (Line::H2(_), Version::H1) => false,
            (Line::H1(_), _) => true,
            (Line::H2(session), _) => session.is_open(),
        };
        speaks && !self.is_busy && (Arc::ptr_eq(&self.origin, origin) || *self.origin == **origin)
    }
}

impl NativeClient {
    /// Brings a connection for `request` to the end of the list, if there is one.
    fn find(&mut self, request: &Request<'_>) -> bool {
        if request.options.closes {
            // A connection of its own; those the user keeps stay as they are.
            return false;
        }
        match self.connections.last() {
            None => return false,
            Some(last) if last.fits(request.origin, request.options) => return true,
            Some(_) => {}
        }
        self.connections.retain(|connection| !connection.is_busy);
        let found = self.connections.iter().rposition(|known| known.fits(request.origin, request.options));
        if let Some(at) = found {
            self.connections[at..].rotate_left(1);
        }
        found.is_some()
    }

    async fn open(&mut self, request: &Request<'_>) -> Result<(), Failure> {
        let Request { origin, options, begin, timeout, .. } = *request;
        let line = connect(&self.shared, &self.tls, &self.probe, origin, options, begin, timeout).await?;
        if self.connections.len() >= MAX_CONNECTIONS {
            self.connections.remove(0);
        }
        let origin = Arc::clone(request.origin);
        self.connections.push(Connection { origin, line, is_busy: false, was_used: false });
        Ok(())
    }
}

impl HttpClient for NativeClient {
    async fn exchange(&mut self, request: Request<'_>) -> Exchange {
        self.probe.wrote(false);
        let mut connecting = Duration::ZERO;
        loop {
            if !self.find(&request) {
                let opened = Box::pin(self.open(&request)).await;
                let now = Instant::now();
                connecting = now.saturating_duration_since(request.begin);
                if let Err(failure) = opened {
                    return failed(failure, now, connecting);
                }
                if !self.probe.may_write() {
                    if request.options.closes {
                        self.connections.pop();
                    }
                    return failed(HELD, now, connecting);
                }
            }
            let Self { shared, probe, connections, deadline, .. } = self;
            let Some(connection) = connections.last_mut() else { continue };
            let Connection { line, is_busy, was_used, .. } = connection;
            let io = match line {
                Line::H2(session) => {
                    let exchange = Box::pin(session.exchange(&request, probe, connecting)).await;
                    let is_stale = std::mem::replace(was_used, true) && session.was_closed_before(&exchange);
                    if is_stale || request.options.closes {
                        connections.pop();
                    }
                    if is_stale {
                        continue;
                    }
                    return exchange;
                }
                Line::H1(io) => io,
            };
            *is_busy = true;
            let mut call = Call::new(&request, io, *was_used, shared, probe, deadline);
            let end = poll_fn(|cx| call.poll(cx)).await;
            if matches!(end, End::Stale) {
                connections.pop();
                continue;
            }
            *was_used = true;
            *is_busy = !call.leaves_usable();
            let exchange = call.ended(end, connecting);
            if *is_busy || request.options.closes {
                connections.pop();
            }
            return exchange;
        }
    }

    fn pipe(&mut self) -> Option<&mut Pipe> {
        let (shared, tls, probe) = (&self.shared, &self.tls, &self.probe);
        let pipe = || Box::new(Pipe::new(Rc::clone(shared), Rc::clone(tls), Arc::clone(probe)));
        Some(self.pipe.get_or_insert_with(pipe))
    }

    fn give_back(&mut self, response: Box<Response>) {
        self.shared.give_back(response);
    }
}

fn failed(failure: Failure, now: Instant, connecting: Duration) -> Exchange {
    Exchange { result: Err(failure), first_byte: None, end: now, connecting, written: false }
}
