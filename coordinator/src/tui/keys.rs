//! What a key means, before anything is known about the run or the screen. Pure.
//!
//! Whether it means something at the moment is decided in `state`. In raw mode Ctrl-C arrives here and nowhere else.

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::state::{Action, Move, Tab};

/// The action behind a key; `None` for keys that mean nothing here and for releases.
pub(super) fn action(key: KeyEvent) -> Option<Action> {
    if key.kind == KeyEventKind::Release {
        return None;
    }
    if key.modifiers.contains(KeyModifiers::CONTROL) {
        return matches!(key.code, KeyCode::Char('c' | 'C')).then_some(Action::Interrupt);
    }
    if key.modifiers.contains(KeyModifiers::ALT) {
        return None;
    }
    Some(match key.code {
        KeyCode::Char('q') => Action::Quit,
        KeyCode::Char('w') => Action::Users(1),
        KeyCode::Char('W') => Action::Users(10),
        KeyCode::Char('s') => Action::Users(-1),
        KeyCode::Char('S') => Action::Users(-10),
        KeyCode::Char('+' | '=') => Action::More,
        KeyCode::Char('-') => Action::Less,
        KeyCode::Char('p') => Action::Pause,
        KeyCode::Char('n') => Action::NextStage,
        KeyCode::Char('1') => Action::Show(Tab::Overview),
        KeyCode::Char('2') => Action::Show(Tab::Failures),
        KeyCode::Char('3') => Action::Show(Tab::Workers),
        KeyCode::Char('4') => Action::Show(Tab::Notices),
        KeyCode::Char('?') => Action::Help,
        KeyCode::Esc => Action::Close,
        KeyCode::Tab | KeyCode::Right => Action::Next,
        KeyCode::BackTab | KeyCode::Left => Action::Previous,
        KeyCode::Up => Action::Scroll(Move::Up),
        KeyCode::Down => Action::Scroll(Move::Down),
        KeyCode::PageUp => Action::Scroll(Move::PageUp),
        KeyCode::PageDown => Action::Scroll(Move::PageDown),
        KeyCode::Home => Action::Scroll(Move::Top),
        KeyCode::End => Action::Scroll(Move::Bottom),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_what_they_mean() {
        let none = KeyModifiers::NONE;
        for (code, modifiers, meant) in [
            (KeyCode::Char('q'), none, Some(Action::Quit)),
            (KeyCode::Char('c'), KeyModifiers::CONTROL, Some(Action::Interrupt)),
            (KeyCode::Char('q'), KeyModifiers::CONTROL, None),
            (KeyCode::Char('w'), KeyModifiers::ALT, None),
            (KeyCode::Char('c'), none, None),
            (KeyCode::Char('w'), none, Some(Action::Users(1))),
            (KeyCode::Char('W'), KeyModifiers::SHIFT, Some(Action::Users(10))),
            (KeyCode::Char('S'), KeyModifiers::SHIFT, Some(Action::Users(-10))),
            (KeyCode::Char('+'), KeyModifiers::SHIFT, Some(Action::More)),
            (KeyCode::Char('-'), none, Some(Action::Less)),
            (KeyCode::Char('p'), none, Some(Action::Pause)),
            (KeyCode::Char('n'), none, Some(Action::NextStage)),
            (KeyCode::Char('?'), KeyModifiers::SHIFT, Some(Action::Help)),
            (KeyCode::BackTab, KeyModifiers::SHIFT, Some(Action::Previous)),
            (KeyCode::End, none, Some(Action::Scroll(Move::Bottom))),
            (KeyCode::F(1), none, None),
        ] {
            assert_eq!(action(KeyEvent::new(code, modifiers)), meant, "{code:?}");
        }
        let release = KeyEvent::new_with_kind(KeyCode::Char('q'), none, KeyEventKind::Release);
        assert_eq!(action(release), None);
    }
}
