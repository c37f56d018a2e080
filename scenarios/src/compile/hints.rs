//! What a key that is not known was probably meant to be: a slip, the word of another tool, or one that belongs elsewhere.
//!
//! Only words, no rules: which keys there are is in the tables of each kind of map.

use super::schema::listed;
use crate::diagnostics::closest;

/// Words of other tools and of habit, with what they are called here. Of several the first that the map knows is meant.
const OTHER_WORDS: [(&str, &[&str]); 55] = [
    ("abort", &["stop"]),
    ("assert", &["expect"]),
    ("assertions", &["expect"]),
    ("base_url", &["target"]),
    ("baseurl", &["target"]),
    ("before", &["on_start", "setup"]),
    ("after", &["on_stop", "teardown"]),
    ("capture", &["extract"]),
    ("check", &["expect"]),
    ("checks", &["expect", "thresholds"]),
    ("classes", &["users"]),
    ("concurrency", &["users"]),
    ("content_length", &["size"]),
    ("cookie", &["cookies"]),
    ("css_selector", &["css"]),
    ("data", &["body", "form", "json"]),
    ("delay", &["think", "wait"]),
    ("duration", &["run_time"]),
    ("env", &["vars"]),
    ("environment", &["vars"]),
    ("feeders", &["data"]),
    ("files", &["multipart"]),
    ("follow_redirects", &["redirects"]),
    ("hatch_rate", &["spawn_rate"]),
    ("host", &["target"]),
    ("jsonpath", &["json"]),
    ("latency", &["time"]),
    ("max_redirects", &["redirects"]),
    ("method", &["get"]),
    ("params", &["query"]),
    ("path", &["get"]),
    ("payload", &["body", "json"]),
    ("pause", &["think", "wait"]),
    ("proxies", &["proxy"]),
    ("ramp_up", &["spawn_rate"]),
    ("requests", &["iterations", "steps"]),
    ("response_time", &["time"]),
    ("rps", &["rate"]),
    ("save", &["extract"]),
    ("scenarios", &["users"]),
    ("selector", &["css"]),
    ("sleep", &["think", "wait"]),
    ("status_code", &["status"]),
    ("steps", &["then"]),
    ("think", &["wait"]),
    ("threads", &["users"]),
    ("uri", &["target", "get"]),
    ("url", &["target", "get"]),
    ("validate", &["expect"]),
    ("variables", &["vars"]),
    ("vus", &["users"]),
    ("virtual_users", &["users"]),
    ("wait", &["think"]),
    ("wait_time", &["wait"]),
    ("warm_up", &["warmup"]),
];

/// Keys that are known in another kind of map, and where that is.
const ELSEWHERE: [(&[&str], &str); 11] = [
    (&["pipeline"], "it is for a whole user class: put it into the `defaults` of the class or of the file"),
    (&["resolve"], "it is for the whole test: put it into the `defaults` at the top of the file"),
    (&["tasks", "on_start", "on_stop"], "it stands in a user class: `users: {visitor: {tasks: {…}}}`"),
    (&["steps"], "steps stand in a task: `tasks: {index: {steps: [get: /]}}`"),
    (
        &["get", "post", "put", "patch", "delete", "head", "options", "request", "think"],
        "it is a step, and steps stand in a task: `tasks: {index: {steps: [get: /]}}`",
    ),
    (
        &["spawn_rate", "run_time", "iterations", "rate", "max_users", "arrivals", "stop_timeout", "stages"],
        "it stands under `load` at the top of the file: `load: {users: 50, run_time: 1m}`",
    ),
    (
        &["weight", "count"],
        "it is the share of a user class or a task, and stands beside its `tasks` or `steps`",
    ),
    (
        &["wait"],
        "it is for a user class, and stands beside its `tasks`; a pause between two steps is `think: 1s`",
    ),
    (
        &["extract", "query", "json", "form", "multipart", "body", "body_file"],
        "it is an option of a request, and stands beside its verb",
    ),
    (&["target", "vars"], "it stands at the top of the file or in a user class"),
    (
        &[
            "version",
            "seed",
            "users",
            "load",
            "tls",
            "defaults",
            "data",
            "flows",
            "setup",
            "teardown",
            "thresholds",
            "secrets",
        ],
        "it stands at the top of the file",
    ),
];

/// Rules and conditions of `expect`, for those who put them beside the request.
const EXPECTED: [&str; 2] = ["status", "size"];

/// An unknown key, with what surrounds it.
pub(super) struct Unknown<'k> {
    pub(super) key: &'k str,
    /// What the map is called.
    pub(super) what: &'static str,
    /// The keys of the map.
    pub(super) known: &'k [&'static str],
    /// Whether requests have such a setting.
    pub(super) is_setting: bool,
    /// The key above it, if that has no value.
    pub(super) empty_above: Option<&'k str>,
    /// Whether it has no value and stands within `{ }`.
    pub(super) bare_in_flow: bool,
}

/// The hint for a key that a map does not have.
pub(super) fn for_key(unknown: &Unknown<'_>) -> String {
    let Unknown { key, what, known, .. } = *unknown;
    if let Some(name) = other_word(key, known) {
        return format!("did you mean `{name}`?");
    }
    if key.starts_with("//") || key.starts_with("/*") {
        return "a comment begins with `#`, also in JSON".to_owned();
    }
    if let Some((_, where_to)) = ELSEWHERE.iter().find(|(keys, _)| keys.contains(&key)) {
        return (*where_to).to_owned();
    }
    if unknown.is_setting {
        return "it is a setting of requests: it stands under `defaults` or beside a request".to_owned();
    }
    if EXPECTED.contains(&key) && known.contains(&"expect") {
        return format!("what a response must be stands under `expect`: `expect: {{{key}: …}}`");
    }
    if let Some(name) = closest(key, known.iter().copied()) {
        return format!("did you mean `{name}`?");
    }
    if let Some(above) = unknown.empty_above {
        return format!("if it belongs to `{above}` above, it is indented further than that");
    }
    if unknown.bare_in_flow {
        return "a text with a `,` in it goes in quotes inside `{ }`: {name: \"all, but one\"}".to_owned();
    }
    format!("{what} takes {}", listed(known))
}

/// The key that was probably meant, so that it need not be missed as well.
pub(super) fn meant<'k>(key: &str, known: &[&'k str]) -> Option<&'k str> {
    let is_elsewhere = ELSEWHERE.iter().any(|(keys, _)| keys.contains(&key));
    other_word(key, known).or_else(|| if is_elsewhere { None } else { closest(key, known.iter().copied()) })
}

/// The same word written otherwise, or another one for the same.
pub(super) fn other_word<'k>(key: &str, known: &[&'k str]) -> Option<&'k str> {
    let plain = plain(key);
    let alike = known.iter().find(|name| self::plain(name) == plain);
    let other = || {
        let words = OTHER_WORDS.iter().filter(|(word, _)| self::plain(word) == plain);
        words.flat_map(|(_, here)| *here).find_map(|name| known.iter().find(|known| *known == name))
    };
    alike.or_else(other).copied()
}

/// The hint for a map in the place of a list of steps.
pub(super) fn for_map_of_steps(first: Option<&str>) -> &'static str {
    if first.is_some_and(|key| key.starts_with('-')) {
        "behind the `-` of a list item goes a space: `- get: /`"
    } else {
        "one step to a line, each with a `- `: `- get: /`"
    }
}

/// The hint for a step that is a text and no map.
pub(super) fn for_text_step(text: &str, verbs: &[&str]) -> String {
    let first = text.split([' ', ':', '\t']).next().unwrap_or_default().trim_start_matches('-');
    let rest = text[first.len().min(text.len())..].trim_start_matches(['-', ':', ' ', '\t']);
    let verb = first.to_ascii_lowercase();
    if verbs.contains(&verb.as_str()) && !rest.is_empty() {
        let example = if rest.len() <= 60 { rest } else { "/" };
        return format!("write a `:` and a space behind the verb: `{verb}: {example}`");
    }
    if text.starts_with('/') && text.len() <= 60 {
        return format!("begin with a verb: `get: {text}`");
    }
    "for example `get: /` or `think: 1s`".to_owned()
}

/// A key without what joins its words, and without capitals.
fn plain(key: &str) -> String {
    key.chars().filter(|c| !matches!(c, '_' | '-' | ' ')).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unknown<'k>(key: &'k str, known: &'k [&'static str]) -> Unknown<'k> {
        Unknown { key, what: "a map", known, is_setting: false, empty_above: None, bare_in_flow: false }
    }

    #[test]
    fn slips_other_words_and_other_places_are_told_apart() {
        let load = ["users", "spawn_rate", "run_time", "rate"];
        let request = ["get", "expect", "query", "headers"];
        for (key, known, hint) in [
            ("spawnRate", load.as_slice(), "did you mean `spawn_rate`?"),
            ("spwan_rate", &load, "did you mean `spawn_rate`?"),
            ("duration", &load, "did you mean `run_time`?"),
            ("VUs", &load, "did you mean `users`?"),
            ("hatch-rate", &load, "did you mean `spawn_rate`?"),
            ("params", &request, "did you mean `query`?"),
            ("status", &request, "what a response must be stands under `expect`: `expect: {status: …}`"),
            ("steps", &load, "steps stand in a task: `tasks: {index: {steps: [get: /]}}`"),
            ("xyzzy", &request, "a map takes `get`, `expect`, `query` and `headers`"),
        ] {
            assert_eq!(for_key(&unknown(key, known)), hint, "{key}");
        }
        let setting = Unknown { is_setting: true, ..unknown("timeout", &load) };
        assert!(for_key(&setting).contains("`defaults`"));
        let above = Unknown { empty_above: Some("users"), ..unknown("visitor", &load) };
        assert_eq!(for_key(&above), "if it belongs to `users` above, it is indented further than that");
        let bare = Unknown { bare_in_flow: true, ..unknown("but one", &load) };
        assert!(for_key(&bare).contains("quotes"));
    }

    #[test]
    fn other_words_are_written_as_they_are_looked_up_and_are_no_keys_there() {
        for (word, here) in OTHER_WORDS {
            assert!(!here.is_empty() && !here.contains(&word), "{word}");
        }
    }

    #[test]
    fn a_step_as_text_says_what_is_missing() {
        let verbs = ["get", "post", "think"];
        for (text, hint) in [
            ("get:/products", "write a `:` and a space behind the verb: `get: /products`"),
            ("GET /products", "write a `:` and a space behind the verb: `get: /products`"),
            ("/products", "begin with a verb: `get: /products`"),
            ("hello", "for example `get: /` or `think: 1s`"),
            ("get", "for example `get: /` or `think: 1s`"),
            ("-", "for example `get: /` or `think: 1s`"),
        ] {
            assert_eq!(for_text_step(text, &verbs), hint, "{text}");
        }
    }
}
