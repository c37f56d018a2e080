//! What the users of one load thread have in common: buffers that are lent for a moment, names, TLS, local addresses.

use std::cell::{Cell, RefCell, RefMut};
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::sync::Arc;

use super::super::Response;
use super::super::run::RunHttp;
use super::super::tls::Connectors;

/// Bytes read at once.
const INPUT: usize = 64 << 10;

/// Emptied responses kept for their buffers.
const SPARES: usize = 256;

/// Largest buffer of a response that is kept, in bytes.
const LARGEST_SPARE: usize = 64 << 10;

/// Buffers for one poll.
#[derive(Debug)]
pub(super) struct Scratch {
    pub(super) input: Box<[u8]>,
    pub(super) output: Vec<u8>,
}

/// One thread's common things.
#[derive(Debug)]
pub(super) struct Shared {
    scratch: RefCell<Scratch>,
    #[expect(clippy::vec_box, reason = "the boxes are what is lent: a response moves one word")]
    spares: RefCell<Vec<Box<Response>>>,
    pub(super) run: Arc<RunHttp>,
    tls: Rc<Connectors>,
    /// Local addresses to connect from, one after the other; none leaves it to the system.
    sources: Vec<IpAddr>,
    next: Cell<usize>,
}

impl Shared {
    pub(super) fn new(run: Arc<RunHttp>, sources: Vec<IpAddr>) -> Self {
        let scratch = Scratch { input: vec![0; INPUT].into(), output: Vec::new() };
        let (scratch, spares) = (RefCell::new(scratch), RefCell::default());
        Self { scratch, spares, run, tls: Rc::default(), sources, next: Cell::new(0) }
    }

    /// TLS for a user: one of its own where sessions are resumed, for they are the user's.
    pub(super) fn tls(&self) -> Rc<Connectors> {
        if self.run.tls.resumes() { Rc::default() } else { Rc::clone(&self.tls) }
    }

    /// The buffers; to be given back before the next wait.
    pub(super) fn scratch(&self) -> RefMut<'_, Scratch> {
        self.scratch.borrow_mut()
    }

    /// An empty response, if possible with buffers.
    #[expect(clippy::unnecessary_box_returns, reason = "the boxes are what is lent")]
    pub(super) fn spare(&self) -> Box<Response> {
        self.spares.borrow_mut().pop().unwrap_or_default()
    }

    /// Takes the buffers of a response that nobody needs any more.
    pub(super) fn give_back(&self, mut response: Box<Response>) {
        let capacity = response.body.capacity().max(response.head.capacity());
        let mut spares = self.spares.borrow_mut();
        if capacity <= LARGEST_SPARE && spares.len() < SPARES {
            response.clear();
            spares.push(response);
        }
    }

    /// Whether there is a local address to connect to `peer` from.
    pub(super) fn reaches(&self, peer: SocketAddr) -> bool {
        self.sources.is_empty() || self.sources.iter().any(|source| source.is_ipv4() == peer.is_ipv4())
    }

    /// The local address for a connection to `peer`, if one is to be chosen: the next one of its family.
    pub(super) fn source(&self, peer: SocketAddr) -> Option<IpAddr> {
        let fitting = || self.sources.iter().filter(|source| source.is_ipv4() == peer.is_ipv4());
        let count = fitting().count();
        if count == 0 {
            return None;
        }
        let number = self.next.replace(self.next.get().wrapping_add(1));
        fitting().nth(number % count).copied()
    }
}
