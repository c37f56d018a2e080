//! The few looks everything is drawn in, with colours and without.
//!
//! Without colours (`NO_COLOR`) bold, dim and reversed remain, so nothing may be told apart by colour alone: a state has its
//! symbol, too.

use ratatui::style::{Color, Modifier, Style};

/// Which looks there are. Passed to everything that draws.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Theme {
    colours: bool,
}

#[expect(
    clippy::unused_self,
    reason = "every look is asked of the theme, also those that are the same in all"
)]
impl Theme {
    pub(super) const fn new(colours: bool) -> Self {
        Self { colours }
    }

    /// A colour, or the terminal's own.
    pub(super) fn colour(self, colour: Color) -> Color {
        if self.colours { colour } else { Color::Reset }
    }

    fn fg(self, colour: Color) -> Style {
        Style::new().fg(self.colour(colour))
    }

    /// Labels, units, frames.
    pub(super) fn dim(self) -> Style {
        Style::new().add_modifier(Modifier::DIM)
    }

    /// Values that matter.
    pub(super) fn strong(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    /// The program's own colour: its name, the gauge, keys.
    pub(super) fn accent(self) -> Style {
        self.fg(Color::Cyan).add_modifier(Modifier::BOLD)
    }

    /// As it should be.
    pub(super) fn good(self) -> Style {
        self.fg(Color::Green)
    }

    /// Worth a look.
    pub(super) fn warn(self) -> Style {
        self.fg(Color::Yellow).add_modifier(Modifier::BOLD)
    }

    /// Wrong.
    pub(super) fn bad(self) -> Style {
        self.fg(Color::Red).add_modifier(Modifier::BOLD)
    }

    /// What nobody may overlook: the whole line filled.
    pub(super) fn alarm(self) -> Style {
        self.warn().add_modifier(Modifier::REVERSED)
    }
}
