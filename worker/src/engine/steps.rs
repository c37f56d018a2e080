//! A program made ready to run: what each of its steps computes, with the variables that must have a value for it.
//!
//! Steps mirror the plan's instructions one by one, so that jumps mean the same in both. Requests are made ready in
//! `prepared`; how steps are gone through is in `program` and `flow`.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use stampede_scenarios::expression::Expression;
use stampede_scenarios::plan::{ChoosePlan, LoopKind, LoopPlan, Op, ParallelPlan, Place, Program, StopWhat};
use stampede_scenarios::template::Template;
use stampede_scenarios::variables::{VariableId, Variables};
use stampede_scenarios::wait::Wait;
use tracing::warn;

use super::prepared::{PrepareError, PreparedRequest};

/// One instruction.
#[derive(Debug)]
pub(super) enum Step {
    Request(Box<PreparedRequest>),
    Think(Wait),
    Set(Box<Set>),
    Log(Box<Text>),
    Fail(Box<Fail>),
    Stop(StopWhat),
    Jump(usize),
    JumpUnless {
        condition: Box<Computed>,
        to: usize,
    },
    Loop(Box<Loop>),
    /// A pass through the loop that begins at this index is over.
    Again(usize),
    Choose(Box<ChoosePlan>),
    Parallel(Box<Parallel>),
    /// A pass through the group with this row begins.
    GroupStart(u32),
    GroupEnd,
}

/// An expression.
#[derive(Debug)]
pub(super) struct Computed {
    pub(super) expression: Expression,
    pub(super) needs: Needs,
}

/// A text with values in it.
#[derive(Debug)]
pub(super) struct Text {
    pub(super) template: Template,
    pub(super) needs: Needs,
}

/// `set`.
#[derive(Debug)]
pub(super) struct Set {
    pub(super) variable: VariableId,
    pub(super) value: Computed,
}

/// `fail`.
#[derive(Debug)]
pub(super) struct Fail {
    pub(super) row: u32,
    pub(super) message: Text,
}

/// A loop.
#[derive(Debug)]
pub(super) struct Loop {
    pub(super) kind: Kind,
    pub(super) max: u64,
    pub(super) every: Option<Duration>,
    /// Index behind it.
    pub(super) end: usize,
    pub(super) line: u32,
    /// Whether it was said that somebody wanted one pass too many: once, whoever wants it how often.
    pub(super) was_told: AtomicBool,
}

/// What decides whether a loop has another pass.
#[derive(Debug)]
pub(super) enum Kind {
    Repeat(Computed),
    For { variable: VariableId, list: Computed },
    While(Computed),
    Until(Computed),
    During(Duration),
}

/// `parallel`.
#[derive(Debug)]
pub(super) struct Parallel {
    pub(super) at_once: usize,
    pub(super) branches: Vec<Vec<Step>>,
    /// Its number within the program.
    pub(super) step: u32,
}

/// The variables that must have a value for a step.
#[derive(Debug)]
pub(super) struct Needs {
    list: Box<[Need]>,
    /// `request` or `step`.
    what: &'static str,
    line: u32,
    /// Whether it was said that something is missing that is seen only when it is computed.
    was_told: AtomicBool,
}

#[derive(Debug)]
struct Need {
    id: VariableId,
    name: Box<str>,
    /// Whether it was said that it is missing: once, whoever misses it how often.
    was_told: AtomicBool,
}

impl Needs {
    pub(super) fn new(mut list: Vec<(VariableId, Box<str>)>, what: &'static str, place: Place) -> Self {
        list.sort_unstable();
        list.dedup();
        let need = |(id, name)| Need { id, name, was_told: AtomicBool::new(false) };
        Self {
            list: list.into_iter().map(need).collect(),
            what,
            line: place.line,
            was_told: AtomicBool::new(false),
        }
    }

    /// Whether all of them have one. If not, that is said: `task` of a `class` ends there.
    #[inline]
    pub(super) fn are_there(&self, variables: &Variables, class: &str, task: &str) -> bool {
        match self.list.iter().find(|need| !variables.is_set(need.id)) {
            None => true,
            Some(need) => {
                self.say_once(&need.was_told, &need.name, class, task);
                false
            }
        }
    }

    /// Says that `name` has no value, the first time that this was seen only when something was computed.
    pub(super) fn say_missing(&self, name: &str, class: &str, task: &str) {
        self.say_once(&self.was_told, name, class, task);
    }

    fn say_once(&self, was_told: &AtomicBool, name: &str, class: &str, task: &str) {
        if !was_told.swap(true, Ordering::Relaxed) {
            let Self { what, line, .. } = self;
            warn!(
                "the {what} in line {line} needs `{name}`, which has no value: `{task}` of a `{class}` ended there"
            );
        }
    }
}

impl Computed {
    fn new(expression: &Expression, place: Place) -> Self {
        let mut needs = Vec::new();
        expression.add_variables(&mut needs);
        Self { expression: expression.clone(), needs: Needs::new(needs, "step", place) }
    }
}

impl Text {
    fn new(template: &Template, place: Place) -> Self {
        let mut needs = Vec::new();
        template.add_variables(&mut needs);
        Self { template: template.clone(), needs: Needs::new(needs, "step", place) }
    }
}

/// Makes the steps of `program`; `request` makes its requests.
pub(super) fn make(
    program: &Program,
    request: &impl Fn(&stampede_scenarios::plan::RequestPlan) -> Result<PreparedRequest, PrepareError>,
) -> Result<Vec<Step>, PrepareError> {
    let step = |op: &Op| {
        Ok(match op {
            Op::Request(plan) => Step::Request(Box::new(request(plan)?)),
            Op::Think(wait) => Step::Think(*wait),
            Op::Set(plan) => {
                let value = Computed::new(&plan.value, plan.place);
                Step::Set(Box::new(Set { variable: plan.variable, value }))
            }
            Op::Log { text, place } => Step::Log(Box::new(Text::new(text, *place))),
            Op::Fail(plan) => {
                let message = Text::new(&plan.message, plan.place);
                Step::Fail(Box::new(Fail { row: plan.row.0, message }))
            }
            Op::Stop(what) => Step::Stop(*what),
            Op::Jump(to) => Step::Jump(*to),
            Op::JumpUnless { condition, to, place } => {
                Step::JumpUnless { condition: Box::new(Computed::new(condition, *place)), to: *to }
            }
            Op::Loop(plan) => Step::Loop(Box::new(a_loop(plan))),
            Op::Again(start) => Step::Again(*start),
            Op::Choose(plan) => Step::Choose(plan.clone()),
            Op::Parallel(plan) => Step::Parallel(Box::new(parallel(plan, request)?)),
            Op::GroupStart(row) => Step::GroupStart(row.0),
            Op::GroupEnd => Step::GroupEnd,
        })
    };
    program.ops.iter().map(step).collect()
}

fn a_loop(plan: &LoopPlan) -> Loop {
    let computed = |expression: &Expression| Computed::new(expression, plan.place);
    let kind = match &plan.kind {
        LoopKind::Repeat(count) => Kind::Repeat(computed(count)),
        LoopKind::For { variable, list } => Kind::For { variable: *variable, list: computed(list) },
        LoopKind::While(condition) => Kind::While(computed(condition)),
        LoopKind::Until(condition) => Kind::Until(computed(condition)),
        LoopKind::During(time) => Kind::During(*time),
    };
    let LoopPlan { max, every, end, place, .. } = plan;
    let was_told = AtomicBool::new(false);
    Loop { kind, max: *max, every: *every, end: *end, line: place.line, was_told }
}

fn parallel(
    plan: &ParallelPlan,
    request: &impl Fn(&stampede_scenarios::plan::RequestPlan) -> Result<PreparedRequest, PrepareError>,
) -> Result<Parallel, PrepareError> {
    Ok(Parallel {
        at_once: usize::try_from(plan.at_once).unwrap_or(usize::MAX).max(1),
        branches: plan.branches.iter().map(|branch| make(branch, request)).collect::<Result<_, _>>()?,
        step: plan.step,
    })
}

/// All requests among `steps`, those of branches too.
pub(super) fn requests(steps: &[Step]) -> Vec<&PreparedRequest> {
    let mut list = Vec::new();
    for step in steps {
        match step {
            Step::Request(request) => list.push(&**request),
            Step::Parallel(parallel) => {
                list.extend(parallel.branches.iter().flat_map(|branch| requests(branch)));
            }
            _ => {}
        }
    }
    list
}
