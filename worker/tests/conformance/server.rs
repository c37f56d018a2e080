//! The scripted server: for each request that it has read it plays the next script, byte for byte.
//!
//! It runs on the test's own thread. Between two pieces it lets everybody else run until nothing is left to do, so that a
//! client has read the first before the second is written.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::fs;
use std::io;
use std::rc::Rc;
use std::sync::Arc;

use stampede_worker::http::origin::Origin;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, spawn_local, yield_now};
use tokio_rustls::server::TlsStream;
use url::Url;

use super::tls::{self, Over};

/// What happens to the connection behind a script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// The next request is read.
    Stays,
    /// It is closed, over TLS with a word of goodbye.
    Closes,
    /// It is closed without a word.
    Cuts,
    /// It is reset.
    Resets,
}

/// When a script is played.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum When {
    /// The whole request is there.
    Asked,
    /// The head of the request is there; its body is read afterwards, if the connection stays.
    Begun,
}

/// What the server does with a request.
#[derive(Debug, Clone)]
pub(super) struct Script {
    pub(super) when: When,
    pub(super) pieces: Vec<Vec<u8>>,
    pub(super) end: End,
}

impl Script {
    pub(super) fn new(response: impl Into<Vec<u8>>, end: End) -> Self {
        Self { when: When::Asked, pieces: vec![response.into()], end }
    }

    /// The same bytes, in two pieces.
    pub(super) fn split(response: &[u8], at: usize, end: End) -> Self {
        let pieces = vec![response[..at].to_vec(), response[at..].to_vec()];
        Self { when: When::Asked, pieces, end }
    }

    /// The same bytes, one by one.
    pub(super) fn bytes(response: &[u8], end: End) -> Self {
        Self { when: When::Asked, pieces: response.chunks(1).map(<[u8]>::to_vec).collect(), end }
    }

    /// Nothing is ever answered.
    pub(super) fn silence() -> Self {
        Self { when: When::Asked, pieces: Vec::new(), end: End::Stays }
    }
}

/// What the server received: for each connection its requests, whole or not.
pub(super) type Received = Vec<Vec<Vec<u8>>>;

/// What idle connections are told.
#[derive(Debug, Clone)]
enum Order {
    End(End),
    Say(Vec<u8>),
}

#[derive(Debug)]
struct Shared {
    scripts: RefCell<VecDeque<Script>>,
    received: RefCell<Received>,
    /// A connection that is not idle yet finds it later.
    orders: watch::Sender<Order>,
}

/// A server on a port of its own.
#[derive(Debug)]
pub(super) struct Server {
    shared: Rc<Shared>,
    origin: Arc<Origin>,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    pub(super) async fn start() -> Self {
        Self::over(Over::Plain).await
    }

    pub(super) async fn over(over: Over) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let scheme = if over == Over::Tls { "https" } else { "http" };
        let url = Url::parse(&format!("{scheme}://{address}/")).expect("valid");
        let (scripts, received) = Default::default();
        let shared =
            Rc::new(Shared { scripts, received, orders: watch::Sender::new(Order::End(End::Stays)) });
        let task = spawn_local(accept(listener, over, Rc::clone(&shared)));
        Self { shared, origin: Arc::new(Origin::of(&url).expect("HTTP")), task }
    }

    pub(super) fn origin(&self) -> &Arc<Origin> {
        &self.origin
    }

    /// Plays `script` for the next request that none was told for. A request without a script is not answered.
    pub(super) fn will(&self, script: Script) {
        self.shared.scripts.borrow_mut().push_back(script);
    }

    /// What was received so far.
    pub(super) fn received(&self) -> Received {
        self.shared.received.borrow().clone()
    }

    /// Connections made so far.
    pub(super) fn connections(&self) -> usize {
        self.shared.received.borrow().len()
    }

    /// Requests received so far, over all connections.
    pub(super) fn requests(&self) -> usize {
        self.shared.received.borrow().iter().map(Vec::len).sum()
    }

    /// Ends the idle connections; returns when the clients' system has heard of it.
    pub(super) async fn hang_up(&self, how: End) {
        assert_ne!(how, End::Stays);
        self.shared.orders.send_replace(Order::End(how));
        // 01 is ESTABLISHED.
        self.until(|sockets| sockets.iter().all(|socket| socket.state != "01")).await;
    }

    /// Sends `bytes` over the idle connections, which nobody asked for; returns when the clients' system has them.
    pub(super) async fn blurt(&self, bytes: &[u8]) {
        self.shared.orders.send_replace(Order::Say(bytes.to_vec()));
        // Some clients look at once, and give the connection up.
        let has_seen = |socket: &Socket| socket.unread > 0 || socket.state != "01";
        self.until(|sockets| sockets.iter().all(has_seen)).await;
    }

    /// Returns when `seen` holds for the clients' sockets, and their runtime had a chance to see it as well.
    async fn until(&self, seen: impl Fn(&[Socket]) -> bool) {
        loop {
            settle().await;
            if seen(&sockets_to(self.origin.port()).expect("the system lists its sockets")) {
                break;
            }
        }
        settle().await;
    }
}

/// Lets everything run that can: each turn looks at the sockets and runs whoever was woken.
pub(super) async fn settle() {
    for _ in 0..8 {
        yield_now().await;
    }
}

/// A socket connected to the server.
struct Socket {
    state: String,
    unread: u64,
}

/// From the system's table: `sl local_address rem_address st tx_queue:rx_queue …`, numbers in hexadecimal.
fn sockets_to(port: u16) -> io::Result<Vec<Socket>> {
    let table = fs::read_to_string("/proc/self/net/tcp")?;
    let suffix = format!(":{port:04X}");
    // Most lines are sockets of others, or long over.
    let lines = table.lines().filter(|line| line.contains(&suffix));
    let sockets = lines.filter_map(|line| {
        let fields: Vec<_> = line.split_whitespace().collect();
        let (_, unread) = fields.get(4)?.split_once(':')?;
        let unread = u64::from_str_radix(unread, 16).ok()?;
        fields[2].ends_with(&suffix).then(|| Socket { state: fields[3].to_owned(), unread })
    });
    Ok(sockets.collect())
}

async fn accept(listener: TcpListener, over: Over, shared: Rc<Shared>) {
    let tls = tls::acceptor();
    while let Ok((stream, _)) = listener.accept().await {
        stream.set_nodelay(true).expect("a socket");
        let number = shared.received.borrow().len();
        shared.received.borrow_mut().push(Vec::new());
        let (tls, shared) = (tls.clone(), Rc::clone(&shared));
        // How a connection ends, the client tells.
        spawn_local(async move {
            match over {
                Over::Plain => serve(stream, number, &shared).await,
                Over::Tls => {
                    // A client may not want to.
                    if let Ok(stream) = tls.accept(stream).await {
                        serve(stream, number, &shared).await;
                    }
                }
            }
        });
    }
}

/// A connection, whatever it is made over.
trait Wire: AsyncRead + AsyncWrite + Unpin {
    fn tcp(&self) -> &TcpStream;
}

impl Wire for TcpStream {
    fn tcp(&self) -> &TcpStream {
        self
    }
}

impl Wire for TlsStream<TcpStream> {
    fn tcp(&self) -> &TcpStream {
        self.get_ref().0
    }
}

async fn serve(mut stream: impl Wire, number: usize, shared: &Shared) {
    let mut input = Vec::new();
    let mut orders = shared.orders.subscribe();
    loop {
        let read = tokio::select! {
            biased;
            read = head(&mut stream, &mut input) => read,
            _ = orders.changed() => {
                let order = orders.borrow_and_update().clone();
                match order {
                    Order::End(how) => return hang_up(stream, how).await,
                    Order::Say(bytes) => stream.write_all(&bytes).await.expect("an idle connection"),
                }
                continue;
            }
        };
        let Ok(Some(end)) = read else {
            // What came without being a request is kept too.
            if !input.is_empty() {
                shared.received.borrow_mut()[number].push(input);
            }
            return;
        };
        let length = end + body_length(&input[..end]);
        let next = shared.scripts.borrow_mut().pop_front().unwrap_or_else(Script::silence);
        if next.when == When::Asked && whole(&mut stream, &mut input, length).await.is_err() {
            shared.received.borrow_mut()[number].push(input);
            return;
        }
        let known = length.min(input.len());
        let request = input[..known].to_vec();
        shared.received.borrow_mut()[number].push(request);
        for piece in &next.pieces {
            if stream.write_all(piece).await.is_err() || stream.flush().await.is_err() {
                return;
            }
            settle().await;
        }
        if next.end != End::Stays {
            return hang_up(stream, next.end).await;
        }
        if whole(&mut stream, &mut input, length).await.is_err() {
            return;
        }
        input.drain(..length);
    }
}

async fn hang_up(mut stream: impl Wire, how: End) {
    if how == End::Resets {
        stream.tcp().set_zero_linger().expect("a socket");
        return;
    }
    // With something unread the system would reset the connection.
    let mut unread = [0; 1024];
    while stream.tcp().try_read(&mut unread).is_ok_and(|read| read > 0) {}
    if how == End::Closes {
        // The client may have gone before.
        stream.shutdown().await.unwrap_or_default();
    }
}

/// Reads on until there is a head; where it ends.
async fn head(stream: &mut impl Wire, input: &mut Vec<u8>) -> io::Result<Option<usize>> {
    loop {
        if let Some(at) = input.windows(4).position(|window| window == b"\r\n\r\n") {
            return Ok(Some(at + 4));
        }
        if stream.read_buf(input).await? == 0 {
            return Ok(None);
        }
    }
}

/// Reads on until there are so many bytes.
async fn whole(stream: &mut impl Wire, input: &mut Vec<u8>, length: usize) -> io::Result<()> {
    while input.len() < length {
        if stream.read_buf(input).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(())
}

fn body_length(head: &[u8]) -> usize {
    let head = String::from_utf8_lossy(head).to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
    length.map_or(0, |length| length.trim().parse().expect("a number"))
}

#[test]
fn pieces_are_read_one_by_one() {
    super::client::on_one_thread(async {
        let server = Server::start().await;
        server.will(Script::bytes(b"abcdef", End::Closes));
        let mut stream = TcpStream::connect(("127.0.0.1", server.origin().port())).await.expect("listening");
        stream.write_all(b"GET / HTTP/1.1\r\n\r\n").await.expect("connected");
        let mut pieces = Vec::new();
        loop {
            let mut piece = Vec::with_capacity(64);
            if stream.read_buf(&mut piece).await.expect("connected") == 0 {
                break;
            }
            pieces.push(piece);
        }
        assert_eq!(pieces.concat(), b"abcdef");
        // The system may hold a piece back under load; it would be strange if it did so every time.
        assert!(pieces.len() > 1, "{pieces:?}");
    });
}
