//! `coordinator completions SHELL` and `coordinator schema`: what shells and editors need to complete and check.

use std::io::Write;

use stampede_scenarios::schema::SCHEMA;

use super::args::CompletionsArgs;
use super::exit::Error;

/// Prints the script for a shell.
pub(super) fn completions(args: &CompletionsArgs) -> Result<(), Error> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut super::command(), "coordinator", &mut script);
    print(&script)
}

/// Prints the JSON Schema of the scenario file.
pub(super) fn schema() -> Result<(), Error> {
    print(SCHEMA.as_bytes())
}

fn print(bytes: &[u8]) -> Result<(), Error> {
    let mut out = std::io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        // A closed pipe (`| head`) is the reader's wish.
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Error::System(format!("cannot write to stdout: {error}")))
        }
        _ => Ok(()),
    }
}
