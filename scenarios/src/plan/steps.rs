//! A task's steps as a flat program: instructions in a list, control flow as jumps within it.
//!
//! There is no recursion: a loop or a group is an instruction that opens a frame and one that closes it, so that a user's state
//! is an index and a small stack. Only the branches of a `parallel` step are programs of their own. How it is run is the
//! engine's business.

use std::time::Duration;

use super::{EndpointId, Place, RequestPlan};
use crate::alias::AliasTable;
use crate::expression::Expression;
use crate::template::Template;
use crate::variables::VariableId;
use crate::wait::Wait;

/// Steps as a flat list of instructions. Indices into it may be its length: its end.
#[derive(Debug, Clone, Default)]
pub struct Program {
    /// In order.
    pub ops: Vec<Op>,
}

impl Program {
    /// Its requests, those of parallel branches too.
    pub fn requests(&self) -> Vec<&RequestPlan> {
        let mut list = Vec::new();
        for op in &self.ops {
            match op {
                Op::Request(request) => list.push(&**request),
                Op::Parallel(parallel) => {
                    list.extend(parallel.branches.iter().flat_map(Self::requests));
                }
                _ => {}
            }
        }
        list
    }
}

/// One instruction.
#[derive(Debug, Clone)]
pub enum Op {
    /// Make a request and judge its response.
    Request(Box<RequestPlan>),
    /// Pause within the task.
    Think(Wait),
    /// Give a variable a value.
    Set(Box<SetPlan>),
    /// Write a line to the log.
    Log {
        /// The line.
        text: Template,
        /// Where the step stands.
        place: Place,
    },
    /// Book a failure of kind `fail` on the task; the iteration has failed. The next step follows.
    Fail(Box<FailPlan>),
    /// End something.
    Stop(StopWhat),
    /// Go on elsewhere.
    Jump(usize),
    /// Go on at `to` unless the condition is true.
    JumpUnless {
        /// What must be true to go on with the next instruction.
        condition: Expression,
        /// Where to go on else.
        to: usize,
        /// Where the step stands.
        place: Place,
    },
    /// A loop begins; its body follows, up to its [`Op::Again`].
    Loop(Box<LoopPlan>),
    /// A pass through the loop that begins at this index is over.
    Again(usize),
    /// Go on at one of several places, by weight; one draw.
    Choose(Box<ChoosePlan>),
    /// Several programs at a time.
    Parallel(Box<ParallelPlan>),
    /// A group begins: time is measured until its [`Op::GroupEnd`].
    GroupStart(EndpointId),
    /// The innermost group is over.
    GroupEnd,
}

/// `set`: one variable. Several in one step are several instructions, in the order of the file.
#[derive(Debug, Clone)]
pub struct SetPlan {
    /// Which.
    pub variable: VariableId,
    /// Its name, for messages.
    pub name: Box<str>,
    /// What it becomes.
    pub value: Expression,
    /// Where it stands.
    pub place: Place,
}

/// `fail`.
#[derive(Debug, Clone)]
pub struct FailPlan {
    /// The row of the task, of kind [`RowKind::Task`](super::RowKind::Task).
    pub row: EndpointId,
    /// Why.
    pub message: Template,
    /// Where the step stands.
    pub place: Place,
}

/// `stop`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopWhat {
    /// The task: the iteration ends here.
    Task,
    /// The user: its slot stays empty.
    User,
    /// The run.
    Run,
}

/// A loop. At most [`max`](Self::max) passes; wanting one more fails the iteration and ends it.
#[derive(Debug, Clone)]
pub struct LoopPlan {
    /// What decides whether there is another pass.
    pub kind: LoopKind,
    /// Passes at most.
    pub max: u64,
    /// From the start of a pass to the start of the next, at least.
    pub every: Option<Duration>,
    /// Index behind the loop.
    pub end: usize,
    /// Where the step stands.
    pub place: Place,
}

/// What decides whether a loop has another pass.
#[derive(Debug, Clone)]
pub enum LoopKind {
    /// So many passes; looked at once, before the first.
    Repeat(Expression),
    /// One for each item of a list; looked at once, before the first.
    For {
        /// Is the item during a pass.
        variable: VariableId,
        /// The list.
        list: Expression,
    },
    /// As long as this is true, looked at before each pass.
    While(Expression),
    /// Until this is true, looked at after each pass.
    Until(Expression),
    /// As long as this time is not over, looked at before each pass; the last one is finished.
    During(Duration),
}

/// `choose`.
#[derive(Debug, Clone)]
pub struct ChoosePlan {
    /// Draws an index into `targets`.
    pub table: AliasTable,
    /// Where each choice begins.
    pub targets: Vec<usize>,
}

/// `parallel`: each of its steps is a branch with a generator of its own and a copy of the variables; what the branches set is
/// joined in their order.
#[derive(Debug, Clone)]
pub struct ParallelPlan {
    /// Branches that run at a time, at most.
    pub at_once: u32,
    /// Their programs; none of them has a `parallel` step.
    pub branches: Vec<Program>,
    /// Its number among those of the class, for its draws.
    pub step: u32,
    /// Where the step stands.
    pub place: Place,
}
