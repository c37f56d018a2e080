//! From what was asked for to a scenario's text: a target, one task for each request, and the load that the flags say.
//!
//! Pure but for reading the list. The text is what `--save` writes, so it says the whole test; no flag is left out of it.

use std::fmt::Write;
use std::path::Path;

use stampede_scenarios::files::read_scenario;
use stampede_scenarios::source::Source;
use stampede_scenarios::units::show_duration;

use super::yaml::scalar;
use super::{Asked, AskedBody, UrlArgs, lines};
use crate::cli::args::LoadArgs;
use crate::cli::exit::Error;

/// What the saved file begins with.
const HEAD: &str = "\
# A test made from the command line. `coordinator check` explains it; docs/scenario.md lists what else can stand here.
";

/// Methods with a verb of their own.
const VERBS: [&str; 7] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];

/// Whether an argument is a URL and no file.
pub(in crate::cli) fn is_url(text: &str) -> bool {
    text.contains("://")
}

/// Whether a URL is one of HTTP and has a host.
pub(super) fn has_host(url: &str) -> bool {
    let rest = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"));
    rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with(['/', '?', '#']))
}

/// The scenario of one URL.
///
/// # Errors
/// When it cannot be one of HTTP.
pub(in crate::cli) fn from_flags(url: &str, args: &UrlArgs, load: &LoadArgs) -> Result<Source, Error> {
    if !has_host(url) {
        let text =
            format!("`{url}` is not a URL that can be tested; it begins with http:// or https:// and a host");
        return Err(Error::Usage(text));
    }
    let body = match &args.data {
        None => AskedBody::Nothing,
        Some(data) => match data.strip_prefix('@') {
            Some("") => return Err(Error::Usage("--data @FILE: the name of the file is missing".to_owned())),
            Some(path) => AskedBody::File(path.to_owned()),
            None => AskedBody::Text(data.clone()),
        },
    };
    let implied = if args.data.is_some() { "POST" } else { "GET" };
    let method = args.method.as_deref().unwrap_or(implied).to_ascii_uppercase();
    let asked =
        Asked { method, url: url.to_owned(), headers: args.headers.clone(), body }.with_content_type();
    let name = url.split_once("://").map_or(url, |(_, rest)| rest).split(['?', '#']).next().unwrap_or(url);
    let text = scenario(name.trim_end_matches('/'), &[asked], &[], args, load);
    Ok(Source::new("the scenario made from the URL", text))
}

/// The scenario of a list of URLs.
///
/// # Errors
/// When the list cannot be read, or a flag says what each of its lines says for itself.
pub(in crate::cli) fn from_list(path: &Path, args: &UrlArgs, load: &LoadArgs) -> Result<Source, Error> {
    if let Some(flag) = args.of_one_request() {
        return Err(Error::Usage(format!(
            "{flag} is for one URL, and with --urls each line says it for itself: `http://127.0.0.1:8080/login POST user=anna`"
        )));
    }
    let asked = lines::read(&read_scenario(path)?)?;
    let name = path.file_stem().map_or_else(|| "urls".into(), std::ffi::OsStr::to_string_lossy);
    let text = scenario(&name, &asked, &args.headers, args, load);
    Ok(Source::new(format!("the scenario made from {}", path.display()), text))
}

fn scenario(
    name: &str,
    asked: &[Asked],
    headers: &[(String, String)],
    args: &UrlArgs,
    load: &LoadArgs,
) -> String {
    let mut out = String::from(HEAD);
    let target = commonest(asked);
    // Writing to a String cannot fail.
    let _ = writeln!(out, "name: {}\ntarget: {}", scalar(name), scalar(&target));
    if !headers.is_empty() {
        out.push_str("defaults:\n");
        write_headers(&mut out, "  ", headers);
    }
    out.push_str("users:\n  visitor:\n");
    if let Some(wait) = &args.wait {
        let _ = writeln!(out, "    wait: {wait}");
    }
    if let Some(pipeline) = args.pipeline {
        let _ = writeln!(out, "    defaults: {{pipeline: {pipeline}}}");
    }
    if asked.len() > 1 {
        out.push_str("    order: sequential  # weighted and shuffled are the other two\n");
    }
    out.push_str("    tasks:\n");
    let mut names: std::collections::HashMap<String, usize> = std::collections::HashMap::new();
    let folder = args.save.as_deref().and_then(Path::parent);
    for one in asked {
        let path = path_for(one, &target);
        let name = if asked.len() == 1 { "main".to_owned() } else { format!("{} {path}", one.method) };
        let count = names.entry(name.clone()).or_insert(0);
        *count += 1;
        let name = if *count == 1 { name } else { format!("{name} ({count})") };
        let _ = writeln!(out, "      {}:\n        steps:", scalar(&name));
        write_request(&mut out, one, &path, folder);
    }
    write_load(&mut out, load);
    out
}

/// The origin that most of them have; of several the first.
fn commonest(asked: &[Asked]) -> String {
    let mut counts: Vec<(&str, usize)> = Vec::new();
    for one in asked {
        let origin = split(&one.url).0;
        match counts.iter_mut().find(|(known, _)| *known == origin) {
            Some((_, count)) => *count += 1,
            None => counts.push((origin, 1)),
        }
    }
    let most = counts.iter().map(|(_, count)| *count).max().unwrap_or(0);
    let first = counts.iter().find(|(_, count)| *count == most);
    first.map(|(origin, _)| (*origin).to_owned()).unwrap_or_default()
}

/// The origin, and the rest from the path on; a fragment is never sent.
fn split(url: &str) -> (&str, &str) {
    let scheme = url.find("://").map_or(0, |at| at + 3);
    // A `#` in `${…}` would be one of an expression, which has none.
    let url = url.split('#').next().unwrap_or(url);
    let end = url[scheme..].find(['/', '?']).map_or(url.len(), |at| scheme + at);
    url.split_at(end)
}

/// The path behind the target, or the whole URL where that is another host.
fn path_for(asked: &Asked, target: &str) -> String {
    let (origin, path) = split(&asked.url);
    match (origin == target, path) {
        (false, path) => format!("{origin}{path}"),
        (true, "") => "/".to_owned(),
        (true, path) if path.starts_with('?') => format!("/{path}"),
        (true, path) => path.to_owned(),
    }
}

fn write_request(out: &mut String, asked: &Asked, path: &str, folder: Option<&Path>) {
    let pad = "            ";
    if VERBS.contains(&asked.method.as_str()) {
        let _ = writeln!(out, "          - {}: {}", asked.method.to_ascii_lowercase(), scalar(path));
    } else {
        let _ = writeln!(out, "          - request: {}", scalar(&format!("{} {path}", asked.method)));
    }
    write_headers(out, pad, &asked.headers);
    match &asked.body {
        AskedBody::Nothing => {}
        AskedBody::Text(text) => {
            let _ = writeln!(out, "{pad}body: {}", scalar(text));
        }
        AskedBody::File(path) => {
            let _ = writeln!(out, "{pad}body_file: {}", scalar(&beside(path, folder)));
        }
    }
}

/// A path as it is written in a file of `folder`: paths in a scenario are relative to its own folder.
fn beside(path: &str, folder: Option<&Path>) -> String {
    let here = folder.is_none_or(|folder| folder.as_os_str().is_empty() || folder == Path::new("."));
    if here {
        return path.to_owned();
    }
    std::path::absolute(path).map_or_else(|_| path.to_owned(), |path| path.display().to_string())
}

/// A name that stands there twice is a list of values.
fn write_headers(out: &mut String, pad: &str, headers: &[(String, String)]) {
    if headers.is_empty() {
        return;
    }
    let _ = writeln!(out, "{pad}headers:");
    let mut written: Vec<String> = Vec::new();
    for (name, _) in headers {
        let key = name.to_ascii_lowercase();
        if written.contains(&key) {
            continue;
        }
        let same = headers.iter().filter(|(other, _)| other.eq_ignore_ascii_case(name));
        let values: Vec<String> = same.map(|(_, value)| scalar(value)).collect();
        let _ = match values.as_slice() {
            [one] => writeln!(out, "{pad}  {}: {one}", scalar(&key)),
            several => {
                let list = several.join(&format!("\n{pad}    - "));
                writeln!(out, "{pad}  {}:\n{pad}    - {list}", scalar(&key))
            }
        };
        written.push(key);
    }
}

fn write_load(out: &mut String, load: &LoadArgs) {
    let mut lines = Vec::new();
    if let Some(rate) = load.rate {
        lines.push(format!("rate: {rate}"));
    }
    let users = load.users.unwrap_or(1);
    if load.rate.is_none() || load.users.is_some() {
        lines.push(format!("users: {users}"));
    }
    if let Some(rate) = load.spawn_rate {
        lines.push(format!("spawn_rate: {rate}"));
    } else if load.rate.is_none() {
        // Whoever names a URL and a number of users wants them now.
        lines.push(format!("spawn_rate: {users}/s"));
    }
    if let Some(users) = load.max_users {
        lines.push(format!("max_users: {users}"));
    }
    let mut timed = |key: &str, time: Option<std::time::Duration>| {
        if let Some(time) = time {
            lines.push(format!("{key}: {}", show_duration(time)));
        }
    };
    timed("run_time", load.run_time);
    timed("stop_timeout", load.stop_timeout);
    if let Some(iterations) = load.iterations {
        lines.push(format!("iterations: {iterations}"));
    }
    out.push_str("load:\n");
    for line in lines {
        let _ = writeln!(out, "  {line}");
    }
    if let Some(seed) = load.seed {
        let _ = writeln!(out, "seed: {seed}");
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use stampede_scenarios::compile::compile;
    use stampede_scenarios::source::Overrides;
    use stampede_scenarios::units::parse_rate;

    use super::*;

    fn compiles(source: &Source) {
        if let Err(problems) = compile(source, &Overrides::default(), &|_| None, 1) {
            panic!("{problems}");
        }
    }

    fn load(users: Option<u32>) -> LoadArgs {
        LoadArgs { users, run_time: Some(Duration::from_secs(30)), ..LoadArgs::default() }
    }

    #[test]
    fn a_url_becomes_a_scenario_of_one_task() {
        let made = from_flags("http://127.0.0.1:8080/kv/1", &UrlArgs::default(), &load(Some(50)));
        let made = made.expect("a URL");
        compiles(&made);
        insta::assert_snapshot!("one_url", made.text);
    }

    #[test]
    fn every_flag_stands_in_the_scenario() {
        let args = UrlArgs {
            method: Some("put".into()),
            headers: vec![("X-A".into(), "1".into()), ("x-a".into(), "two: 2".into())],
            data: Some("{\"id\": \"${user.id}\"}".into()),
            wait: Some("1s..3s".into()),
            ..UrlArgs::default()
        };
        let load = LoadArgs {
            rate: parse_rate("90/m").ok(),
            max_users: Some(7),
            iterations: Some(9),
            stop_timeout: Some(Duration::ZERO),
            seed: Some(3),
            ..load(Some(2))
        };
        let made = from_flags("https://shop.test?page=1#top", &args, &load).expect("a URL");
        compiles(&made);
        insta::assert_snapshot!("every_flag", made.text);
    }

    #[test]
    fn paths_of_a_saved_file_lead_to_the_same_files() {
        let saved = |save: &str| {
            let args =
                UrlArgs { data: Some("@body.json".into()), save: Some(save.into()), ..UrlArgs::default() };
            let text = from_flags("http://h.test", &args, &LoadArgs::default()).expect("a URL").text;
            let line =
                text.lines().find_map(|line| line.trim().strip_prefix("body_file: ").map(str::to_owned));
            line.expect("a body")
        };
        assert_eq!((saved("x.yaml"), saved("./x.yaml")), ("body.json".to_owned(), "body.json".to_owned()));
        let far = saved("tests/x.yaml");
        assert!(far.starts_with('/') && far.ends_with("/body.json"), "{far}");
    }

    #[test]
    fn several_urls_share_the_target_that_most_of_them_have() {
        let asked = |url: &str| Asked {
            method: "GET".into(),
            url: url.into(),
            headers: Vec::new(),
            body: AskedBody::Nothing,
        };
        let purge = Asked { method: "PURGE".into(), ..asked("http://b.test/cache") };
        let list = [asked("http://a.test/x"), asked("http://b.test/"), purge, asked("http://b.test")];
        let args = UrlArgs { headers: vec![("accept".into(), "*/*".into())], ..UrlArgs::default() };
        insta::assert_snapshot!("several", scenario("urls", &list, &args.headers, &args, &load(None)));
    }
}
