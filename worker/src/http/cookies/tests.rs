//! The jar by itself, and beside `cookie_store`, which reqwest uses.

use cookie_store::CookieStore;
use proptest::prelude::*;
use url::Url;

use super::Jar;

const NOW: u64 = 1_800_000_000;

fn sent(jar: &Jar, host: &str, tls: bool, path: &str) -> String {
    let mut out = Vec::new();
    jar.write_to(&mut out, host, tls, path, NOW);
    String::from_utf8(out).expect("text")
}

fn jar(lines: &[&str]) -> Jar {
    let mut jar = Jar::default();
    for line in lines {
        jar.set(line.as_bytes(), "a.test", true, "/x/y", NOW);
    }
    jar
}

#[test]
fn cookies_go_where_they_belong() {
    // (set by https://a.test/x/y, to host, over TLS, path, is sent)
    for (line, host, tls, path, goes) in [
        ("a=1", "a.test", true, "/x", true),
        ("a=1", "a.test", false, "/x/z?q=/", true),
        ("a=1", "a.test", true, "/xy", false),
        ("a=1", "a.test", true, "/?q=/x", false),
        ("a=1", "b.a.test", true, "/x", false),
        ("a=1; domain=A.test", "b.a.test", true, "/x", true),
        ("a=1; domain=.a.test", "b.a.test", true, "/x", true),
        ("a=1; domain=test", "a.test", true, "/x", false),
        ("a=1; domain=.test", "b.test", true, "/x", false),
        ("a=1; domain=a.test", "ba.test", true, "/x", false),
        ("a=1; domain=b.a.test", "b.a.test", true, "/x", false),
        ("a=1; path=/", "a.test", true, "/", true),
        ("a=1; path=/x/", "a.test", true, "/x", false),
        ("a=1; path=/x/", "a.test", true, "/x/q", true),
        ("a=1; secure", "a.test", false, "/x", false),
        ("a=1; secure", "a.test", true, "/x", true),
        ("__Host-a=1; secure; path=/", "a.test", true, "/x", true),
        ("__Host-a=1; secure", "a.test", true, "/x", false),
        ("__host-a=1; path=/", "a.test", true, "/x", false),
        ("__Host-a=1; secure; path=/; domain=a.test", "a.test", true, "/x", false),
        ("__Secure-a=1; secure; domain=a.test", "b.a.test", true, "/x", true),
        ("__Secure-a=1", "a.test", true, "/x", false),
        ("a=1; max-age=0", "a.test", true, "/x", false),
        ("a=1; max-age=1", "a.test", true, "/x", true),
        ("a=1; expires=Sun, 06 Nov 1994 08:49:37 GMT", "a.test", true, "/x", false),
    ] {
        assert_eq!(!sent(&jar(&[line]), host, tls, path).is_empty(), goes, "{line} to {host}{path}");
    }
}

#[test]
fn an_address_is_no_domain_and_this_machine_is_safe() {
    for (host, domain, goes) in [
        ("127.0.0.1", "127.0.0.1", true),
        ("127.0.0.1", "0.0.1", false),
        ("::1", "1", false),
        ("localhost", "localhost", true),
    ] {
        let mut jar = Jar::default();
        let line = format!("__Secure-a=1; secure; domain={domain}");
        jar.set(line.as_bytes(), host, false, "/", NOW);
        assert_eq!(sent(&jar, host, false, "/") == "__Secure-a=1", goes, "{host} {domain}");
    }
}

#[test]
fn the_longest_path_comes_first_then_the_oldest() {
    let lines =
        ["a=1; path=/", "b=2; path=/x/y", "c=3; path=/", "d=4; path=/x", "b=5; path=/x/y", "a=66; path=/"];
    let jar = jar(&lines);
    assert_eq!(sent(&jar, "a.test", true, "/x/y"), "b=5; d=4; a=66; c=3");
    let mut out = b"z=0".to_vec();
    jar.write_to(&mut out, "a.test", true, "/", NOW);
    assert_eq!(out, b"z=0; a=66; c=3");
    assert_eq!(jar.get("b", "a.test", true, "/x/y", NOW), Some(&b"5"[..]));
    assert_eq!(jar.get("b", "a.test", true, "/x", NOW), None);
}

#[test]
fn a_cookie_is_replaced_and_taken_back_by_name_domain_and_path() {
    let (mut jar, host) = (Jar::default(), "b.a.test");
    for line in [&b"a=1"[..], b"a=2; domain=b.a.test", b"a=3; path=/", b"a=4; domain=a.test"] {
        jar.set(line, host, true, "/x/y", NOW);
    }
    // The first two are one: that only the host gets it is not part of its name.
    assert_eq!(sent(&jar, host, true, "/x"), "a=2; a=4; a=3");
    jar.set(b"a=; max-age=0", host, true, "/x/y", NOW);
    assert_eq!(sent(&jar, host, true, "/x"), "a=4; a=3");
    for line in [&b"a=; max-age=0; path=/"[..], b"a=; max-age=0; domain=a.test"] {
        assert!(!jar.is_empty());
        jar.set(line, host, true, "/x/y", NOW);
    }
    assert!(jar.is_empty());
}

#[test]
fn a_name_without_a_dot_speaks_only_for_itself() {
    for (host, domain, goes) in [
        ("localhost", "localhost", true),
        ("test", "test", true),
        ("test", ".test", true),
        ("a.localhost", "localhost", false),
        ("a.test", "test", false),
    ] {
        let mut jar = Jar::default();
        jar.set(format!("a=1; domain={domain}").as_bytes(), host, false, "/", NOW);
        assert_eq!(!jar.is_empty(), goes, "{host} {domain}");
    }
}

#[test]
fn the_end_of_a_cookie_is_looked_at_when_it_is_sent() {
    let jar = jar(&["a=1; max-age=10", "b=2"]);
    let at = |now| {
        let mut out = Vec::new();
        jar.write_to(&mut out, "a.test", true, "/x", now);
        String::from_utf8(out).expect("text")
    };
    assert_eq!(at(NOW + 9), "a=1; b=2");
    assert_eq!(at(NOW + 10), "b=2");
}

#[test]
fn what_is_over_goes_first_when_there_is_no_room_then_the_oldest() {
    let mut jar = Jar::default();
    let set = |jar: &mut Jar, name: &str, more: &str, now| {
        jar.set(format!("{name}=1; path=/{more}").as_bytes(), "a.test", true, "/", now);
    };
    set(&mut jar, "first", "", NOW);
    set(&mut jar, "brief", "; max-age=1", NOW);
    for number in 0..178 {
        set(&mut jar, &format!("n{number}"), "", NOW);
    }
    let has = |jar: &Jar, name: &str| jar.get(name, "a.test", true, "/", NOW).is_some();
    set(&mut jar, "late", "", NOW + 1);
    assert!(!has(&jar, "brief") && has(&jar, "first") && has(&jar, "late"));
    set(&mut jar, "later", "", NOW + 1);
    assert!(!has(&jar, "first") && has(&jar, "n0") && has(&jar, "n177") && has(&jar, "later"));
    assert_eq!(sent(&jar, "a.test", true, "/").split("; ").count(), 180);
}

/// What happens to a jar, from an origin and a path.
#[derive(Debug, Clone)]
enum Event {
    Set(String),
    Ask,
}

fn line() -> impl Strategy<Value = String> {
    let pair = ("[a-c]", "[a-z]{0,2}|\"q r\"|x=y").prop_map(|(name, value)| format!("{name}={value}"));
    let attribute = prop_oneof![
        "[pP]ath=(/|/x|/x/|/x/y|/xy|x|)",
        "(d|D)omain=(a\\.test|\\.a\\.test|A\\.Test|x\\.a\\.test|b\\.test|127\\.0\\.0\\.1|0\\.0\\.1|localhost|\\.|)",
        "Secure|HttpOnly|SameSite=Strict|other=1",
        "Max-Age=(0|-1|100000|99999999999999999999|x)",
        "Expires=(Sun, 06 Nov 1994 08:49:37 GMT|Fri, 31 Dec 9999 23:59:59 GMT|Friday, 31-Dec-68 23:59:59 GMT|never)",
    ];
    let attributes = proptest::collection::vec((attribute, "|; | ;|;"), 0..4).prop_map(|attributes| {
        attributes.iter().flat_map(|(attribute, space)| [";", attribute, space]).collect::<String>()
    });
    let whole = (pair, attributes).prop_map(|(pair, attributes)| format!("{pair}{attributes}"));
    prop_oneof![9 => whole, 1 => "a|=b|;a=b|"]
}

fn event() -> impl Strategy<Value = (Event, (bool, &'static str, &'static str))> {
    const HOSTS: &[&str] =
        &["a.test", "x.a.test", "y.x.a.test", "b.test", "test", "127.0.0.1", "10.0.0.1", "localhost"];
    const PATHS: &[&str] = &["/", "/x", "/x/", "/x/y", "/xy", "/x/y/z?q=/a/b"];
    let event = prop_oneof![line().prop_map(Event::Set), Just(Event::Ask)];
    (event, (any::<bool>(), prop::sample::select(HOSTS), prop::sample::select(PATHS)))
}

proptest! {
    #[test]
    fn cookies_are_those_that_cookie_store_sends(events in proptest::collection::vec(event(), 1..24)) {
        let (mut jar, mut store) = (Jar::default(), CookieStore::default());
        // The other one takes a top-level domain, which is why no line has one. It looks at the clock itself; no time in these lines is near now.
        for (event, (tls, host, path)) in events {
            let url = format!("{}://{host}{path}", if tls { "https" } else { "http" });
            let url = Url::parse(&url).expect("valid");
            match event {
                Event::Set(line) => {
                    jar.set(line.as_bytes(), host, tls, path, NOW);
                    // What it refuses is not set in ours either, or the next question tells.
                    let _: Result<_, _> = store.parse(&line, &url);
                }
                Event::Ask => {
                    let ours = sent(&jar, host, tls, path);
                    let mut ours: Vec<_> = ours.split("; ").filter(|pair| !pair.is_empty()).collect();
                    let theirs = store.get_request_values(&url).map(|(name, value)| format!("{name}={value}"));
                    // Theirs come in the order of a hash map.
                    let mut theirs: Vec<_> = theirs.collect();
                    ours.sort_unstable();
                    theirs.sort_unstable();
                    prop_assert_eq!(ours, theirs, "{}", url);
                }
            }
        }
    }

    #[test]
    fn bytes_do_no_harm(lines: Vec<Vec<u8>>, host in "\\PC{0,6}", path in "\\PC{0,6}") {
        let mut jar = Jar::default();
        for line in &lines {
            jar.set(line, &host, false, &path, NOW);
            sent_bytes(&jar, &host, &path);
        }
    }

    #[test]
    fn lines_of_cookie_letters_do_no_harm(
        lines in proptest::collection::vec("[ab=;/., \t]{0,12}((; ?)(path|domain|expires|max-age)=[0-9a-z:/. -]{0,9}){0,3}", 0..9),
    ) {
        let mut jar = Jar::default();
        for line in &lines {
            jar.set(line.as_bytes(), "a.b", false, "/a", NOW);
            sent_bytes(&jar, "a.b", "/a/b");
        }
    }
}

fn sent_bytes(jar: &Jar, host: &str, path: &str) {
    let mut out = Vec::new();
    jar.write_to(&mut out, host, false, path, NOW);
    let has_control = out.iter().any(|byte| byte.is_ascii_control() && *byte != b'\t');
    assert!(!has_control, "{out:?} would break the request's head");
}
