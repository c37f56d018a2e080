//! The course of a trial: exchanges are gathered until their request is judged, and each part of the scenario has a heading.

use std::collections::HashMap;
use std::sync::Arc;

use stampede_scenarios::plan::{Plan, RequestPlan};

use super::paint::Paint;
use super::show::{How, request};
use crate::local::{Exchanged, Judged, Told};

/// What has been told, and where in the scenario that was.
#[derive(Debug)]
pub struct Script {
    plan: Arc<Plan>,
    how: How,
    /// Exchanges of requests that are not judged yet, by step.
    open: HashMap<usize, Vec<Exchanged>>,
    /// The part the last request belonged to.
    part: Option<String>,
    requests: usize,
    failed: usize,
}

impl Script {
    /// Of a trial of `plan`, with so many lines of a body at most.
    pub fn new(plan: Arc<Plan>, paint: Paint, lines: usize) -> Self {
        Self { plan, how: How { paint, lines }, open: HashMap::new(), part: None, requests: 0, failed: 0 }
    }

    /// What there is to be shown now that this was told.
    pub fn told(&mut self, told: Told) -> Option<String> {
        match told {
            Told::Exchanged(exchanged) => {
                self.open.entry(exchanged.step).or_default().push(*exchanged);
                None
            }
            Told::Judged(judged) => {
                let shown = self.judged(&judged);
                Some(self.masked(shown))
            }
        }
    }

    /// Without the secrets that a target sent back.
    fn masked(&self, text: String) -> String {
        let hide =
            |text: String, (name, secret): &(String, String)| text.replace(secret, &format!("‹{name}›"));
        self.plan.secrets.iter().fold(text, hide)
    }

    /// How it went, in one line.
    pub fn end(&self, iterations_failed: u64) -> String {
        let paint = self.how.paint;
        let requests =
            if self.requests == 1 { "1 request".to_owned() } else { format!("{} requests", self.requests) };
        match (self.requests, self.failed) {
            (0, _) => paint.bad("✗ no request was made"),
            (_, 0) if iterations_failed > 0 => paint.bad(&format!("✗ {requests}, all ok, but {iterations_failed} of the passes failed: a `fail` step, a loop at its `max`, or a value that was missing or could not be computed")),
            (_, 0) => paint.good(&format!("✓ {requests}, all ok")),
            (_, failed) => paint.bad(&format!("✗ {requests}, {failed} failed")),
        }
    }

    fn judged(&mut self, judged: &Judged) -> String {
        let exchanges = self.open.remove(&judged.step).unwrap_or_default();
        self.requests += 1;
        self.failed += usize::from(judged.failure.is_some());
        let plan = Arc::clone(&self.plan);
        let parts = parts(&plan);
        let has = |(_, steps): &&(String, Vec<&RequestPlan>)| {
            steps.iter().any(|step| step.place.start == judged.step)
        };
        // A flow can belong to several parts: the one that is running goes on.
        let same = parts.iter().filter(has).find(|(name, _)| Some(name) == self.part.as_ref());
        let part = same.or_else(|| parts.iter().find(has));
        let mut out = String::new();
        if let Some((name, _)) = part
            && self.part.as_ref() != Some(name)
        {
            let rule = "─".repeat(68_usize.saturating_sub(name.chars().count()));
            out = format!("\n{}\n", self.how.paint.bold(&format!("── {name} {rule}")));
            self.part = Some(name.clone());
        }
        let step = part.and_then(|(_, steps)| steps.iter().find(|step| step.place.start == judged.step));
        out + &request(&plan, step.copied(), &exchanges, judged, self.how)
    }
}

/// The parts of a scenario in the order in which they run, with their requests.
fn parts(plan: &Plan) -> Vec<(String, Vec<&RequestPlan>)> {
    let mut parts = Vec::new();
    if let Some(aside) = &plan.aside {
        parts.push(("setup".to_owned(), aside.on_start.requests()));
    }
    for class in &plan.classes {
        let named = |what: &str| format!("{what} of {}", class.name);
        parts.push((named("on_start"), class.on_start.requests()));
        for task in &class.tasks {
            parts.push((named(&format!("task {}", task.name)), task.program.requests()));
        }
        parts.push((named("on_stop"), class.on_stop.requests()));
    }
    if let Some(aside) = &plan.aside {
        parts.push(("teardown".to_owned(), aside.on_stop.requests()));
    }
    parts
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use stampede_scenarios::compile::compile;
    use stampede_scenarios::source::{Overrides, Source};

    use super::*;
    use crate::local::Answer;

    const SCENARIO: &str = "
target: http://shop.test
users:
  shopper:
    on_start:
      - post: /login
        auth: {basic: {user: anna, password: secret}}
        json: {user: anna}
        extract: {token: $.token}
    tasks:
      look:
        steps:
          - get: /products
            expect: {status: [200, 3xx], body: {contains: shoe}, time: {lt: 5ms}}
          - get: /gone
";

    fn exchanged(step: usize, method: &str, path: &str, answer: Result<Answer, String>) -> Told {
        let sent = method == "POST";
        Told::Exchanged(Box::new(Exchanged {
            step,
            method: method.into(),
            url: format!("http://shop.test{path}"),
            headers: if sent {
                b"content-type: application/json\r\nauthorization: Basic YW5uYTpzZWNyZXQ=\r\n".to_vec()
            } else {
                b"accept: */*\r\n".to_vec()
            },
            cookies: if sent { Vec::new() } else { b"sid=7".to_vec() },
            body: if sent { br#"{"user":"anna"}"#.to_vec() } else { Vec::new() },
            answer,
            connecting: Duration::from_micros(if sent { 400 } else { 0 }),
            first_byte: Some(Duration::from_micros(11_900)),
            total: Duration::from_micros(12_340),
        }))
    }

    fn answer(status: u16, head: &str, body: &[u8]) -> Answer {
        Answer { status, head: head.as_bytes().to_vec(), body: body.to_vec() }
    }

    fn judged(step: usize, failure: Option<(&'static str, &str)>, values: &[(&str, Option<&str>)]) -> Told {
        let failure = failure.map(|(kind, message)| (kind, message.to_owned()));
        let values = values.iter().map(|(name, value)| ((*name).to_owned(), value.map(str::to_owned)));
        Told::Judged(Judged { step, failure, time: Duration::from_millis(12), values: values.collect() })
    }

    fn script(color: bool) -> String {
        let plan = compile(&Source::new("t.yaml", SCENARIO), &Overrides::default(), &|_| None, 1);
        let plan = Arc::new(plan.unwrap_or_else(|wrong| panic!("{wrong}")));
        let class = &plan.classes[0];
        let login = class.on_start.requests()[0].place.start;
        let look: Vec<usize> =
            class.tasks[0].program.requests().iter().map(|step| step.place.start).collect();
        let mut script = Script::new(Arc::clone(&plan), Paint { color }, 5);
        let json = "content-type: application/json\r\nset-cookie: sid=7\r\n";
        let told = [
            exchanged(
                login,
                "POST",
                "/login",
                Ok(answer(200, json, br#"{"token": "x", "more": [1, 2, 3]}"#)),
            ),
            judged(login, None, &[("token", Some("\"x\""))]),
            exchanged(look[0], "GET", "/products", Ok(answer(302, "location: /all\r\n", b""))),
            exchanged(look[0], "GET", "/all", Ok(answer(200, "", b"one shoe"))),
            judged(look[0], Some(("expect", "time: lt 5ms")), &[]),
            exchanged(look[1], "GET", "/gone", Err("closed: the connection was closed".into())),
            judged(look[1], Some(("closed", "the connection was closed")), &[]),
        ];
        let shown: String = told.into_iter().filter_map(|told| script.told(told)).collect();
        format!("{shown}\n{}\n", script.end(0))
    }

    #[test]
    fn a_trial_is_readable() {
        let text = script(false);
        assert!(!text.contains("YW5uYTpzZWNyZXQ="), "what auth sends is shown nowhere");
        insta::assert_snapshot!("trial", text);
    }

    #[test]
    fn colours_change_no_word() {
        let plain: String =
            script(true).split('\u{1b}').enumerate().fold(String::new(), |text, (at, part)| {
                text + if at == 0 { part } else { part.split_once('m').map_or("", |(_, rest)| rest) }
            });
        assert_eq!(plain, script(false));
    }

    #[test]
    fn what_a_secret_is_part_of_is_not_shown() {
        let text = "target: http://shop.test\nsecrets: {key: hush-hush}\nusers: {u: {tasks: {t: {steps: [{post: \"/a?k=${key}\", \
                    headers: {x-key: \"${key}\", cookie: \"k=${key}\"}, body: \"k=${key}\"}]}}}}\n";
        let plan = compile(&Source::new("t.yaml", text), &Overrides::default(), &|_| None, 1);
        let plan = Arc::new(plan.unwrap_or_else(|wrong| panic!("{wrong}")));
        let step = plan.classes[0].tasks[0].program.requests()[0].place.start;
        let mut script = Script::new(plan, Paint { color: false }, 9);
        script.told(Told::Exchanged(Box::new(Exchanged {
            step,
            method: "POST".into(),
            url: "http://shop.test/a?k=hush-hush".into(),
            headers: b"x-key: hush-hush\r\n".to_vec(),
            cookies: b"k=hush-hush; sid=7".to_vec(),
            body: b"k=hush-hush".to_vec(),
            answer: Ok(answer(200, "x-echo: hush-hush\r\n", b"you said hush-hush")),
            connecting: Duration::ZERO,
            first_byte: None,
            total: Duration::ZERO,
        })));
        let shown = script.told(judged(step, None, &[("said", Some("\"hush-hush\""))])).expect("shown");
        assert!(shown.contains("you said ‹key›"), "{shown}");
        assert!(!shown.contains("hush") && shown.contains("x-key: ‹secret›"), "{shown}");
        assert!(shown.contains("cookie: ‹secret›"), "{shown}");
    }
}
