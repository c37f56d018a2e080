//! What the screen remembers between two frames, and how an action changes it. Pure.
//!
//! Everything about the run stays in the `RunView`; here is only what the person in front of it chose: which view, how far
//! it is scrolled, whether the help is open. What concerns the run leaves as a [`Command`]; the run decides what to do.

use ratatui::layout::{Rect, Size};

use super::layout;
use crate::view::{Phase, RunView};

/// What the person wants from the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// Drain, then report (`q`).
    Quit,
    /// So many users more, or fewer where negative; arrivals a second where those decide.
    ChangeUsers(i32),
    /// A tenth more of either.
    More,
    /// A tenth less.
    Less,
    /// Pause, or go on.
    Pause,
    /// Skip the stage under way.
    NextStage,
    /// Ctrl-C, which a terminal in raw mode hands over as a key: to be taken like the signal. The first drains, the second
    /// stops at once.
    Interrupt,
}

/// The views, in the order of their keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tab {
    Overview,
    Failures,
    Workers,
    Notices,
}

impl Tab {
    pub(super) const ALL: [Self; 4] = [Self::Overview, Self::Failures, Self::Workers, Self::Notices];

    /// As the key hints call it.
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Overview => "overview",
            Self::Failures => "failures",
            Self::Workers => "workers",
            Self::Notices => "notices",
        }
    }

    fn after(self, steps: usize) -> Self {
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
    Help,
    Close,
    Users(i32),
    More,
    Less,
    Pause,
    NextStage,
    Quit,
    Interrupt,
    Resize(Size),
}

/// Something about the screen itself that the key hints make way for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Trouble {
    /// The run did not take the last command: its queue is full.
    Refused,
    /// No key can be read any more.
    Deaf(String),
}

/// The screen's own state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Screen {
    pub(super) tab: Tab,
    /// First line shown of each view's list, in the order of [`Tab::ALL`].
    offsets: [usize; 4],
    pub(super) help: bool,
    pub(super) trouble: Option<Trouble>,
    /// Whether the last picture stays until a key is pressed.
    pub(super) stays: bool,
    size: Size,
}

impl Screen {
    /// A fresh screen on a terminal of this size.
    pub(super) fn new(size: Size) -> Self {
        Self { tab: Tab::Overview, offsets: [0; 4], help: false, trouble: None, stays: false, size }
    }

    /// First line of the present view's list.
    pub(super) fn offset(&self) -> usize {
        self.offsets[self.tab as usize]
    }

    /// Takes an action; what concerns the run comes back.
    pub(super) fn update(&mut self, action: Action, view: &RunView) -> Option<Command> {
        if self.trouble == Some(Trouble::Refused) {
            self.trouble = None;
        }
        match action {
            Action::Interrupt => return Some(Command::Interrupt),
            Action::Resize(size) => {
                self.size = size;
                self.scroll(0, view);
            }
            // With the help open every key closes it and does no more: `q` there means "away with this".
            _ if self.help => self.help = false,
            Action::Help => self.help = true,
            Action::Close => self.tab = Tab::Overview,
            Action::Show(tab) => self.tab = tab,
            Action::Next => self.tab = self.tab.after(1),
            Action::Previous => self.tab = self.tab.after(Tab::ALL.len() - 1),
            Action::Scroll(step) => self.step(step, view),
            Action::Users(change) => return can_change(view).then_some(Command::ChangeUsers(change)),
            Action::More => return can_change(view).then_some(Command::More),
            Action::Less => return can_change(view).then_some(Command::Less),
            Action::Pause => return can_pause(view).then_some(Command::Pause),
            Action::NextStage => return can_change(view).then_some(Command::NextStage),
            Action::Quit => return can_quit(view).then_some(Command::Quit),
        }
        None
    }

    fn step(&mut self, step: Move, view: &RunView) {
        let page = isize::try_from(self.list(view).visible.max(2) - 1).unwrap_or(isize::MAX);
        self.scroll(
            match step {
                Move::Up => -1,
                Move::Down => 1,
                Move::PageUp => -page,
                Move::PageDown => page,
                Move::Top => isize::MIN,
                Move::Bottom => isize::MAX,
            },
            view,
        );
    }

    fn scroll(&mut self, by: isize, view: &RunView) {
        let last = self.list(view).last_offset();
        let offset = &mut self.offsets[self.tab as usize];
        *offset = (*offset).min(last).saturating_add_signed(by).min(last);
    }

    fn list(&self, view: &RunView) -> layout::List {
        layout::list(Rect::from((ratatui::layout::Position::ORIGIN, self.size)), self.tab, view)
    }
}

/// Whether another load means something now.
pub(super) fn can_change(view: &RunView) -> bool {
    can_pause(view) && !view.paused
}

/// Whether a pause, or its end, means something now.
pub(super) fn can_pause(view: &RunView) -> bool {
    matches!(view.phase, Phase::Ramping | Phase::Steady)
}

/// Whether there is something left to be ended.
pub(super) fn can_quit(view: &RunView) -> bool {
    !matches!(view.phase, Phase::Draining | Phase::Finished)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::tui::samples;

    fn screen() -> Screen {
        Screen::new(Size::new(80, 24))
    }

    #[test]
    fn commands_only_where_they_make_sense() {
        use Phase::{Draining, Finished, Preparing, Ramping, Steady, Waiting};
        let cases = [
            (Action::Quit, Some(Command::Quit), vec![Waiting, Preparing, Ramping, Steady]),
            (Action::Users(10), Some(Command::ChangeUsers(10)), vec![Ramping, Steady]),
            (Action::Users(-1), Some(Command::ChangeUsers(-1)), vec![Ramping, Steady]),
            (Action::More, Some(Command::More), vec![Ramping, Steady]),
            (Action::Less, Some(Command::Less), vec![Ramping, Steady]),
            (Action::Pause, Some(Command::Pause), vec![Ramping, Steady]),
            (Action::NextStage, Some(Command::NextStage), vec![Ramping, Steady]),
            (
                Action::Interrupt,
                Some(Command::Interrupt),
                vec![Waiting, Preparing, Ramping, Steady, Draining, Finished],
            ),
        ];
        for (action, command, phases) in cases {
            for phase in [Waiting, Preparing, Ramping, Steady, Draining, Finished] {
                let view = RunView { phase, ..samples::running() };
                let expected = phases.contains(&phase).then_some(command).flatten();
                assert_eq!(screen().update(action, &view), expected, "{action:?} while {phase:?}");
            }
        }
    }

    #[test]
    fn in_a_pause_the_load_is_not_changed_but_gone_on_with() {
        let view = RunView { paused: true, ..samples::running() };
        assert_eq!(screen().update(Action::More, &view), None);
        assert_eq!(screen().update(Action::Users(1), &view), None);
        assert_eq!(screen().update(Action::NextStage, &view), None);
        assert_eq!(screen().update(Action::Pause, &view), Some(Command::Pause));
    }

    #[test]
    fn views_turn_in_a_circle() {
        let view = samples::running();
        let mut screen = screen();
        for expected in [Tab::Failures, Tab::Workers, Tab::Notices, Tab::Overview] {
            screen.update(Action::Next, &view);
            assert_eq!(screen.tab, expected);
        }
        screen.update(Action::Previous, &view);
        assert_eq!(screen.tab, Tab::Notices);
        screen.update(Action::Close, &view);
        assert_eq!(screen.tab, Tab::Overview);
    }

    #[test]
    fn any_key_closes_the_help_and_does_no_more() {
        let view = samples::running();
        let mut screen = screen();
        screen.update(Action::Help, &view);
        assert!(screen.help);
        assert_eq!(screen.update(Action::Quit, &view), None);
        assert!(!screen.help);
        assert_eq!(screen.update(Action::Quit, &view), Some(Command::Quit));
        screen.update(Action::Help, &view);
        assert_eq!(screen.update(Action::Interrupt, &view), Some(Command::Interrupt));
    }

    #[test]
    fn scrolling_stops_at_both_ends_and_at_a_larger_terminal() {
        let view = samples::many_endpoints(50);
        let mut screen = screen();
        screen.update(Action::Scroll(Move::Up), &view);
        assert_eq!(screen.offset(), 0);
        screen.update(Action::Scroll(Move::Down), &view);
        assert_eq!(screen.offset(), 1);
        screen.update(Action::Scroll(Move::Bottom), &view);
        let last = screen.offset();
        assert!((30..50).contains(&last), "{last}");
        screen.update(Action::Scroll(Move::PageDown), &view);
        assert_eq!(screen.offset(), last);
        screen.update(Action::Scroll(Move::PageUp), &view);
        assert!(screen.offset() < last);
        screen.update(Action::Resize(Size::new(200, 200)), &view);
        assert_eq!(screen.offset(), 0, "everything is visible now");
        screen.update(Action::Resize(Size::new(1, 1)), &view);
        screen.update(Action::Scroll(Move::PageDown), &view);
        screen.update(Action::Scroll(Move::Top), &view);
        assert_eq!(screen.offset(), 0);
    }

    #[test]
    fn each_view_keeps_its_own_place() {
        let mut view = samples::many_endpoints(50);
        view.notices = Arc::new((0..50).map(|n| format!("notice {n}")).collect());
        let mut screen = screen();
        screen.update(Action::Scroll(Move::Down), &view);
        screen.update(Action::Show(Tab::Notices), &view);
        assert_eq!(screen.offset(), 0);
        screen.update(Action::Scroll(Move::PageDown), &view);
        assert!(screen.offset() > 1);
        screen.update(Action::Show(Tab::Overview), &view);
        assert_eq!(screen.offset(), 1);
    }
}
