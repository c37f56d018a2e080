//! The words between keys and state: views, moves, and what a key or the terminal asks of the screen.

use ratatui::layout::Size;

use crate::run::input::Person;

/// Whose screen it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// Of the process that runs the test: `q` stops it.
    #[default]
    Own,
    /// Of another process, which only looks on: `q` leaves, and the test goes on.
    Watching {
        /// Whether the load may be changed from here.
        control: bool,
    },
}

impl Mode {
    /// Whether the load may be changed from here.
    pub(super) fn controls(self) -> bool {
        self != Self::Watching { control: false }
    }
}

/// The views, in the order of their keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tab {
    Overview,
    Endpoints,
    Failures,
    Workers,
    Load,
    Log,
}

impl Tab {
    pub(super) const ALL: [Self; 6] =
        [Self::Overview, Self::Endpoints, Self::Failures, Self::Workers, Self::Load, Self::Log];

    /// As it is called on the screen.
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Overview => "Overview",
            Self::Endpoints => "Endpoints",
            Self::Failures => "Failures",
            Self::Workers => "Workers",
            Self::Load => "Load",
            Self::Log => "Log",
        }
    }

    /// Its key.
    pub(super) fn key(self) -> usize {
        self as usize + 1
    }

    pub(super) fn after(self, steps: usize) -> Self {
        Self::ALL[(self as usize + steps) % Self::ALL.len()]
    }
}

/// A step through a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Move {
    Up,
    Down,
    PageUp,
    PageDown,
    Top,
    Bottom,
}

/// What a key or the terminal asks of the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    Show(Tab),
    Next,
    Previous,
    Scroll(Move),
    /// Shows what the cursor is on in full.
    Open,
    /// One step back: the help, the detail, the filter, the view.
    Close,
    /// Orders by the next column.
    SortNext,
    /// Turns the order round.
    SortTurn,
    /// Begins to type a filter.
    Filter,
    /// A character of the filter.
    Type(char),
    /// Its last character goes.
    Erase,
    Help,
    /// The mouse is for the screen, or for the terminal.
    Mouse,
    /// The mouse was pressed there.
    Click(u16, u16),
    Users(i32),
    More,
    Less,
    Pause,
    NextStage,
    Quit,
    Interrupt,
    Resize(Size),
}

/// What comes of an action, beside what changes on the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reaction {
    /// It means nothing here and now.
    Nothing,
    /// It was about the screen.
    Taken,
    /// The run is to be told.
    Ask(Person),
    /// The person leaves, and the run goes on.
    Leave,
}

/// Something about the screen itself that the key hints make way for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Trouble {
    /// The run did not take the last command: its queue is full.
    Refused,
    /// The load cannot be changed from here.
    ReadOnly,
    /// No key can be read any more.
    Deaf(String),
}
