//! `setup` and `teardown`: steps that run once in the whole test, and the variables that `setup` gives to all users.

use super::class::ClassCx;
use super::cx::Cx;
use super::eval::Scope;
use super::names::Names;
use super::own::Own;
use super::schema::Fields;
use super::settings::{DEFAULTS, Settings};
use super::steps::{self, Belongs, Flows};
use super::url::Target;
use super::vars::Vars;
use crate::alias::AliasTable;
use crate::data::ClassFeeders;
use crate::plan::{ClassPlan, Program, TaskOrder};
use crate::wait::Wait;

/// What they are read with.
pub(super) struct Beside<'a> {
    pub(super) vars: &'a Vars,
    pub(super) target: &'a Target,
    pub(super) names: &'a Names,
    pub(super) flows: &'a Flows<'a>,
}

impl Beside<'_> {
    /// Reads both, if the file has one of them; and what `setup` sets.
    pub(super) fn read(&self, fields: Fields<'_>, cx: &Cx<'_>) -> (Option<Box<ClassPlan>>, Own) {
        let (setup, teardown) = (fields.get("setup"), fields.get("teardown"));
        let own = Own::of_steps(setup, self.flows);
        if setup.is_none() && teardown.is_none() {
            return (None, own);
        }
        // `teardown` sees what `setup` left, and adds its own behind it.
        let all = own.given().with_steps(teardown, self.flows);
        let program = |steps, own, title| match steps {
            Some(steps) => {
                let names = Some(self.names);
                let scope = Scope { own: Some(own), names, user: true, ..Scope::of_file(self.vars) };
                let mut settings = Settings::default();
                if let Some(defaults) = fields.get("defaults") {
                    settings.apply_defaults(defaults, &DEFAULTS, &scope, cx);
                }
                let (target, names, flows) = (self.target, self.names, self.flows);
                let class = ClassCx { scope, target, settings, names, flows, aside: Some(title) };
                steps::read(steps, Belongs { to: title }, &class, cx)
            }
            None => Program::default(),
        };
        cx.is_aside.set(true);
        let (on_start, on_stop) = (program(setup, &own, "setup"), program(teardown, &all, "teardown"));
        cx.is_aside.set(false);
        // Of no tasks there is nothing to draw.
        let Some(task_table) = AliasTable::new(&[1.0]) else { return (None, own) };
        let plan = ClassPlan {
            name: "(setup)".to_owned(),
            wait: Wait::None,
            on_start,
            on_stop,
            tasks: Vec::new(),
            task_table,
            pipeline: 1,
            variables: all.plans(None),
            order: TaskOrder::Weighted,
            feeders: ClassFeeders::default(),
            looks_at_response: cx.looks_at_response.take(),
            row: None,
        };
        (Some(Box::new(plan)), own)
    }
}
