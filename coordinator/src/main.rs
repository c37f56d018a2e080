//! `coordinator`: runs load tests.

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // Before anything that might ask for a default; a second provider in the tree must not be able to make it ambiguous.
    let installed = rustls::crypto::ring::default_provider().install_default();
    debug_assert!(installed.is_ok(), "nothing has run before");
    stampede_coordinator::cli::main()
}
