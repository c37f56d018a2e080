//! `coordinator new [FILE]`: writes the smallest scenario to begin with, and says what to do next.

use std::io::Write;

use super::args::NewArgs;
use super::exit::Error;
use super::urls::write_new;

/// What is written, the file's own name in place of `FILE`.
const SMALLEST: &str = "\
# A load test: ten visitors who open one page again and again, with a pause between.
#
#   coordinator check FILE    says what would run, and what looks wrong
#   coordinator try FILE      runs one user once, and shows each request and response
#   coordinator FILE          runs the test
#
# docs/scenario.md explains all that can stand here.
target: http://127.0.0.1:8080
users:
  visitor:
    wait: 1s..5s
    tasks:
      index:
        steps:
          - get: /
load:
  users: 10
  spawn_rate: 1/s
  run_time: 1m
";

/// Writes it.
pub(super) fn new(args: &NewArgs) -> Result<(), Error> {
    let file = args.file.display().to_string();
    write_new(&args.file, &SMALLEST.replace("FILE", &file))?;
    let next = format!(
        "wrote {file}. Next:\n  1. put the address of what you test behind `target`\n  \
         2. coordinator try {file}     one user, once, with each request and response\n  \
         3. coordinator {file}         the test"
    );
    // A closed pipe is the reader's wish.
    let _ = writeln!(std::io::stdout(), "{next}");
    Ok(())
}
