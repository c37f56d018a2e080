//! One user's cookies by RFC 6265, made for a user who has a handful of them. Pure: the time comes from outside.
//!
//! Hosts are given as an origin has them: in lower case, an IPv6 address without brackets. Paths are given as they go on the
//! wire; a query does not matter. There is no list of public suffixes: a target under test may set what it likes for its
//! own domain.

mod date;
mod jar;
mod line;
#[cfg(test)]
mod tests;

pub use jar::Jar;
