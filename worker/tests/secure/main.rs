//! What the HTTP clients do beyond plain HTTP/1.1, on real sockets: TLS and what it trusts, HTTP/2, connections and how they
//! are counted, addresses in place of names, proxies, local addresses, time limits.
//!
//! `target.rs` is the server, `user.rs` the clients under test, made as a load thread makes them for a compiled scenario. All
//! runs on one thread, and no test sleeps.
//!
//! `cert.pem` and `key.pem` sign themselves and are valid for 100 years. They were made with
//! `openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 36500 -subj /CN=localhost
//! -addext subjectAltName=DNS:localhost,IP:127.0.0.1 -keyout key.pem -out cert.pem`. `client.pem` is a certificate for `clientAuth`
//! and its key, signed by `clients.pem`, whose key nobody has any more.

mod allowed;
mod connections;
mod late;
mod limits;
mod target;
mod trust;
mod user;
mod versions;
mod ways;
