//! What the screen remembers between two frames, and how an action changes it. Pure.
//!
//! Everything about the run stays in the `RunView`; here is only what the person in front of it chose: which view, how far
//! it is scrolled, what it is ordered by, whether the help is open. What concerns the run leaves as a [`Person`]'s wish; the run
//! decides what to do.

use ratatui::layout::{Position, Rect, Size};

use super::action::{Action, Mode, Move, Reaction, Tab, Trouble};
use super::order::{RowId, Sort, listed};
use super::{layout, tabs};
use crate::run::input::Person;
use crate::view::{EndpointRow, Phase, RunView};

/// Letters of a filter.
const MAX_FILTER: usize = 60;

/// The screen's own state.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own, and all combinations occur")]
pub(super) struct Screen {
    pub(super) tab: Tab,
    pub(super) mode: Mode,
    /// First line shown of each view's list, in the order of [`Tab::ALL`].
    offsets: [usize; Tab::ALL.len()],
    /// The endpoint that the cursor is on, and where it was in the list should it be gone.
    cursor: (Option<RowId>, usize),
    /// The endpoint that is shown in full.
    pub(super) open: Option<RowId>,
    pub(super) sort: Sort,
    pub(super) filter: String,
    /// Letters go to the filter.
    pub(super) typing: bool,
    pub(super) help: bool,
    /// The mouse is for the screen; else it marks text, as in any terminal.
    pub(super) mouse: bool,
    pub(super) trouble: Option<Trouble>,
    /// Whether the last picture stays until a key is pressed.
    pub(super) stays: bool,
    size: Size,
}

impl Screen {
    /// A fresh screen on a terminal of this size.
    pub(super) fn new(size: Size, mode: Mode) -> Self {
        Self {
            tab: Tab::Overview,
            mode,
            offsets: [0; Tab::ALL.len()],
            cursor: (None, 0),
            open: None,
            sort: Sort::default(),
            filter: String::new(),
            typing: false,
            help: false,
            mouse: false,
            trouble: None,
            stays: false,
            size,
        }
    }

    /// First line of the present view's list.
    pub(super) fn offset(&self) -> usize {
        self.offsets[self.tab as usize]
    }

    /// The endpoints listed now.
    pub(super) fn rows<'a>(&self, view: &'a RunView) -> Vec<&'a EndpointRow> {
        listed(view, self.sort, &self.filter)
    }

    /// Where in `rows` the cursor is: on its endpoint, or where that was.
    pub(super) fn position(&self, rows: &[&EndpointRow]) -> usize {
        let (id, was) = &self.cursor;
        let found = id.as_ref().and_then(|id| rows.iter().position(|row| id.is(row)));
        found.unwrap_or(*was).min(rows.len().saturating_sub(1))
    }

    /// Takes an action; what concerns the run comes back.
    pub(super) fn update(&mut self, action: Action, view: &RunView) -> Reaction {
        if matches!(self.trouble, Some(Trouble::Refused | Trouble::ReadOnly)) {
            self.trouble = None;
        }
        match action {
            Action::Interrupt if self.mode == Mode::Own => return Reaction::Ask(Person::Interrupt),
            Action::Interrupt => return Reaction::Leave,
            Action::Resize(size) => {
                self.size = size;
                self.scroll(0, view);
            }
            // With the help open every key closes it and does no more: `q` there means "away with this".
            _ if self.help => self.help = false,
            Action::Help => self.help = true,
            Action::Close => return self.close(),
            Action::Show(tab) => self.show(tab),
            Action::Next => self.show(self.tab.after(1)),
            Action::Previous => self.show(self.tab.after(Tab::ALL.len() - 1)),
            Action::Click(column, row) => {
                let tab = layout::areas(self.screen(), self, view).tabs;
                if let Some(tab) = tabs::at(tab, self.tab, column, row) {
                    self.show(tab);
                }
            }
            Action::Mouse => self.mouse = !self.mouse,
            Action::Scroll(step) => self.step(step, view),
            Action::Open if self.typing => self.typing = false,
            Action::Open => return self.open(view),
            Action::SortNext | Action::SortTurn | Action::Filter | Action::Type(_) | Action::Erase => {
                return self.arrange(action);
            }
            Action::Users(change) => return self.control(Person::ChangeUsers(change), can_change(view)),
            Action::More => return self.control(Person::More, can_change(view)),
            Action::Less => return self.control(Person::Less, can_change(view)),
            Action::Pause => return self.control(Person::Pause, can_pause(view)),
            Action::NextStage => return self.control(Person::NextStage, can_change(view)),
            Action::Quit if self.mode != Mode::Own => return Reaction::Leave,
            Action::Quit if can_quit(view) => return Reaction::Ask(Person::Quit),
            Action::Quit => return Reaction::Nothing,
        }
        Reaction::Taken
    }

    fn control(&mut self, wish: Person, means_something: bool) -> Reaction {
        if !means_something {
            return Reaction::Nothing;
        }
        if self.mode.controls() {
            return Reaction::Ask(wish);
        }
        self.trouble = Some(Trouble::ReadOnly);
        Reaction::Taken
    }

    fn show(&mut self, tab: Tab) {
        if tab == Tab::Endpoints {
            self.open = None;
        }
        (self.tab, self.typing) = (tab, false);
    }

    /// One step back; nothing where there is no further one.
    fn close(&mut self) -> Reaction {
        let on_endpoints = self.tab == Tab::Endpoints;
        if self.typing || (on_endpoints && self.open.is_none() && !self.filter.is_empty()) {
            self.typing = false;
            self.filter.clear();
        } else if on_endpoints && self.open.is_some() {
            self.open = None;
        } else if self.tab == Tab::Overview {
            return Reaction::Nothing;
        } else {
            self.tab = Tab::Overview;
        }
        Reaction::Taken
    }

    fn open(&mut self, view: &RunView) -> Reaction {
        if self.tab != Tab::Endpoints || self.open.is_some() {
            return Reaction::Nothing;
        }
        let rows = self.rows(view);
        self.open = rows.get(self.position(&rows)).map(|row| RowId::of(row));
        if self.open.is_some() { Reaction::Taken } else { Reaction::Nothing }
    }

    /// The order and the filter of the endpoints.
    fn arrange(&mut self, action: Action) -> Reaction {
        if action == Action::Filter {
            (self.tab, self.open, self.typing) = (Tab::Endpoints, None, true);
            return Reaction::Taken;
        }
        if self.tab != Tab::Endpoints || self.open.is_some() {
            return Reaction::Nothing;
        }
        match action {
            Action::SortNext => self.sort = self.sort.next(),
            Action::SortTurn => self.sort = self.sort.turned(),
            Action::Type(letter) if self.filter.chars().count() < MAX_FILTER && !letter.is_control() => {
                self.filter.push(letter);
            }
            Action::Erase => {
                self.filter.pop();
            }
            _ => {}
        }
        Reaction::Taken
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

    /// Moves the cursor where there is one, and the list.
    fn scroll(&mut self, by: isize, view: &RunView) {
        let list = self.list(view);
        if self.tab == Tab::Endpoints {
            let rows = self.rows(view);
            let at = self.position(&rows).saturating_add_signed(by).min(rows.len().saturating_sub(1));
            let id = rows.get(at).map(|row| RowId::of(row));
            if self.open.is_some() && id.is_some() {
                self.open.clone_from(&id);
            }
            self.cursor = (id, at);
            self.offsets[self.tab as usize] = list.with_line(self.offset(), at);
            return;
        }
        let most = list.last_offset();
        let offset = &mut self.offsets[self.tab as usize];
        *offset = (*offset).min(most).saturating_add_signed(by).min(most);
    }

    fn list(&self, view: &RunView) -> layout::List {
        layout::list(self.screen(), self, view)
    }

    fn screen(&self) -> Rect {
        Rect::from((Position::ORIGIN, self.size))
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
#[path = "state_tests.rs"]
mod tests;
