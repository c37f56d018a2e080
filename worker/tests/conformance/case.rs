//! A case: what the server sends, and what every client has to make of it, however it is cut to pieces.

use stampede_stats::outcome::FailureKind;

use super::client::{Ask, Client, KINDS, Kind, Seen, seen};
use super::server::{End, Script, Server};
use super::tls::Over;

/// What the server sends to one request, and what comes of it.
#[derive(Debug, Clone)]
pub(super) struct Case {
    pub(super) name: &'static str,
    pub(super) method: &'static str,
    pub(super) response: &'static [u8],
    pub(super) end: End,
    pub(super) expected: Expected,
}

/// What is to come of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expected {
    /// A response, and whether the next request goes over the same connection.
    Response {
        status: u16,
        body: &'static [u8],
        reuses: bool,
    },
    Failure(FailureKind),
}

/// A response that says itself where it ends, over a connection that is used again.
pub(super) const fn whole(
    name: &'static str,
    response: &'static [u8],
    status: u16,
    body: &'static [u8],
) -> Case {
    let expected = Expected::Response { status, body, reuses: true };
    Case { name, method: "GET", response, end: End::Stays, expected }
}

/// A response that says itself where it ends, over a connection that is not used again.
pub(super) const fn last(
    name: &'static str,
    response: &'static [u8],
    status: u16,
    body: &'static [u8],
) -> Case {
    let expected = Expected::Response { status, body, reuses: false };
    Case { name, method: "GET", response, end: End::Stays, expected }
}

/// A response that ends with the connection.
pub(super) const fn closed(
    name: &'static str,
    response: &'static [u8],
    status: u16,
    body: &'static [u8],
) -> Case {
    let expected = Expected::Response { status, body, reuses: false };
    Case { name, method: "GET", response, end: End::Closes, expected }
}

/// What is no response.
pub(super) const fn wrong(name: &'static str, response: &'static [u8], kind: FailureKind) -> Case {
    Case { name, method: "GET", response, end: End::Stays, expected: Expected::Failure(kind) }
}

impl Case {
    /// The same for another method.
    pub(super) const fn with(self, method: &'static str) -> Self {
        Self { method, ..self }
    }

    fn seen(&self) -> Seen {
        match self.expected {
            Expected::Response { status, body, .. } => Seen::Response { status, body: body.to_vec() },
            Expected::Failure(kind) => Seen::Failure(kind),
        }
    }

    /// Every way in which it is sent: at once, in two pieces, byte by byte.
    fn scripts(&self) -> Vec<Script> {
        let mut scripts = vec![Script::new(self.response, self.end)];
        scripts.extend((1..self.response.len()).map(|at| Script::split(self.response, at, self.end)));
        scripts.push(Script::bytes(self.response, self.end));
        scripts
    }

    /// Every client sees the same in every way it is sent, and uses as many connections as it is to.
    pub(super) async fn hold(&self) {
        self.hold_over(Over::Plain).await;
    }

    pub(super) async fn hold_over(&self, over: Over) {
        for kind in KINDS {
            let server = Server::over(over).await;
            let mut client = Client::over(kind, over);
            let ask = Ask::new(self.method);
            for (number, script) in self.scripts().into_iter().enumerate() {
                let pieces = script.pieces.iter().map(Vec::len).collect::<Vec<_>>();
                server.will(script);
                let seen = seen(client.ask(&ask, server.origin()).await);
                assert_eq!(seen, self.seen(), "{}: {kind:?}, in pieces of {pieces:?}", self.name);
                let connections = match self.expected {
                    Expected::Response { reuses: true, .. } => 1,
                    Expected::Response { reuses: false, .. } | Expected::Failure(_) => number + 1,
                };
                assert_eq!(server.connections(), connections, "{}: {kind:?}, {pieces:?}", self.name);
            }
            assert_eq!(server.requests(), self.scripts().len(), "{}: {kind:?}: nothing twice", self.name);
        }
    }

    /// Every beginning of it is a failure of this kind, for every client, when the connection ends so.
    pub(super) async fn hold_cut_short(&self, end: End, expected: FailureKind) {
        for kind in KINDS {
            let server = Server::start().await;
            for cut in 0..self.response.len() {
                server.will(Script::new(&self.response[..cut], end));
                let seen = self.once(kind, &server).await;
                assert_eq!(seen, Seen::Failure(expected), "{}: {kind:?}, cut at {cut}", self.name);
            }
        }
    }

    async fn once(&self, kind: Kind, server: &Server) -> Seen {
        seen(Client::new(kind).ask(&Ask::new(self.method), server.origin()).await)
    }
}
