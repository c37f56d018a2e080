//! What a program works on: whose steps they are, what they draw from, and what they read and set.
//!
//! It is the part of a user that a program may touch. A branch of a `parallel` step has one of its own.

use stampede_scenarios::data::RowView;
use stampede_scenarios::draw::Draw;
use stampede_scenarios::plan::ClassPlan;
use stampede_scenarios::response::{LastResponse, NONE};
use stampede_scenarios::template::{Around, RenderContext};
use stampede_scenarios::variables::Variables;

/// What one pass through a program draws from.
#[derive(Debug)]
pub(super) struct Drawn {
    /// Values and choices.
    pub(super) draw: Draw,
    /// Think times.
    pub(super) think: Draw,
    /// What it is a pass of.
    pub(super) of: Of,
}

/// What a pass through a program belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Of {
    /// An iteration of the user's own.
    Iteration,
    /// The arrival of this number.
    Arrival(u64),
    /// What comes before all iterations.
    Start,
    /// What comes behind them.
    Stop,
    /// What comes before all users.
    Setup,
    /// What comes behind them.
    Teardown,
}

impl Of {
    /// The coordinate that tells the branches of a user's passes apart: the iteration, or a number beyond all.
    fn pass(self, iteration: u64) -> u64 {
        match self {
            Self::Iteration | Self::Arrival(_) => iteration,
            Self::Start => u64::MAX - 1,
            Self::Stop => u64::MAX,
            Self::Setup => u64::MAX - 3,
            Self::Teardown => u64::MAX - 2,
        }
    }

    fn arrival(self) -> Option<u64> {
        if let Self::Arrival(number) = self { Some(number) } else { None }
    }
}

/// Of one pass through a program.
pub(super) struct Scope<'a> {
    pub(super) class: &'a ClassPlan,
    pub(super) around: &'a Around,
    /// What the program is called: a task's name, `on_start` or `on_stop`.
    pub(super) task: &'a str,
    /// The slot of the user.
    pub(super) slot: u32,
    pub(super) life: u32,
    pub(super) iteration: u64,
    /// The pass of the innermost loop.
    pub(super) loop_index: u64,
    /// The user's rows of feeders.
    pub(super) rows: RowView<'a>,
    pub(super) drawn: &'a mut Drawn,
    pub(super) variables: &'a mut Variables,
    /// The user's last response, where the class looks at it.
    pub(super) response: Option<&'a mut LastResponse>,
}

impl Scope<'_> {
    /// As expressions and templates see it.
    pub(super) fn render(&mut self) -> RenderContext<'_> {
        RenderContext {
            user_id: u64::from(self.slot),
            life: self.life,
            class: &self.class.name,
            iteration: self.iteration,
            arrival: self.drawn.of.arrival(),
            loop_index: self.loop_index,
            rows: self.rows,
            response: self.response.as_deref().unwrap_or(&NONE),
            draw: &mut self.drawn.draw,
            variables: self.variables,
            around: self.around,
        }
    }

    /// The generators of a branch of a `parallel` step that this iteration has gone through `nth` times before: of its values,
    /// and of its think times.
    pub(super) fn branch(&self, seed: u64, step: u32, branch: u32, nth: u64) -> Drawn {
        let place = (step, branch, nth);
        let (draw, think) = if let Of::Arrival(number) = self.drawn.of {
            (Draw::arrival_branch(seed, number, place), Draw::arrival_branch_think(seed, number, place))
        } else {
            let of = (u64::from(self.slot), self.life, self.drawn.of.pass(self.iteration));
            let draw = if nth == 0 {
                Draw::branch(seed, of.0, of.1, of.2, step, branch)
            } else {
                Draw::branch_again(seed, of, place)
            };
            (draw, Draw::branch_think(seed, of, place))
        };
        Drawn { draw, think, ..*self.drawn }
    }
}

/// What a program of `called` works on, run by a user of this (slot, life) in this iteration.
pub(super) fn scope<'a>(
    called: (&'a ClassPlan, &'a Around, &'a str),
    (slot, life, iteration): (u32, u32, u64),
    rows: RowView<'a>,
    drawn: &'a mut Drawn,
    variables: &'a mut Variables,
    response: &'a mut Option<Box<LastResponse>>,
) -> Scope<'a> {
    Scope {
        class: called.0,
        around: called.1,
        task: called.2,
        slot,
        life,
        iteration,
        loop_index: 0,
        rows,
        drawn,
        variables,
        response: response.as_deref_mut(),
    }
}
