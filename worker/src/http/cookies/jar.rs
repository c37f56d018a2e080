//! The jar: which cookies are there, and which of them go to a place. RFC 6265, 5.3 and 5.4.
//!
//! Cookies stand in the order in which they are sent, so that sending is one walk without sorting. Each is one block of
//! memory; the same cookie set again, as many servers do with every response, is written over the old one.

use std::net::IpAddr;

use super::line::{self, Line};

/// Cookies of a user at most; the oldest makes room.
const MAX_COOKIES: usize = 180;

/// One user's cookies.
#[derive(Debug, Clone, Default)]
pub struct Jar {
    /// Longest path first, of equally long ones the oldest.
    cookies: Vec<Cookie>,
    /// Cookies made so far.
    made: u32,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Cookie {
    /// `name=value`, the domain, the path, one after the other.
    text: Box<[u8]>,
    name_end: u32,
    pair_end: u32,
    domain_end: u32,
    /// Its number: smaller is older.
    number: u32,
    /// Unix time in seconds.
    expires: u64,
    secure: bool,
    host_only: bool,
}

impl Jar {
    /// Whether no cookie was ever set, or none is left.
    pub fn is_empty(&self) -> bool {
        self.cookies.is_empty()
    }

    /// Appends what goes to this place as `a=b; c=d`, behind what is there; nothing if nothing goes there. `now` is Unix time
    /// in seconds.
    pub fn write_to(&self, out: &mut Vec<u8>, host: &str, tls: bool, path: &str, now: u64) {
        for cookie in self.fitting(host, tls, path, now) {
            if !out.is_empty() {
                out.extend_from_slice(b"; ");
            }
            out.extend_from_slice(cookie.pair());
        }
    }

    /// The value of the cookie of this name that would be sent first to this place.
    pub fn get(&self, name: &str, host: &str, tls: bool, path: &str, now: u64) -> Option<&[u8]> {
        let cookie =
            self.fitting(host, tls, path, now).find(|cookie| cookie.pair_name() == name.as_bytes())?;
        Some(&cookie.pair()[cookie.name_end as usize + 1..])
    }

    fn fitting(&self, host: &str, tls: bool, path: &str, now: u64) -> impl Iterator<Item = &Cookie> {
        let path = without_query(path);
        self.cookies.iter().filter(move |cookie| {
            cookie.expires > now
                && path_matches(cookie.path(), path)
                && (if cookie.host_only {
                    cookie.domain() == host.as_bytes()
                } else {
                    domain_matches(cookie.domain(), host)
                })
                && (!cookie.secure || is_secure(host, tls))
        })
    }

    /// Takes what a response from this place set: the value of one `set-cookie` line. What may not be set from there, or is
    /// none, is left out. `now` is Unix time in seconds.
    pub fn set(&mut self, line: &[u8], host: &str, tls: bool, path: &str, now: u64) {
        let Some(said) = line::parse(line, now) else { return };
        let domain = match said.domain.map(<[u8]>::to_ascii_lowercase) {
            Some(domain) if !domain_matches(&domain, host) => return,
            // `com` is nobody's to speak for. Only the host that is called so may name itself.
            Some(domain) if is_single_label(&domain) && domain != host.as_bytes() => return,
            domain => domain,
        };
        if !keeps_its_promise(&said, host, tls) {
            return;
        }
        let place = Place {
            host_only: domain.is_none(),
            domain: domain.as_deref().unwrap_or(host.as_bytes()),
            path: said.path.unwrap_or_else(|| default_path(without_query(path))),
        };
        let known = self.cookies.iter().position(|cookie| cookie.is_at(said.name, &place));
        match known {
            Some(at) if said.expires <= now => {
                self.cookies.remove(at);
            }
            None if said.expires <= now => {}
            // It keeps its age.
            Some(at) => self.cookies[at].overwrite(&said, &place),
            None => self.add(&said, &place, now),
        }
    }

    /// Takes what has changed in a copy of it: between `before`, as the copy was made, and `after`.
    pub fn join(&mut self, before: &Self, after: Self, now: u64) {
        for old in &before.cookies {
            if !after.cookies.iter().any(|cookie| cookie.is_like(old)) {
                self.cookies.retain(|cookie| !cookie.is_like(old));
            }
        }
        for mut cookie in after.cookies {
            if before.cookies.contains(&cookie) {
                continue;
            }
            if let Some(known) = self.cookies.iter_mut().find(|known| known.is_like(&cookie)) {
                // It keeps its age.
                cookie.number = known.number;
                *known = cookie;
            } else {
                cookie.number = self.made;
                self.insert(cookie, now);
            }
        }
    }

    fn add(&mut self, said: &Line<'_>, place: &Place<'_>, now: u64) {
        if let Some(cookie) = Cookie::new(said, place, self.made) {
            self.insert(cookie, now);
        }
    }

    fn insert(&mut self, cookie: Cookie, now: u64) {
        if self.cookies.len() >= MAX_COOKIES {
            self.cookies.retain(|cookie| cookie.expires > now);
        }
        if self.cookies.len() >= MAX_COOKIES {
            let oldest = (0..self.cookies.len()).min_by_key(|at| self.cookies[*at].number);
            oldest.map(|at| self.cookies.remove(at));
        }
        self.made = self.made.saturating_add(1);
        let length = cookie.path().len();
        let at = self.cookies.partition_point(|known| known.path().len() >= length);
        // Most users have one or two.
        self.cookies.reserve_exact(1);
        self.cookies.insert(at, cookie);
    }
}

/// Where a cookie belongs.
struct Place<'a> {
    domain: &'a [u8],
    path: &'a [u8],
    host_only: bool,
}

impl Cookie {
    fn new(said: &Line<'_>, place: &Place<'_>, number: u32) -> Option<Self> {
        let text = [said.name, b"=", said.value, place.domain, place.path].concat();
        let end = |length: usize| u32::try_from(length).ok();
        let pair = said.name.len() + 1 + said.value.len();
        Some(Self {
            name_end: end(said.name.len())?,
            pair_end: end(pair)?,
            domain_end: end(pair + place.domain.len())?,
            text: text.into_boxed_slice(),
            number,
            expires: said.expires,
            secure: said.secure,
            host_only: place.host_only,
        })
    }

    fn pair(&self) -> &[u8] {
        &self.text[..self.pair_end as usize]
    }

    fn pair_name(&self) -> &[u8] {
        &self.text[..self.name_end as usize]
    }

    fn domain(&self) -> &[u8] {
        &self.text[self.pair_end as usize..self.domain_end as usize]
    }

    fn path(&self) -> &[u8] {
        &self.text[self.domain_end as usize..]
    }

    /// Whether it has the name, domain and path of the other.
    fn is_like(&self, other: &Self) -> bool {
        self.pair_name() == other.pair_name()
            && self.domain() == other.domain()
            && self.path() == other.path()
    }

    fn is_at(&self, name: &[u8], place: &Place<'_>) -> bool {
        self.pair_name() == name && self.domain() == place.domain && self.path() == place.path
    }

    /// Takes a new value for the same name, domain and path.
    fn overwrite(&mut self, said: &Line<'_>, place: &Place<'_>) {
        let value = self.name_end as usize + 1..self.pair_end as usize;
        if value.len() == said.value.len() {
            self.text[value].copy_from_slice(said.value);
            (self.expires, self.secure, self.host_only) = (said.expires, said.secure, place.host_only);
        } else if let Some(cookie) = Self::new(said, place, self.number) {
            *self = cookie;
        }
    }
}

/// What a name promises: `__Secure-` a cookie that only TLS has seen, `__Host-` besides that no other host has set it.
fn keeps_its_promise(said: &Line<'_>, host: &str, tls: bool) -> bool {
    let promises =
        |prefix: &[u8]| said.name.get(..prefix.len()).is_some_and(|name| name.eq_ignore_ascii_case(prefix));
    let was_safe = || said.secure && is_secure(host, tls);
    if promises(b"__host-") {
        was_safe() && said.domain.is_none() && said.path == Some(b"/")
    } else {
        !promises(b"__secure-") || was_safe()
    }
}

/// Whether `secure` cookies go there: over TLS, and to this machine, which nobody listens in on. Browsers hold it so as well.
fn is_secure(host: &str, tls: bool) -> bool {
    tls || host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// RFC 6265, 5.1.3. An address has no domains above it.
fn domain_matches(domain: &[u8], host: &str) -> bool {
    let Some(before) = host.as_bytes().strip_suffix(domain) else { return false };
    before.is_empty() || (before.ends_with(b".") && host.parse::<IpAddr>().is_err())
}

/// Whether it is a name without a dot inside: a top-level domain, as far as can be told without a list of public suffixes.
fn is_single_label(domain: &[u8]) -> bool {
    !domain.contains(&b'.')
}

/// RFC 6265, 5.1.4.
fn path_matches(cookie: &[u8], path: &[u8]) -> bool {
    let Some(rest) = path.strip_prefix(cookie) else { return false };
    rest.is_empty() || cookie.ends_with(b"/") || rest.starts_with(b"/")
}

/// The path of a cookie that has none: up to the last slash of the request's.
fn default_path(path: &[u8]) -> &[u8] {
    match path.iter().rposition(|byte| *byte == b'/') {
        Some(at) if at > 0 && path.starts_with(b"/") => &path[..at],
        _ => b"/",
    }
}

fn without_query(path: &str) -> &[u8] {
    let path = path.as_bytes();
    let end = path.iter().position(|byte| *byte == b'?').unwrap_or(path.len());
    &path[..end]
}
