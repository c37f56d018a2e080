//! What a step has to do with its user's variables: those it needs for its request, those it sets from the response.
//!
//! What is looked for and how is in `stampede_scenarios::extract`; here it meets the engine's request, response and cookies.

use stampede_scenarios::contents::Contents;
use stampede_scenarios::extract::{ExtractPlan, extract, extract_nothing};
use stampede_scenarios::plan::RequestPlan;
use stampede_scenarios::template::RenderContext;
use stampede_scenarios::variables::Variables;
use stampede_stats::outcome::FailureKind;

use super::cookies::Jar;
use super::message::Message;
use super::steps::Needs;
use crate::http::Failure;
use crate::trial;

/// A request's dealings with variables.
#[derive(Debug)]
pub(super) struct StepVariables {
    needs: Needs,
    extracts: Vec<ExtractPlan>,
    looks_at_cookies: bool,
}

impl StepVariables {
    pub(super) fn new(plan: &RequestPlan) -> Self {
        Self {
            needs: Needs::new(plan.needs(), "request", plan.place),
            extracts: plan.extract.clone(),
            looks_at_cookies: plan.looks_at_cookies(),
        }
    }

    /// Whether the request can be made: everything that it needs has a value. If not, that is said.
    pub(super) fn are_there(&self, variables: &Variables, class: &str, task: &str) -> bool {
        self.needs.are_there(variables, class, task)
    }

    /// Says that `name` has no value, which was seen only when the request was written.
    pub(super) fn say_missing(&self, name: &str, class: &str, task: &str) {
        self.needs.say_missing(name, class, task);
    }

    /// The `cookie` header that the user would send to the same place now, if a value is looked for there.
    pub(super) fn cookies(&self, message: Message<'_>, jar: &Jar) -> Vec<u8> {
        let mut cookies = Vec::new();
        if self.looks_at_cookies {
            jar.write_to(&mut cookies, message.origin, message.path);
        }
        cookies
    }

    /// Sets the variables that come from the response. Without one they have their defaults, or no value, and there is no
    /// further failure.
    pub(super) fn take(
        &self,
        response: Option<&mut Contents<'_>>,
        render: &mut RenderContext<'_>,
    ) -> Result<(), Failure> {
        if self.extracts.is_empty() {
            return Ok(());
        }
        let (variables, draw) = (&mut *render.variables, &mut *render.draw);
        let taken = match response {
            None => {
                extract_nothing(&self.extracts, variables, draw);
                Ok(())
            }
            Some(response) => extract(&self.extracts, response, variables, draw),
        };
        trial::took(&self.extracts, variables);
        taken.map_err(|failure| Failure { kind: FailureKind::Extract, message: failure.to_string().into() })
    }
}

#[cfg(test)]
mod tests {
    use stampede_scenarios::compile::compile;
    use stampede_scenarios::draw::Draw;
    use stampede_scenarios::plan::{Op, Plan};
    use stampede_scenarios::source::{Overrides, Source};
    use stampede_scenarios::variables::VariableId;

    use stampede_scenarios::contents::ResponseView;

    use super::*;
    use crate::engine::judge::view;
    use crate::http::Response;
    use crate::http::origin::Origin;

    fn plan(steps: &str) -> Plan {
        let text = format!(
            "target: http://a:81\nusers: {{v: {{tasks: {{main: {{steps: [{steps}]}}}}}}}}\nload: {{users: 1}}"
        );
        compile(&Source::new("t.yaml", text), &Overrides::default(), &|_| None, 7)
            .unwrap_or_else(|wrong| panic!("{wrong}"))
    }

    fn steps(plan: &Plan) -> Vec<StepVariables> {
        plan.classes[0].tasks[0]
            .program
            .ops
            .iter()
            .map(|op| match op {
                Op::Request(request) => StepVariables::new(request),
                _ => panic!("a request"),
            })
            .collect()
    }

    /// What the only variable then is, or what failed.
    fn taken(extract: &str, jar: &Jar, response: Option<&Response>) -> (Result<(), Failure>, Option<String>) {
        let plan = plan(&format!("{{get: /a/b, extract: {{v: {extract}}}}}"));
        let (mut variables, mut draw) = (Variables::new(&plan.classes[0].variables), Draw::from_seed(1));
        let mut render = RenderContext {
            user_id: 0,
            life: 0,
            class: "v",
            iteration: 0,
            arrival: None,
            loop_index: 0,
            rows: stampede_scenarios::data::RowView::default(),
            response: &stampede_scenarios::response::NONE,
            draw: &mut draw,
            variables: &mut variables,
            around: &stampede_scenarios::template::NOWHERE,
        };
        let origin = std::sync::Arc::new(
            Origin::of(&url::Url::parse("http://a:81").expect("a URL")).expect("an origin"),
        );
        let message = Message {
            method: &http::Method::GET,
            origin: &origin,
            path: "/a/b",
            headers: b"",
            names_host: false,
            cookies: b"",
            own_cookies: b"",
            body: b"",
        };
        let step = &steps(&plan)[0];
        let cookies = step.cookies(message, jar);
        let view = |response| ResponseView { cookies: &cookies, ..view(response) };
        let mut contents = response.map(|response| Contents::new(view(response)));
        let result = step.take(contents.as_mut(), &mut render);
        (result, variables.to_json(VariableId(0)))
    }

    #[test]
    fn head_body_and_jar_are_looked_at() {
        let response =
            Response { head: b"x-id: 7\r\n".to_vec(), body: br#"{"id": 8}"#.to_vec(), ..Response::default() };
        let origin = Origin::of(&url::Url::parse("http://a:81").expect("a URL")).expect("an origin");
        let mut jar = Jar::default();
        jar.take(&[b"sid=9; Path=/a".to_vec().into()], &origin, "/");
        let value = |extract: &str| taken(extract, &jar, Some(&response));
        assert_eq!(value("{header: X-Id}"), (Ok(()), Some("\"7\"".to_owned())));
        assert_eq!(value("$.id"), (Ok(()), Some("8".to_owned())));
        assert_eq!(value("{cookie: sid}"), (Ok(()), Some("\"9\"".to_owned())));
        let failure = Failure { kind: FailureKind::Extract, message: "v: nothing at $.no".into() };
        assert_eq!(value("$.no"), (Err(failure), None));
    }

    #[test]
    fn without_a_response_there_is_no_further_failure() {
        let jar = Jar::default();
        assert_eq!(taken("$.id", &jar, None), (Ok(()), None));
        assert_eq!(taken("{json: $.id, default: 3}", &jar, None), (Ok(()), Some("3".to_owned())));
    }

    #[test]
    fn a_request_waits_for_all_it_needs() {
        let plan = plan(
            r#"{get: /, extract: {a: $.a, b: $.b, c: $.c, d: $.d}}, {post: "/${a}", name: "n ${b}", headers: {x: "${c}", authorization: "${a}"}, json: {d: "${d}"}}, {get: /, auth: {basic: {user: "${a}", password: p}}}, {post: /, multipart: {a: "${b}"}}"#,
        );
        let all = steps(&plan);
        let mut variables = Variables::new(&plan.classes[0].variables);
        let ready = |variables: &Variables| {
            all.iter().map(|step| step.are_there(variables, "v", "main")).collect::<Vec<_>>()
        };
        assert_eq!(ready(&variables), [true, false, false, false]);
        variables.set_text(VariableId(0), b"");
        assert_eq!(ready(&variables), [true, false, true, false]);
        variables.set_text(VariableId(1), b"");
        assert_eq!(ready(&variables), [true, false, true, true]);
        variables.set_text(VariableId(2), b"");
        assert_eq!(ready(&variables), [true, false, true, true]);
        variables.set_text(VariableId(3), b"");
        assert_eq!(ready(&variables), [true; 4]);
    }
}
