//! Flags people know from other tools, answered with the one that is meant.

use std::ffi::OsString;

use super::exit::Error;

/// What other tools call it, and what it is called here.
const FLAGS: [(&str, &str); 11] = [
    ("-c", "concurrent users are --users N (-u N)"),
    ("-n", "a number of requests is --iterations N (-i N): one iteration is one pass through one task"),
    ("--vus", "virtual users are --users N (-u N)"),
    ("--duration", "the duration is --run-time D (-t 30s)"),
    ("--concurrency", "concurrent users are --users N (-u N)"),
    ("-z", "the duration is --run-time D (-t 30s)"),
    ("-f", "the scenario file is named without a flag: coordinator FILE"),
    ("--local-ips", "addresses to connect from are --source-ip IP, once for each"),
    ("-laddr", "addresses to connect from are --source-ip IP, once for each"),
    (
        "--csv",
        "reports are --report FILE, the format by its ending: --report run.csv writes Locust's four files",
    ),
    ("--html", "reports are --report FILE, the format by its ending: --report report.html"),
];

/// Words other tools begin with.
const WORDS: [(&str, &str); 3] = [
    ("help", "the help is --help (-h)"),
    ("run", "a test runs without a word: coordinator FILE"),
    ("attack", "a test runs without a word: coordinator FILE"),
];

/// The first flag of another tool among `args`.
pub(super) fn look(args: &[OsString]) -> Option<Error> {
    let first = args.get(1).and_then(|arg| arg.to_str());
    if let Some((word, meant)) = WORDS.iter().find(|(word, _)| first == Some(word)) {
        return Some(Error::Usage(format!("there is no `{word}` here: {meant}")));
    }
    let args = args.iter().skip(1).map_while(|arg| arg.to_str().filter(|arg| *arg != "--"));
    args.filter_map(|arg| {
        let name = arg.split_once('=').map_or(arg, |(name, _)| name);
        FLAGS.iter().find(|(flag, _)| *flag == name)
    })
    .map(|(flag, meant)| Error::Usage(format!("there is no `{flag}` here: {meant}")))
    .next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flag_of_another_tool_is_answered_with_the_one_meant() {
        let args = |line: &str| line.split(' ').map(OsString::from).collect::<Vec<_>>();
        let text = |line: &str| look(&args(line)).map(|error| error.to_string());
        assert!(text("coordinator --vus=5 a.yaml").is_some_and(|text| text.contains("--users")));
        assert!(text("coordinator a.yaml -z 5s").is_some_and(|text| text.contains("--run-time")));
        assert!(text("coordinator a.yaml -laddr 10.0.0.1").is_some_and(|text| text.contains("--source-ip")));
        assert_eq!(text("coordinator a.yaml -u 5"), None);
        assert_eq!(text("coordinator -- -c"), None);
    }
}
