//! What a key or the mouse means, before anything is known about the run. Pure.
//!
//! Whether it means something at the moment is decided in `state`. In raw mode Ctrl-C arrives here and nowhere else. While a
//! filter is typed, letters are its letters.

use crossterm::event::{
    KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseButton, MouseEvent, MouseEventKind,
};

use super::action::{Action, Move, Tab};

/// The action behind a key; `None` for keys that mean nothing here and for releases.
pub(super) fn action(key: KeyEvent, typing: bool) -> Option<Action> {
    if key.kind == KeyEventKind::Release {
        return None;
    }
    if key.modifiers.contains(KeyModifiers::CONTROL) {
        return matches!(key.code, KeyCode::Char('c' | 'C')).then_some(Action::Interrupt);
    }
    if key.modifiers.contains(KeyModifiers::ALT) {
        return None;
    }
    match key.code {
        KeyCode::Char(letter) if typing => Some(Action::Type(letter)),
        KeyCode::Backspace => typing.then_some(Action::Erase),
        KeyCode::Char(letter) => command(letter),
        code => movement(code),
    }
}

fn command(letter: char) -> Option<Action> {
    Some(match letter {
        'q' => Action::Quit,
        'w' => Action::Users(1),
        'W' => Action::Users(10),
        's' => Action::Users(-1),
        'S' => Action::Users(-10),
        '+' | '=' => Action::More,
        '-' => Action::Less,
        'p' => Action::Pause,
        'n' => Action::NextStage,
        'o' => Action::SortNext,
        'O' => Action::SortTurn,
        '/' => Action::Filter,
        'm' => Action::Mouse,
        '?' => Action::Help,
        '1'..='6' => {
            let digit = letter.to_digit(10)? as usize;
            Action::Show(*Tab::ALL.get(digit.checked_sub(1)?)?)
        }
        _ => return None,
    })
}

fn movement(code: KeyCode) -> Option<Action> {
    Some(match code {
        KeyCode::Enter => Action::Open,
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

/// The action behind a movement of the mouse, which is listened to only where somebody wants it.
pub(super) fn mouse(event: MouseEvent) -> Option<Action> {
    match event.kind {
        MouseEventKind::Down(MouseButton::Left) => Some(Action::Click(event.column, event.row)),
        MouseEventKind::ScrollUp => Some(Action::Scroll(Move::Up)),
        MouseEventKind::ScrollDown => Some(Action::Scroll(Move::Down)),
        _ => None,
    }
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
            (KeyCode::Char('O'), KeyModifiers::SHIFT, Some(Action::SortTurn)),
            (KeyCode::Char('1'), none, Some(Action::Show(Tab::Overview))),
            (KeyCode::Char('6'), none, Some(Action::Show(Tab::Log))),
            (KeyCode::Char('7'), none, None),
            (KeyCode::Char('?'), KeyModifiers::SHIFT, Some(Action::Help)),
            (KeyCode::BackTab, KeyModifiers::SHIFT, Some(Action::Previous)),
            (KeyCode::End, none, Some(Action::Scroll(Move::Bottom))),
            (KeyCode::Enter, none, Some(Action::Open)),
            (KeyCode::Backspace, none, None),
            (KeyCode::F(1), none, None),
        ] {
            assert_eq!(action(KeyEvent::new(code, modifiers), false), meant, "{code:?}");
        }
        let release = KeyEvent::new_with_kind(KeyCode::Char('q'), none, KeyEventKind::Release);
        assert_eq!(action(release, false), None);
    }

    #[test]
    fn while_a_filter_is_typed_letters_are_letters() {
        let typed = |code, modifiers| action(KeyEvent::new(code, modifiers), true);
        let none = KeyModifiers::NONE;
        assert_eq!(typed(KeyCode::Char('q'), none), Some(Action::Type('q')));
        assert_eq!(typed(KeyCode::Char('/'), none), Some(Action::Type('/')));
        assert_eq!(typed(KeyCode::Backspace, none), Some(Action::Erase));
        assert_eq!(typed(KeyCode::Down, none), Some(Action::Scroll(Move::Down)));
        assert_eq!(typed(KeyCode::Char('c'), KeyModifiers::CONTROL), Some(Action::Interrupt));
    }

    #[test]
    fn the_mouse_presses_and_turns() {
        let moved = |kind| mouse(MouseEvent { kind, column: 3, row: 4, modifiers: KeyModifiers::NONE });
        assert_eq!(moved(MouseEventKind::Down(MouseButton::Left)), Some(Action::Click(3, 4)));
        assert_eq!(moved(MouseEventKind::ScrollUp), Some(Action::Scroll(Move::Up)));
        assert_eq!(moved(MouseEventKind::Moved), None);
    }
}
