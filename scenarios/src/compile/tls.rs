//! `tls`: which certificates are trusted, what users show of themselves, and under which name they ask.
//!
//! Files are named here and read with all others; that they are PEM is checked there.

use ::url::Host;

use super::bodies::asset;
use super::cx::Cx;
use super::eval::Scope;
use super::names::Names;
use super::schema::Schema;
use crate::diagnostics::Diagnostic;
use crate::plan::{TlsIdentity, TlsPlan};
use crate::tree::Node;

const TLS: Schema =
    Schema { what: "`tls`", keys: &["ca", "cert", "key", "insecure", "server_name", "resumption"] };

/// Reads `tls`; what cannot be read has been reported and is as if it were not there.
pub(super) fn read(node: Option<&Node>, scope: &Scope<'_>, names: &Names, cx: &Cx<'_>) -> TlsPlan {
    let scope = &Scope { env: true, user: false, ..*scope };
    let Some(fields) = node.and_then(|node| TLS.open(node, cx)) else { return TlsPlan::default() };
    let file = |key: &str| {
        let node = fields.get(key).filter(|node| !node.is_null())?;
        asset(node, scope, names, cx).map(|(id, _)| id)
    };
    let (ca, cert, key) = (file("ca"), file("cert"), file("key"));
    for (there, missing) in [("cert", "key"), ("key", "cert")] {
        let given = |key: &str| fields.entry(key).filter(|entry| !entry.value.is_null());
        if let (Some(entry), None) = (given(there), given(missing)) {
            cx.report(
                Diagnostic::at(entry.key_place, format!("`{there}` needs a `{missing}` beside it"))
                    .hint("for example `tls: {cert: me.pem, key: me.key}`; they may be the same file"),
            );
        }
    }
    let flag = |key: &str| fields.get(key).and_then(|node| scope.boolean(node, cx)).unwrap_or(false);
    TlsPlan {
        ca,
        identity: cert.zip(key).map(|(cert, key)| TlsIdentity { cert, key }),
        insecure: flag("insecure"),
        server_name: fields
            .get("server_name")
            .filter(|node| !node.is_null())
            .and_then(|node| server_name(node, scope, cx)),
        resumption: flag("resumption"),
    }
}

fn server_name(node: &Node, scope: &Scope<'_>, cx: &Cx<'_>) -> Option<String> {
    let text = scope.text(node, "a host name", cx)?;
    match Host::parse(text.trim()) {
        Ok(Host::Domain(name)) if !name.contains('*') => Some(name),
        Ok(Host::Ipv4(address)) => Some(address.to_string()),
        Ok(Host::Ipv6(address)) => Some(address.to_string()),
        _ => {
            cx.report(
                Diagnostic::at(node.place, format!("`{text}` is not a host name"))
                    .hint("it is the name the target's certificate is for: `server_name: shop.test`"),
            );
            None
        }
    }
}
