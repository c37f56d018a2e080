//! How a request gets to its target: by an address in place of a name, through a proxy, from a local address.

use std::cell::RefCell;
use std::net::IpAddr;
use std::rc::Rc;

use stampede_stats::outcome::FailureKind;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::spawn_local;

use super::target::{Speaks, Target, head, origin};
use super::user::{BOTH, Kind, Thread, User, on_one_thread, options, run};

#[test]
fn an_address_stands_in_for_a_name() {
    on_one_thread(async {
        for kind in BOTH {
            let target = Target::start(Speaks::H1).await;
            let port = target.address().port();
            for (rule, url) in [
                ("shop.test: 127.0.0.1".to_owned(), format!("http://shop.test:{port}/")),
                (format!("'shop.test:{port}': 127.0.0.1"), format!("http://shop.test:{port}/")),
                (format!("shop.test: '127.0.0.1:{port}'"), "http://shop.test/".to_owned()),
                (format!("'shop.test:80': '127.0.0.1:{port}'"), "http://shop.test/".to_owned()),
            ] {
                let mut user = User::new(kind, &run(&format!("defaults: {{resolve: {{{rule}}}}}")));
                let answer = user.get(&origin(&url), &options()).await;
                assert_eq!(answer, Ok("h1".to_owned()), "{kind:?} {rule}");
                let news = user.probe.take_news();
                assert!(news.iter().all(|(_, made)| made.dns.is_none()), "{kind:?}: nobody was asked");
            }
            assert_eq!(target.requests(), [1; 4], "{kind:?}");
        }
    });
}

#[test]
fn connections_come_from_the_local_addresses_in_turn() {
    on_one_thread(async {
        let sources: Vec<IpAddr> =
            ["127.0.0.2", "127.0.0.3"].map(|address| address.parse().expect("an address")).into();
        for kind in BOTH {
            let target = Target::start(Speaks::H1).await;
            let thread = Thread::new(kind, &run(""), &sources);
            for _ in 0..3 {
                thread.user().get(&target.origin(), &options()).await.expect("an answer");
            }
            let peers: Vec<_> = target.seen().iter().map(|seen| seen.peer.ip()).collect();
            assert_eq!(peers, [sources[0], sources[1], sources[0]], "{kind:?}");
        }
    });
}

/// Runs a proxy that takes one connection after the other and notes where they are to go. Returns its port.
async fn proxy(speaks: Proxy, target: &Target) -> (u16, Rc<RefCell<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let port = listener.local_addr().expect("bound").port();
    let asked = Rc::<RefCell<Vec<String>>>::default();
    let (notes, address) = (Rc::clone(&asked), target.address());
    spawn_local(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let asked = match speaks {
                Proxy::Http => connect(&mut stream).await,
                Proxy::Socks5 => socks5(&mut stream).await,
            };
            notes.borrow_mut().push(asked.expect("the proxy's protocol"));
            let mut onwards = TcpStream::connect(address).await.expect("the target");
            spawn_local(async move { copy_bidirectional(&mut stream, &mut onwards).await.is_ok() });
        }
    });
    (port, asked)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Proxy {
    Http,
    Socks5,
}

/// The proxy's side of a tunnel.
async fn connect(stream: &mut TcpStream) -> Option<String> {
    let head = head(stream).await?;
    let to = head.strip_prefix("CONNECT ")?.split(' ').next()?.to_owned();
    stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.ok()?;
    Some(to)
}

/// The proxy's side of RFC 1928, without authentication, to a name.
async fn socks5(stream: &mut TcpStream) -> Option<String> {
    let mut greeting = [0; 2];
    stream.read_exact(&mut greeting).await.ok()?;
    let mut methods = vec![0; usize::from(greeting[1])];
    stream.read_exact(&mut methods).await.ok()?;
    stream.write_all(&[5, 0]).await.ok()?;
    let mut request = [0; 5];
    stream.read_exact(&mut request).await.ok()?;
    if request[..4] != [5, 1, 0, 3] {
        return None;
    }
    let mut name = vec![0; usize::from(request[4])];
    stream.read_exact(&mut name).await.ok()?;
    let port = stream.read_u16().await.ok()?;
    stream.write_all(&[5, 0, 0, 1, 127, 0, 0, 1, 0, 0]).await.ok()?;
    Some(format!("{}:{port}", String::from_utf8(name).ok()?))
}

#[test]
fn a_proxy_gets_what_is_to_go_through_it() {
    on_one_thread(async {
        for (speaks, scheme, target) in [
            (Proxy::Http, "http", Speaks::TlsH1),
            (Proxy::Socks5, "socks5h", Speaks::H1),
            (Proxy::Socks5, "socks5h", Speaks::TlsH1),
        ] {
            let target = Target::start(target).await;
            let (port, asked) = proxy(speaks, &target).await;
            let url = format!("{scheme}://127.0.0.1:{port}");
            let lines = format!("tls: {{ca: ca.pem, insecure: true}}\ndefaults: {{proxy: '{url}'}}");
            let run = run(&lines);
            let mut user = User::new(Kind::Auto, &run);
            let mut options = options();
            options.proxy = run.proxy_id(&url);
            assert!(options.proxy.is_some(), "the scenario names it");
            // A name that only the proxy knows.
            let shop = target.named("shop.test");
            for _ in 0..2 {
                assert_eq!(user.get(&shop, &options).await, Ok("h1".to_owned()), "{speaks:?}");
            }
            assert_eq!(*asked.borrow(), [format!("shop.test:{}", target.address().port())], "{speaks:?}");
            assert_eq!(target.requests(), [2], "{speaks:?}");
        }
    });
}

#[test]
fn an_http_proxy_is_asked_for_the_whole_url_and_only_where_there_is_one() {
    on_one_thread(async {
        // Its answer is the proxy's own.
        let proxy = Target::start(Speaks::H1).await;
        let target = Target::start(Speaks::H1).await;
        let url = format!("http://{}", proxy.address());
        let run = run(&format!("defaults: {{proxy: '{url}'}}"));
        let mut user = User::new(Kind::Auto, &run);
        let mut options = options();
        for through in [run.proxy_id(&url), None] {
            options.proxy = through;
            assert_eq!(user.get(&target.origin(), &options).await, Ok("h1".to_owned()));
        }
        let asked = |target: &Target| target.seen().remove(0).requests;
        assert_eq!(asked(&proxy), [format!("http://{}/", target.address())]);
        assert_eq!(asked(&target), ["/"]);
    });
}

#[test]
fn an_ipv6_address_is_a_target_like_any_other() {
    if std::net::TcpListener::bind("[::1]:0").is_err() {
        // Without IPv6 there is nothing to try.
        return;
    }
    on_one_thread(async {
        for kind in BOTH {
            for (speaks, scheme) in [(Speaks::H1, "http"), (Speaks::TlsH1, "https")] {
                let target = Target::at("[::1]:0", speaks).await;
                let mut user = User::new(kind, &run("tls: {insecure: true}"));
                let url = format!("{scheme}://{}/", target.address());
                for _ in 0..2 {
                    assert_eq!(
                        user.get(&origin(&url), &options()).await,
                        Ok("h1".to_owned()),
                        "{kind:?} {url}"
                    );
                }
                assert_eq!(target.requests(), [2], "{kind:?} {url}");
                let news: Vec<_> = user.probe.take_news().into_iter().map(|(address, _)| address).collect();
                assert_eq!(news, [target.address().to_string()], "{kind:?} {url}");
            }
        }
    });
}

#[test]
fn a_local_address_is_for_targets_of_its_own_family() {
    if std::net::TcpListener::bind("[::1]:0").is_err() {
        // Without IPv6 there is nothing to try.
        return;
    }
    on_one_thread(async {
        let address = |text: &str| text.parse::<IpAddr>().expect("an address");
        let v4 = Target::start(Speaks::H1).await;
        let v6 = Target::at("[::1]:0", Speaks::H1).await;
        let v6_origin = origin(&format!("http://{}/", v6.address()));
        let both = Thread::new(Kind::Native, &run(""), &[address("::1"), address("127.0.0.2")]);
        for _ in 0..2 {
            both.user().get(&v4.origin(), &options()).await.expect("an answer");
            both.user().get(&v6_origin, &options()).await.expect("an answer");
        }
        let peers = |target: &Target| target.seen().iter().map(|seen| seen.peer.ip()).collect::<Vec<_>>();
        assert_eq!(peers(&v4), [address("127.0.0.2"); 2]);
        assert_eq!(peers(&v6), [address("::1"); 2]);
        let other = Thread::new(Kind::Native, &run(""), &[address("127.0.0.2")]);
        let (kind, message) = other.user().get(&v6_origin, &options()).await.expect_err("no way there");
        assert_eq!(kind, FailureKind::Connect);
        assert_eq!(message, "no address of the target is of the same family as a --source-ip");
        assert_eq!(v6.seen().len(), 2, "nothing came from elsewhere");
    });
}

#[test]
fn a_proxy_is_told_the_user_and_password_of_its_url() {
    on_one_thread(async {
        for speaks in [Speaks::H1, Speaks::TlsH1] {
            let target = Target::start(speaks).await;
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
            let port = listener.local_addr().expect("bound").port();
            let heads = Rc::<RefCell<Vec<String>>>::default();
            let (notes, address) = (Rc::clone(&heads), target.address());
            spawn_local(async move {
                while let Ok((mut stream, _)) = listener.accept().await {
                    let head = head(&mut stream).await.expect("a request");
                    let is_tunnel = head.starts_with("CONNECT ");
                    notes.borrow_mut().push(head.to_ascii_lowercase());
                    if is_tunnel {
                        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.expect("connected");
                        let mut onwards = TcpStream::connect(address).await.expect("the target");
                        spawn_local(
                            async move { copy_bidirectional(&mut stream, &mut onwards).await.is_ok() },
                        );
                    } else {
                        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nh1";
                        stream.write_all(answer).await.expect("connected");
                    }
                }
            });
            let url = format!("http://anna:p%20w@127.0.0.1:{port}");
            let run = run(&format!("tls: {{insecure: true}}\ndefaults: {{proxy: '{url}'}}"));
            let mut options = options();
            options.proxy = run.proxy_id(&url);
            assert!(options.proxy.is_some(), "the scenario names it");
            let answer = User::new(Kind::Auto, &run).get(&target.origin(), &options).await;
            assert_eq!(answer, Ok("h1".to_owned()), "{speaks:?}");
            let heads = heads.borrow();
            let [head] = &heads[..] else { panic!("{speaks:?}: {heads:?}") };
            // `anna:p w`
            let header = "\r\nproxy-authorization: basic yw5uytpwihc=\r\n";
            assert!(head.contains(header), "{speaks:?}: {head}");
        }
    });
}
