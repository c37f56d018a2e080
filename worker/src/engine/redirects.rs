//! Follows where a response leads: redirects, each a request of its own, with the cookies that were set on the way.

use std::sync::Arc;
use std::time::Instant;

use http::Method;
use url::Url;

use super::cookies::Jar;
use super::guard::RequestGuard;
use super::message::Message;
use super::prepared::PreparedRequest;
use super::request::{Course, Landed, again, made};
use crate::http::origin::{Origin, path_of};
use crate::http::{HttpClient, Request, redirect};

/// Keeps the cookies of a response and follows where it leads.
pub(super) async fn follow<C: HttpClient>(
    client: &mut C,
    jar: &mut Jar,
    request: &PreparedRequest,
    message: Message<'_>,
    mut course: Course,
    guard: &mut RequestGuard<'_>,
) -> Course {
    let mut left = request.redirects;
    let mut hop = Hop::of(message);
    let mut cookies = Vec::new();
    loop {
        guard.sent += u32::from(course.written);
        let Ok(response) = &course.result else { return course };
        if !response.set_cookies.is_empty() {
            jar.take(&response.set_cookies, &hop.origin, &hop.path);
        }
        let Some(location) = response.location.as_deref().filter(|_| left > 0) else { return course };
        let Some(next) = hop.next(response.status, location) else { return course };
        hop = next;
        left -= 1;
        guard.hops += 1;
        cookies.clear();
        cookies.extend_from_slice(&hop.own_cookies);
        if request.options.cookies {
            jar.write_to(&mut cookies, &hop.origin, &hop.path);
        }
        let mut begin = Instant::now();
        if !guard.signals.probe.may_begin() {
            guard.signals.hold(guard.context).await;
            let held = begin.elapsed();
            (begin, course.begin) = (begin + held, course.begin + held);
            guard.hold(held);
        }
        let so_far = begin.saturating_duration_since(course.begin);
        let timeout = request.options.total_timeout.saturating_sub(so_far);
        let wire = Message { cookies: &cookies, ..hop.message() }.request(&request.options, begin);
        let wire = Request { timeout, ..wire };
        guard.exchanging = true;
        let (exchange, was_held) = made(client.exchange(wire).await, guard);
        guard.exchanging = false;
        let exchange = if was_held {
            let before = guard.held();
            let again = again(client, wire, guard).await;
            begin = again.1;
            course.begin += guard.held().saturating_sub(before);
            again.0
        } else {
            exchange
        };
        course = Course::new(exchange, begin, hop.body.len()).behind(&course);
        course.landed = Some(Box::new(Landed { origin: Arc::clone(&hop.origin), path: hop.path.clone() }));
    }
}

/// The newest of a request's exchanges.
struct Hop<'a> {
    method: Method,
    origin: Arc<Origin>,
    path: String,
    headers: Vec<u8>,
    names_host: bool,
    /// The scenario's own cookies: to its own origin only.
    own_cookies: Vec<u8>,
    body: &'a [u8],
}

impl<'a> Hop<'a> {
    fn of(message: Message<'a>) -> Self {
        Self {
            method: message.method.clone(),
            origin: Arc::clone(message.origin),
            path: message.path.to_owned(),
            headers: message.headers.to_vec(),
            names_host: message.names_host,
            own_cookies: message.own_cookies.to_vec(),
            body: message.body,
        }
    }

    fn next(&self, status: u16, location: &str) -> Option<Self> {
        let url = Url::parse(&format!("{}{}", self.origin, self.path)).ok()?;
        let hop = redirect::hop(&url, &self.method, status, location)?;
        let origin = Origin::of(&hop.url)?;
        let same = origin == *self.origin;
        Some(Self {
            method: hop.method,
            // The same one keeps its place among the user's connections.
            origin: if same { Arc::clone(&self.origin) } else { Arc::new(origin) },
            path: path_of(&hop.url).to_owned(),
            headers: redirect::kept(&self.headers, same, hop.keeps_body),
            names_host: self.names_host && same,
            own_cookies: if same { self.own_cookies.clone() } else { Vec::new() },
            body: if hop.keeps_body { self.body } else { &[] },
        })
    }

    fn message(&self) -> Message<'_> {
        Message {
            method: &self.method,
            origin: &self.origin,
            path: &self.path,
            headers: &self.headers,
            names_host: self.names_host,
            cookies: &[],
            own_cookies: &[],
            body: self.body,
        }
    }
}
