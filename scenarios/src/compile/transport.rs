//! How requests travel: timeouts, which HTTP, which connection, which proxy, and addresses in place of the resolver's.
//!
//! Readers of single settings; which one counts where several are given is decided in `settings.rs`.

use core::net::{IpAddr, SocketAddr};
use std::time::Duration;

use ::url::{Host, Url};

use super::cx::Cx;
use super::eval::Scope;
use super::scalars::expected;
use super::schema::{Schema, listed};
use crate::diagnostics::Diagnostic;
use crate::plan::{Connection, HttpVersion, Place, ProxyUrl, ResolveRule, Timeouts};
use crate::tree::{Entry, Kind, Node};

const TIMEOUT: Schema = Schema { what: "`timeout`", keys: &["connect", "first_byte", "total"] };
const VERSIONS: [(&str, HttpVersion); 3] =
    [("auto", HttpVersion::Auto), ("h1", HttpVersion::H1), ("h2", HttpVersion::H2)];
const CONNECTIONS: [(&str, Connection); 2] =
    [("per_user", Connection::PerUser), ("per_request", Connection::PerRequest)];
const PROXY: &str = "a proxy is given as `http://proxy:3128`, `https://…`, `socks5://…` or `socks5h://…`";
const ADDRESS: &str = "for example `resolve: {shop.test: 192.0.2.7}`, with another port `192.0.2.7:8443`";

/// How many iterations may be outstanding on a connection, and where that is said.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pipelining {
    pub(super) depth: u32,
    pub(super) place: Place,
}

/// Puts a `timeout` on top of another: a plain duration is the total, and what a map does not name stays.
pub(super) fn apply_timeout(timeouts: &mut Timeouts, node: &Node, scope: &Scope<'_>, cx: &Cx<'_>) {
    let why = "a request needs some time; leave `timeout` out for 30s";
    if !matches!(node.kind, Kind::Map(_)) {
        if let Some(total) = scope.some_duration(node, why, cx) {
            timeouts.total = total;
        }
        return;
    }
    let Some(fields) = TIMEOUT.open(node, cx) else { return };
    let mut before: Option<(&str, Duration)> = None;
    for key in TIMEOUT.keys.iter().copied() {
        let Some(entry) = fields.entry(key) else { continue };
        let limit = match key {
            "connect" | "first_byte" if entry.value.is_null() => None,
            _ => match scope.some_duration(&entry.value, why, cx) {
                Some(limit) => Some(limit),
                None => continue,
            },
        };
        if let Some(limit) = limit
            && let Some((longer, _)) = before.filter(|(_, earlier)| *earlier > limit)
        {
            cx.report(
                Diagnostic::at(
                    entry.key_place,
                    format!("`{key}` is shorter than `{longer}`, which then never counts"),
                )
                .hint("each of them counts from the begin of the request: connect ≤ first_byte ≤ total"),
            );
        }
        before = limit.map(|limit| (key, limit)).or(before);
        match (key, limit) {
            ("connect", limit) => timeouts.connect = limit,
            ("first_byte", limit) => timeouts.first_byte = limit,
            (_, limit) => timeouts.total = limit.unwrap_or(timeouts.total),
        }
    }
}

/// `http`.
pub(super) fn version(node: &Node, scope: &Scope<'_>, cx: &Cx<'_>) -> Option<HttpVersion> {
    one_of(node, "`http`", &VERSIONS, scope, cx)
}

/// `connection`.
pub(super) fn connection(node: &Node, scope: &Scope<'_>, cx: &Cx<'_>) -> Option<Connection> {
    one_of(node, "`connection`", &CONNECTIONS, scope, cx)
}

fn one_of<T: Copy>(
    node: &Node,
    what: &str,
    choices: &[(&str, T)],
    scope: &Scope<'_>,
    cx: &Cx<'_>,
) -> Option<T> {
    let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
    let text = scope.setting(node, &format!("one of {}", listed(&names)), cx)?;
    if let Some((_, choice)) = choices.iter().find(|(name, _)| *name == text) {
        return Some(*choice);
    }
    cx.report(
        Diagnostic::at(node.place, format!("{what} cannot be `{text}`"))
            .hint(format!("it is one of {}", listed(&names))),
    );
    None
}

/// `pipeline`.
pub(super) fn pipeline(node: &Node, scope: &Scope<'_>, cx: &Cx<'_>) -> Option<Pipelining> {
    let depth = scope.whole(node, "`pipeline`", 1, 1000, cx)?;
    Some(Pipelining { depth: u32::try_from(depth).ok()?, place: node.place })
}

/// Puts a `proxy` in place of another, or takes it away where the file says null.
///
/// Messages never repeat the URL, which may hold a password.
pub(super) fn apply_proxy(proxy: &mut Option<ProxyUrl>, node: &Node, scope: &Scope<'_>, cx: &Cx<'_>) {
    if node.is_null() {
        *proxy = None;
        return;
    }
    let scope = Scope { env: true, user: false, ..*scope };
    let Some(text) = scope.text(node, "the URL of a proxy", cx) else { return };
    match check_proxy(text.trim()) {
        Ok(read) => *proxy = Some(read),
        Err(problem) => cx.report(Diagnostic::at(node.place, problem).hint(PROXY)),
    }
}

fn check_proxy(text: &str) -> Result<ProxyUrl, String> {
    if !text.contains("://") {
        return Err("this is not the URL of a proxy: it has no `http://` or the like".to_owned());
    }
    let url = Url::parse(text).map_err(|error| format!("this is not the URL of a proxy: {error}"))?;
    if !matches!(url.scheme(), "http" | "https" | "socks5" | "socks5h") {
        return Err(format!("`{}` is not a kind of proxy that can be used", url.scheme()));
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err("this is not the URL of a proxy: it has no host".to_owned());
    }
    if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
        return Err("the URL of a proxy ends behind its port".to_owned());
    }
    let mut shown = url.clone();
    // Both work for every URL with a host.
    let _ = (shown.set_username(""), shown.set_password(None));
    Ok(ProxyUrl::new(text, shown.as_str().trim_end_matches('/')))
}

/// The rules of `resolve` among the file's `defaults`; those that cannot be read are reported and missing.
pub(super) fn resolve(defaults: Option<&Node>, scope: &Scope<'_>, cx: &Cx<'_>) -> Vec<ResolveRule> {
    let Some(Node { kind: Kind::Map(settings), .. }) = defaults else { return Vec::new() };
    let Some(Entry { value: node, .. }) = settings.iter().find(|entry| entry.key == "resolve") else {
        return Vec::new();
    };
    let Kind::Map(entries) = &node.kind else {
        if !node.is_null() {
            cx.report(expected(node, "a map of hosts and addresses", node.found()).hint(ADDRESS));
        }
        return Vec::new();
    };
    let mut rules: Vec<ResolveRule> = Vec::new();
    for entry in entries {
        let (host, address) = (read_host(entry, cx), read_address(&entry.value, scope, cx));
        let (Some((host, port)), Some((ip, to_port))) = (host, address) else { continue };
        if rules.iter().any(|rule| rule.host == host && rule.port == port) {
            cx.report(Diagnostic::at(entry.key_place, format!("`{host}` has an address already")));
            continue;
        }
        rules.push(ResolveRule { host, port, ip, to_port });
    }
    rules
}

/// A host as URLs have it, and a port.
fn read_host(entry: &Entry, cx: &Cx<'_>) -> Option<(String, Option<u16>)> {
    let refuse = |message: String| cx.report(Diagnostic::at(entry.key_place, message).hint(ADDRESS));
    let key = entry.key.trim();
    let digits = |port: &str| !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit());
    let (name, port) = match key.rsplit_once(':') {
        Some((name, port)) if digits(port) && !name.contains(':') => match port.parse::<u16>() {
            Ok(port) if port > 0 => (name, Some(port)),
            _ => {
                refuse(format!("`{port}` is not a port; ports go from 1 to 65535"));
                return None;
            }
        },
        _ => (key, None),
    };
    if key.parse::<IpAddr>().is_ok() || key.starts_with('[') {
        refuse(format!("`{key}` is an address already"));
        return None;
    }
    match Host::parse(name) {
        Ok(Host::Domain(host)) if !name.contains(['*', '/']) => Some((host, port)),
        Ok(Host::Ipv4(_) | Host::Ipv6(_)) => {
            refuse(format!("`{name}` is an address already"));
            None
        }
        _ => {
            refuse(format!("`{key}` is not a host name, alone or with a port"));
            None
        }
    }
}

fn read_address(node: &Node, scope: &Scope<'_>, cx: &Cx<'_>) -> Option<(IpAddr, Option<u16>)> {
    let scope = Scope { user: false, ..*scope };
    let text = scope.setting(node, "an IP address", cx)?;
    let text = text.trim();
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let address = match (bare.parse::<IpAddr>(), text.parse::<SocketAddr>()) {
        (Ok(ip), _) => Some((ip, None)),
        (_, Ok(address)) if address.port() > 0 => Some((address.ip(), Some(address.port()))),
        _ => None,
    };
    if address.is_none() {
        cx.report(
            Diagnostic::at(node.place, format!("`{text}` is not an IP address, alone or with a port"))
                .hint(ADDRESS),
        );
    }
    address
}
