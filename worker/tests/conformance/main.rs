//! What holds for every HTTP client, whoever made it: the native one, its pipeline, and reqwest, which is the oracle.
//!
//! A scripted server on a loopback socket sends exactly the bytes of a case, in the pieces it is told, and keeps what it
//! received. Everything runs on one thread: a step is over when nothing is left to do, and no test sleeps. Cases are data;
//! `agree.rs` makes up more of them, `parser.rs` reads millions of bytes without a socket.

mod agree;
mod case;
mod client;
mod connections;
mod ends;
mod framing;
mod held;
mod late;
mod limits;
mod malformed;
mod parser;
mod pipelining;
mod server;
mod tls;
mod written;
