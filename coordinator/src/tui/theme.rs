//! The few looks everything is drawn in: for dark terminals, for light ones, and without colours.
//!
//! Without colours bold, dim and reversed remain, so nothing may be told apart by colour alone: a state has its symbol, too.
//! Which of them it is follows from `--theme`, else from the environment; [`Theme::chosen`] is given both.

use std::ffi::OsString;

use ratatui::style::{Color, Modifier, Style};

/// Which looks there are. Passed to everything that draws.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Theme {
    /// Light text on a dark ground.
    Dark,
    /// Dark text on a light ground.
    Light,
    /// No colours.
    None,
}

#[expect(
    clippy::unused_self,
    reason = "every look is asked of the theme, also those that are the same in all"
)]
impl Theme {
    /// The one `asked` for. Else none where `NO_COLOR` is set, and the one for the ground that the terminal says it has in
    /// `COLORFGBG`; most say nothing, and most are dark.
    pub fn chosen(asked: Option<Self>, variable: impl Fn(&str) -> Option<OsString>) -> Self {
        if let Some(asked) = asked {
            return asked;
        }
        if variable("NO_COLOR").is_some_and(|value| !value.is_empty()) {
            return Self::None;
        }
        let ground = variable("COLORFGBG").and_then(|value| value.into_string().ok());
        let ground = ground.as_deref().and_then(|value| value.rsplit(';').next());
        match ground {
            // White and the bright colours but dark grey.
            Some("7" | "9" | "10" | "11" | "12" | "13" | "14" | "15") => Self::Light,
            _ => Self::Dark,
        }
    }

    /// A colour as this theme has it: on a light ground one that can be read there.
    pub(super) fn colour(self, colour: Color) -> Color {
        match (self, colour) {
            (Self::None, _) => Color::Reset,
            (Self::Light, Color::Cyan) => Color::Indexed(25),
            (Self::Light, Color::Green) => Color::Indexed(28),
            (Self::Light, Color::Yellow) => Color::Indexed(130),
            (Self::Light, Color::Red) => Color::Indexed(124),
            (Self::Light, Color::Magenta) => Color::Indexed(90),
            (Self::Light, Color::DarkGray) => Color::Indexed(244),
            (Self::Dark | Self::Light, colour) => colour,
        }
    }

    fn fg(self, colour: Color) -> Style {
        Style::new().fg(self.colour(colour))
    }

    /// As any text.
    pub(super) fn plain(self) -> Style {
        Style::new()
    }

    /// Labels, units, frames. A light ground makes what is dim too faint to read.
    pub(super) fn dim(self) -> Style {
        match self {
            Self::Light => Style::new().fg(Color::Indexed(241)),
            Self::Dark | Self::None => Style::new().add_modifier(Modifier::DIM),
        }
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

    /// What nobody may overlook: filled.
    pub(super) fn alarm(self) -> Style {
        self.warn().add_modifier(Modifier::REVERSED)
    }

    /// What is chosen among others: filled, in no colour of its own.
    pub(super) fn chosen_one(self) -> Style {
        self.strong().add_modifier(Modifier::REVERSED)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flag_before_no_color_before_what_the_terminal_says() {
        let chosen = |asked, no_color: &str, ground: &str| {
            Theme::chosen(asked, |name| match name {
                "NO_COLOR" => Some(no_color.into()),
                "COLORFGBG" => Some(ground.into()),
                _ => None,
            })
        };
        assert_eq!(chosen(None, "", ""), Theme::Dark);
        assert_eq!(chosen(None, "", "15;0"), Theme::Dark);
        assert_eq!(chosen(None, "", "0;15"), Theme::Light);
        assert_eq!(chosen(None, "", "0;default;15"), Theme::Light);
        assert_eq!(chosen(None, "", "12;8"), Theme::Dark);
        assert_eq!(chosen(None, "1", "0;15"), Theme::None);
        assert_eq!(chosen(Some(Theme::Light), "1", "15;0"), Theme::Light);
        assert_eq!(Theme::chosen(None, |_| None), Theme::Dark);
    }
}
