//! A program's steps as they were written: the flat list of instructions folded back into branches, loops and groups.
//!
//! For whoever shows or reckons with steps; the engine runs the list as it is. A list that no reader would have made gives some
//! outline as well, and never an endless one: each instruction is looked at once.

use crate::expression::Expression;
use crate::plan::{
    EndpointId, FailPlan, LoopPlan, Op, ParallelPlan, Place, Program, RequestPlan, SetPlan, StopWhat,
};
use crate::template::Template;
use crate::wait::Wait;

/// A step with the steps it contains.
#[derive(Debug)]
pub enum Step<'p> {
    /// A request.
    Request(&'p RequestPlan),
    /// A pause.
    Think(&'p Wait),
    /// A variable gets a value.
    Set(&'p SetPlan),
    /// A line for the log.
    Log(&'p Template),
    /// A failure.
    Fail(&'p FailPlan),
    /// An end.
    Stop(StopWhat),
    /// `if`.
    If {
        /// What must be true.
        condition: &'p Expression,
        /// Where it stands.
        place: Place,
        /// When it is.
        then: Vec<Step<'p>>,
        /// When it is not.
        otherwise: Vec<Step<'p>>,
    },
    /// `repeat` `for` `while` `until` `during`.
    Loop {
        /// What decides.
        plan: &'p LoopPlan,
        /// A pass.
        body: Vec<Step<'p>>,
    },
    /// `choose`: each choice with its share, 0 to 1.
    Choose(Vec<(f64, Vec<Step<'p>>)>),
    /// `parallel`.
    Parallel {
        /// How many at a time.
        plan: &'p ParallelPlan,
        /// Each of its steps.
        branches: Vec<Vec<Step<'p>>>,
    },
    /// `group`.
    Group {
        /// Its row.
        row: EndpointId,
        /// Its steps.
        body: Vec<Step<'p>>,
    },
}

/// The steps of a program.
pub fn outline(program: &Program) -> Vec<Step<'_>> {
    Folder { ops: &program.ops, at: 0 }.steps(program.ops.len())
}

struct Folder<'p> {
    ops: &'p [Op],
    at: usize,
}

impl<'p> Folder<'p> {
    /// The steps up to `end`, or to a jump that leads out of them: the end of a choice.
    fn steps(&mut self, end: usize) -> Vec<Step<'p>> {
        let mut list = Vec::new();
        while self.at < end {
            let Some(op) = self.ops.get(self.at) else { break };
            self.at += 1;
            match op {
                Op::Jump(_) | Op::GroupEnd | Op::Again(_) => break,
                op => list.push(self.step(op, end)),
            }
        }
        list
    }

    fn step(&mut self, op: &'p Op, end: usize) -> Step<'p> {
        match op {
            Op::Request(request) => Step::Request(request),
            Op::Think(wait) => Step::Think(wait),
            Op::Set(set) => Step::Set(set),
            Op::Log { text, .. } => Step::Log(text),
            Op::Fail(fail) => Step::Fail(fail),
            Op::Stop(what) => Step::Stop(*what),
            Op::JumpUnless { condition, to, place } => self.branch(condition, *to, *place, end),
            Op::Loop(plan) => Step::Loop { plan, body: self.steps(plan.end.min(end)) },
            Op::Choose(plan) => {
                let shares = plan.table.shares();
                let choices = plan.targets.iter().zip(shares).map(|(target, share)| {
                    self.at = self.at.max(*target);
                    (share, self.steps(end))
                });
                Step::Choose(choices.collect())
            }
            Op::Parallel(plan) => {
                Step::Parallel { plan, branches: plan.branches.iter().map(outline).collect() }
            }
            Op::GroupStart(row) => Step::Group { row: *row, body: self.steps(end) },
            // These close something, and `steps` ends at them.
            Op::Jump(_) | Op::Again(_) | Op::GroupEnd => Step::Choose(Vec::new()),
        }
    }

    /// An `if`. What is skipped when the condition does not hold ends with a jump over the `else`, if there is one; the jump at
    /// the end of a `choose` leads no farther than the next instruction.
    fn branch(&mut self, condition: &'p Expression, to: usize, place: Place, end: usize) -> Step<'p> {
        let to = to.clamp(self.at, end.max(self.at));
        let over = match to.checked_sub(1).filter(|last| *last >= self.at).and_then(|last| self.ops.get(last))
        {
            Some(Op::Jump(over)) if *over > to => Some(*over),
            _ => None,
        };
        let then = self.steps(if over.is_some() { to - 1 } else { to });
        self.at = self.at.max(to);
        let otherwise = match over {
            Some(over) => self.steps(over.min(end)),
            None => Vec::new(),
        };
        Step::If { condition, place, then, otherwise }
    }
}
