//! The flags about the screen, and when there is one.

use std::io::IsTerminal;

use clap::builder::FalseyValueParser;
use clap::{Args as ClapArgs, ValueEnum};

use super::interface::Show;
use crate::tui::Theme;

/// About the screen.
#[derive(Debug, Clone, Default, ClapArgs)]
pub(super) struct ScreenArgs {
    /// No full-screen terminal UI [default where there is no terminal, or CI is set]
    #[arg(long, env = "STAMPEDE_HEADLESS", value_parser = FalseyValueParser::new())]
    headless: bool,

    /// Keep the final screen until a key is pressed
    #[arg(long, env = "STAMPEDE_STAY", value_parser = FalseyValueParser::new(), conflicts_with = "headless")]
    stay: bool,

    /// Colours of the terminal UI [default: none with `NO_COLOR`, else by what `COLORFGBG` says, else dark]
    #[arg(long, value_name = "THEME", env = "STAMPEDE_THEME", value_enum)]
    theme: Option<ThemeName>,
}

/// Colours for which ground.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ThemeName {
    Dark,
    Light,
    None,
}

impl From<ThemeName> for Theme {
    fn from(name: ThemeName) -> Self {
        match name {
            ThemeName::Dark => Self::Dark,
            ThemeName::Light => Self::Light,
            ThemeName::None => Self::None,
        }
    }
}

impl ScreenArgs {
    /// Whether there is a screen: on a terminal, and not where somebody reads what is printed.
    pub(super) fn is_full(&self) -> bool {
        let terminals = std::io::stdout().is_terminal() && std::io::stdin().is_terminal();
        let in_ci = std::env::var_os("CI").is_some_and(|ci| !ci.is_empty());
        terminals && !in_ci && !self.headless
    }

    /// How the run is shown, where [`ScreenArgs::is_full`] was `full_screen`.
    pub(super) fn show(&self, full_screen: bool) -> Show {
        let theme = Theme::chosen(self.theme.map(Theme::from), |name| std::env::var_os(name));
        Show { full_screen, stay: self.stay, theme }
    }
}
