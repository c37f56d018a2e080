//! A request with this iteration's values in it, as it goes on the wire.
//!
//! Values are written into buffers that a request borrows from its thread and gives back at its end; a request that is the same
//! every time borrows none. Nothing is parsed unless a value brings something into the URL that has to be encoded.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use http::Method;
use stampede_scenarios::data::FileRow;
use stampede_scenarios::expression::EvaluateError;
use stampede_scenarios::template::{RenderContext, Template};
use stampede_stats::outcome::FailureKind;
use url::Url;

use super::bodies::part_head;
use super::cookies::Jar;
use super::credentials::credentials;
use super::prepared::{Headers, Line, Lines, Piece, PreparedBody, PreparedRequest, RowFile, Target};
use crate::http::origin::{Origin, is_plain_path, path_of};
use crate::http::{Failure, Options, Request};

/// Buffers a thread keeps for its users' requests.
const KEPT: usize = 256;

/// Largest buffer that is kept for the next request, in bytes.
const LARGEST_KEPT: usize = 64 << 10;

/// Where a request's values are written.
#[derive(Debug, Default)]
pub(super) struct Buffers {
    /// The URL, or what is used of it.
    url: String,
    /// Where in `url` the path begins.
    path_at: usize,
    /// Where the request goes, if that was computed.
    origin: Option<Arc<Origin>>,
    /// What a user and password in a computed URL stand for.
    credentials: Option<String>,
    headers: Vec<u8>,
    cookies: Vec<u8>,
    /// How much of `cookies` is the scenario's own; the user's jar comes behind it.
    own_cookies: usize,
    body: Vec<u8>,
    text: String,
}

impl Buffers {
    fn clear(&mut self) {
        self.url.clear();
        self.path_at = 0;
        self.origin = None;
        self.credentials = None;
        self.headers.clear();
        self.cookies.clear();
        self.own_cookies = 0;
        self.body.clear();
        self.text.clear();
    }

    fn is_large(&self) -> bool {
        self.body.capacity().max(self.url.capacity()).max(self.text.capacity()) > LARGEST_KEPT
    }
}

/// A thread's buffers.
#[derive(Debug, Default)]
#[expect(clippy::vec_box, reason = "the boxes are what is lent: a request moves one word")]
pub(super) struct BufferPool(RefCell<Vec<Box<Buffers>>>);

impl BufferPool {
    /// Lends one.
    pub(super) fn lend(&self) -> Lent<'_> {
        Lent { buffers: self.0.borrow_mut().pop().unwrap_or_default(), pool: self }
    }
}

/// Buffers that go back to their thread when they are dropped.
#[derive(Debug)]
pub(super) struct Lent<'a> {
    buffers: Box<Buffers>,
    pool: &'a BufferPool,
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        let mut pool = self.pool.0.borrow_mut();
        if pool.len() < KEPT && !self.buffers.is_large() {
            let mut buffers = std::mem::take(&mut self.buffers);
            buffers.clear();
            pool.push(buffers);
        }
    }
}

impl Lent<'_> {
    /// The name of the request's row, where it has values in it.
    /// If it cannot be computed, what could be of it.
    pub(super) fn name(
        &mut self,
        template: &Template,
        cx: &mut RenderContext<'_>,
    ) -> (&str, Result<(), Unwritten>) {
        self.buffers.text.clear();
        let written = template.render_shown_into(&mut self.buffers.text, cx);
        (&self.buffers.text, written.map_err(not_computed))
    }

    /// Writes what varies of `request`. The order is that of the draws: URL, headers, body.
    pub(super) fn render(
        &mut self,
        request: &PreparedRequest,
        jar: &Jar,
        cx: &mut RenderContext<'_>,
    ) -> Result<(), Unwritten> {
        self.url(&request.target, cx)?;
        self.headers(&request.headers, cx)?;
        self.body(&request.body, cx)?;
        self.buffers.own_cookies = self.buffers.cookies.len();
        if request.options.cookies && !jar.is_empty() {
            let Buffers { url, path_at, origin, cookies, .. } = &mut *self.buffers;
            let (origin, path) = place(&request.target, origin.as_ref(), &url[*path_at..]);
            jar.write_to(cookies, origin, path);
        }
        Ok(())
    }

    fn url(&mut self, target: &Target, cx: &mut RenderContext<'_>) -> Result<(), Unwritten> {
        let buffers = &mut *self.buffers;
        let (Target::Path { url, .. } | Target::Whole { url, .. }) = target else { return Ok(()) };
        url.render_into(&mut buffers.url, cx).map_err(not_computed)?;
        if let Target::Path { prefix, .. } = target
            && is_plain_path(&buffers.url[*prefix..])
        {
            buffers.path_at = *prefix;
            return Ok(());
        }
        if let Target::Whole { base: Some(base), .. } = target
            && !is_absolute(&buffers.url)
        {
            let between = if buffers.url.starts_with(['/', '?']) { "" } else { "/" };
            buffers.url.insert_str(0, between);
            buffers.url.insert_str(0, base);
        }
        let parsed = Url::parse(&buffers.url).map_err(|_| cannot_be("the URL is not valid"))?;
        if let Target::Whole { .. } = target {
            let origin = Origin::of(&parsed).ok_or_else(|| cannot_be("the URL is not one of HTTP"))?;
            buffers.origin = Some(Arc::new(origin));
            buffers.credentials = credentials(&parsed);
        }
        path_of(&parsed).clone_into(&mut buffers.url);
        buffers.path_at = 0;
        Ok(())
    }

    fn headers(&mut self, headers: &Headers, cx: &mut RenderContext<'_>) -> Result<(), Unwritten> {
        let buffers = &mut *self.buffers;
        if let Lines::Rendered(lines) = &headers.lines {
            for line in lines {
                match line {
                    Line::Fixed(lines) => buffers.headers.extend_from_slice(lines),
                    Line::Credentials => {
                        if let Some(value) = &buffers.credentials {
                            let line = format!("authorization: {value}\r\n");
                            buffers.headers.extend_from_slice(line.as_bytes());
                        }
                    }
                    Line::Value { name, value } => {
                        let Buffers { headers: out, text, .. } = &mut *buffers;
                        let mut is_good = true;
                        let mut write = |value: &str| {
                            is_good &= is_header_value(value);
                            out.extend_from_slice(name.as_bytes());
                            out.extend_from_slice(value.as_bytes());
                            out.extend_from_slice(b"\r\n");
                        };
                        if !value.each(cx, &mut write).map_err(not_computed)? {
                            text.clear();
                            value.render_into(text, cx).map_err(not_computed)?;
                            write(text);
                        }
                        if !is_good {
                            return Err(cannot_be("a header cannot have this value"));
                        }
                    }
                }
            }
        }
        if let Some(cookie) = &headers.cookie {
            buffers.text.clear();
            cookie.render_into(&mut buffers.text, cx).map_err(not_computed)?;
            if !is_header_value(&buffers.text) {
                return Err(cannot_be("a header cannot have this value"));
            }
            buffers.cookies.extend_from_slice(buffers.text.as_bytes());
        }
        Ok(())
    }

    fn body(&mut self, body: &PreparedBody, cx: &mut RenderContext<'_>) -> Result<(), Unwritten> {
        let buffers = &mut *self.buffers;
        match body {
            PreparedBody::Fixed(_) => {}
            PreparedBody::Text(template) => {
                buffers.text.clear();
                template.render_into(&mut buffers.text, cx).map_err(not_computed)?;
            }
            PreparedBody::Row(file) => {
                if let Some((_, content)) = file.content(cx) {
                    buffers.body.extend_from_slice(content);
                }
            }
            PreparedBody::Pieces(pieces) => {
                for piece in pieces {
                    match piece {
                        Piece::Row { part, file } => {
                            let Some((row, content)) = file.content(cx) else { continue };
                            let file_name = part.file_name.as_deref().unwrap_or(&row.name);
                            let content_type = part.content_type.as_deref().unwrap_or(&row.content_type);
                            let head = part_head(&part.name, Some(file_name), Some(content_type));
                            buffers.body.extend_from_slice(head.as_bytes());
                            buffers.body.extend_from_slice(content);
                        }
                        Piece::Fixed(bytes) => buffers.body.extend_from_slice(bytes),
                        Piece::Text(template) => {
                            buffers.text.clear();
                            template.render_into(&mut buffers.text, cx).map_err(not_computed)?;
                            buffers.body.extend_from_slice(buffers.text.as_bytes());
                        }
                    }
                }
            }
        }
        Ok(())
    }
}

impl RowFile {
    /// The user's row, and the content of its file.
    fn content<'a>(&'a self, cx: &RenderContext<'a>) -> Option<(&'a FileRow, &'a Bytes)> {
        let row = cx.rows.file(self.feeder)?;
        Some((row, self.assets.get(row.asset.0 as usize)?))
    }
}

/// Whether a URL says by itself where it leads.
fn is_absolute(url: &str) -> bool {
    let begins =
        |scheme: &str| url.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme));
    begins("http://") || begins("https://")
}

/// RFC 9110, 5.5: no control characters but the tab.
fn is_header_value(text: &str) -> bool {
    text.bytes().all(|byte| (byte >= 0x20 && byte != 0x7f) || byte == b'\t')
}

/// Why a request could not be written.
#[derive(Debug)]
pub(super) enum Unwritten {
    /// This has no value: there is no request, and its task ends.
    Missing(Box<str>),
    /// It fails.
    Failed(Failure),
}

/// The message of a failure names no value: it goes into reports.
fn not_computed(error: EvaluateError) -> Unwritten {
    match error {
        EvaluateError::Missing(name) => Unwritten::Missing(name),
        EvaluateError::Cannot(why) => {
            Unwritten::Failed(Failure { kind: FailureKind::Template, message: why.into() })
        }
    }
}

fn cannot_be(what: &'static str) -> Unwritten {
    Unwritten::Failed(Failure::new(FailureKind::Template, what))
}

/// Where a request goes and its path; `origin` and `path` are what was computed, where something was.
fn place<'a>(
    target: &'a Target,
    origin: Option<&'a Arc<Origin>>,
    path: &'a str,
) -> (&'a Arc<Origin>, &'a str) {
    match (target, origin) {
        (Target::Fixed { origin, path }, _) => (origin, path),
        (Target::Path { origin, .. }, _) | (Target::Whole { .. }, Some(origin)) => (origin, path),
        // `render` has named it, or there is no request.
        (Target::Whole { .. }, None) => {
            unreachable!("a computed origin is known once the request is rendered")
        }
    }
}

/// A rendered request.
#[derive(Debug, Clone, Copy)]
pub(super) struct Message<'a> {
    pub(super) method: &'a Method,
    pub(super) origin: &'a Arc<Origin>,
    pub(super) path: &'a str,
    pub(super) headers: &'a [u8],
    pub(super) names_host: bool,
    pub(super) cookies: &'a [u8],
    /// The scenario's own among `cookies`, which come first.
    pub(super) own_cookies: &'a [u8],
    pub(super) body: &'a [u8],
}

impl<'a> Message<'a> {
    /// `request` with what was rendered of it; without buffers it is the same every time.
    pub(super) fn new(request: &'a PreparedRequest, lent: Option<&'a Lent<'_>>) -> Self {
        let buffers = lent.map(|lent| &*lent.buffers);
        let path = buffers.map_or("", |buffers| &buffers.url[buffers.path_at..]);
        let origin = buffers.and_then(|buffers| buffers.origin.as_ref());
        let (origin, path) = place(&request.target, origin, path);
        let rendered = |part: fn(&Buffers) -> &[u8]| buffers.map_or(&[][..], part);
        Self {
            method: &request.method,
            origin,
            path,
            headers: match &request.headers.lines {
                Lines::Fixed(lines) => lines,
                Lines::Rendered(_) => rendered(|buffers| &buffers.headers),
            },
            names_host: request.headers.names_host,
            cookies: rendered(|buffers| &buffers.cookies),
            own_cookies: rendered(|buffers| &buffers.cookies[..buffers.own_cookies]),
            body: match &request.body {
                PreparedBody::Fixed(body) => body,
                PreparedBody::Text(_) => rendered(|buffers| buffers.text.as_bytes()),
                PreparedBody::Pieces(_) | PreparedBody::Row(_) => rendered(|buffers| &buffers.body),
            },
        }
    }

    /// As the client wants it.
    pub(super) fn request(&self, options: &'a Options, begin: Instant) -> Request<'a> {
        Request {
            method: self.method,
            origin: self.origin,
            path: self.path,
            headers: self.headers,
            names_host: self.names_host,
            cookies: self.cookies,
            body: self.body,
            options,
            begin,
            timeout: options.total_timeout,
        }
    }
}

#[cfg(test)]
mod tests;
