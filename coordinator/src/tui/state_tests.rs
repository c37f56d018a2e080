//! What actions do to the screen.

use std::sync::Arc;

use super::*;
use crate::tui::samples;

fn screen() -> Screen {
    Screen::new(Size::new(80, 24), Mode::Own)
}

/// After these actions, in order.
fn after(actions: &[Action], view: &RunView) -> Screen {
    let mut screen = screen();
    for action in actions {
        screen.update(*action, view);
    }
    screen
}

/// The name of the endpoint that the cursor is on.
fn chosen(screen: &Screen, view: &RunView) -> String {
    let rows = screen.rows(view);
    rows[screen.position(&rows)].name.clone()
}

#[test]
fn commands_only_where_they_make_sense() {
    use Phase::{Draining, Finished, Preparing, Ramping, Steady, Waiting};
    let all = [Waiting, Preparing, Ramping, Steady, Draining, Finished];
    let cases = [
        (Action::Quit, Person::Quit, vec![Waiting, Preparing, Ramping, Steady]),
        (Action::Users(10), Person::ChangeUsers(10), vec![Ramping, Steady]),
        (Action::Users(-1), Person::ChangeUsers(-1), vec![Ramping, Steady]),
        (Action::More, Person::More, vec![Ramping, Steady]),
        (Action::Less, Person::Less, vec![Ramping, Steady]),
        (Action::Pause, Person::Pause, vec![Ramping, Steady]),
        (Action::NextStage, Person::NextStage, vec![Ramping, Steady]),
        (Action::Interrupt, Person::Interrupt, all.to_vec()),
    ];
    for (action, wish, phases) in cases {
        for phase in all {
            let view = RunView { phase, ..samples::running() };
            let expected = if phases.contains(&phase) { Reaction::Ask(wish) } else { Reaction::Nothing };
            assert_eq!(screen().update(action, &view), expected, "{action:?} while {phase:?}");
        }
    }
}

#[test]
fn who_only_watches_stops_nothing_and_changes_the_load_where_he_may() {
    let view = samples::running();
    for control in [true, false] {
        let mut screen = Screen::new(Size::new(80, 24), Mode::Watching { control });
        assert_eq!(screen.update(Action::Quit, &view), Reaction::Leave);
        assert_eq!(screen.update(Action::Interrupt, &view), Reaction::Leave);
        let reaction = screen.update(Action::More, &view);
        if control {
            assert_eq!((reaction, screen.trouble.clone()), (Reaction::Ask(Person::More), None));
        } else {
            assert_eq!((reaction, screen.trouble.clone()), (Reaction::Taken, Some(Trouble::ReadOnly)));
        }
        screen.update(Action::Show(Tab::Log), &view);
        assert_eq!(screen.trouble, None);
    }
}

#[test]
fn in_a_pause_the_load_is_not_changed_but_gone_on_with() {
    let view = RunView { paused: true, ..samples::running() };
    assert_eq!(screen().update(Action::More, &view), Reaction::Nothing);
    assert_eq!(screen().update(Action::Users(1), &view), Reaction::Nothing);
    assert_eq!(screen().update(Action::NextStage, &view), Reaction::Nothing);
    assert_eq!(screen().update(Action::Pause, &view), Reaction::Ask(Person::Pause));
}

#[test]
fn views_turn_in_a_circle() {
    let view = samples::running();
    let mut screen = screen();
    for tab in Tab::ALL.into_iter().cycle().skip(1).take(Tab::ALL.len()) {
        screen.update(Action::Next, &view);
        assert_eq!(screen.tab, tab);
    }
    screen.update(Action::Previous, &view);
    assert_eq!(screen.tab, Tab::Log);
    assert_eq!(screen.update(Action::Close, &view), Reaction::Taken);
    assert_eq!(screen.tab, Tab::Overview);
    assert_eq!(screen.update(Action::Close, &view), Reaction::Nothing);
}

#[test]
fn any_key_closes_the_help_and_does_no_more() {
    let view = samples::running();
    let mut screen = screen();
    screen.update(Action::Help, &view);
    assert!(screen.help);
    assert_eq!(screen.update(Action::Quit, &view), Reaction::Taken);
    assert!(!screen.help);
    assert_eq!(screen.update(Action::Quit, &view), Reaction::Ask(Person::Quit));
    screen.update(Action::Help, &view);
    assert_eq!(screen.update(Action::Interrupt, &view), Reaction::Ask(Person::Interrupt));
}

#[test]
fn the_cursor_stays_on_its_endpoint_when_the_order_changes() {
    let mut view = samples::many_endpoints(50);
    let to = |step| Action::Scroll(step);
    let mut screen = after(&[Action::Show(Tab::Endpoints), to(Move::Down), to(Move::Down)], &view);
    assert_eq!(chosen(&screen, &view), "/catalog/002");
    // By requests, the largest first: it is far down now, and in sight.
    screen.update(Action::SortNext, &view);
    assert_eq!((chosen(&screen, &view), screen.offset()), ("/catalog/002".to_owned(), 0));
    screen.update(to(Move::Up), &view);
    assert_eq!(chosen(&screen, &view), "/catalog/003");
    assert!(screen.offset() > 20, "{}", screen.offset());
    screen.update(to(Move::Top), &view);
    assert_eq!((chosen(&screen, &view), screen.offset()), ("/catalog/049".to_owned(), 0));
    screen.update(to(Move::Bottom), &view);
    Arc::make_mut(&mut view.endpoints).truncate(10);
    assert_eq!(chosen(&screen, &view), "/catalog/000", "the one it was on is there no more; the last is");
}

#[test]
fn an_endpoint_opens_and_its_neighbours_are_a_key_away() {
    let view = samples::running();
    let mut screen = after(&[Action::Show(Tab::Endpoints), Action::Open], &view);
    let name = |screen: &Screen| screen.open.as_ref().map(|id| id.name.clone());
    assert_eq!(name(&screen).as_deref(), Some("/"));
    screen.update(Action::Scroll(Move::Bottom), &view);
    assert_eq!(name(&screen).as_deref(), Some("/predict"));
    assert_eq!(screen.update(Action::SortNext, &view), Reaction::Nothing, "the list is not in sight");
    screen.update(Action::Close, &view);
    assert_eq!((name(&screen), screen.tab), (None, Tab::Endpoints));
    assert_eq!(chosen(&screen, &view), "/predict");
    let nothing = samples::empty();
    assert_eq!(
        after(&[Action::Show(Tab::Endpoints)], &nothing).update(Action::Open, &nothing),
        Reaction::Nothing
    );
}

#[test]
fn a_filter_is_typed_kept_and_cleared() {
    let view = samples::running();
    let letters = "predx".chars().map(Action::Type);
    let actions: Vec<_> = std::iter::once(Action::Filter).chain(letters).chain([Action::Erase]).collect();
    let mut screen = after(&actions, &view);
    assert_eq!((screen.tab, screen.filter.as_str(), screen.typing), (Tab::Endpoints, "pred", true));
    assert_eq!(screen.rows(&view).len(), 1);
    screen.update(Action::Open, &view);
    assert_eq!((screen.typing, screen.open.is_some()), (false, false), "it is kept, and nothing opened");
    screen.update(Action::Open, &view);
    assert_eq!(screen.open.as_ref().map(|id| id.name.as_str()), Some("/predict"));
    screen.update(Action::Close, &view);
    assert_eq!(screen.filter, "pred");
    screen.update(Action::Close, &view);
    assert_eq!((screen.filter.as_str(), screen.tab), ("", Tab::Endpoints));
    for _ in 0..200 {
        screen.update(Action::Filter, &view);
        screen.update(Action::Type('a'), &view);
    }
    assert_eq!(screen.filter.len(), MAX_FILTER);
}

#[test]
fn scrolling_stops_at_both_ends_and_at_a_larger_terminal() {
    let view = samples::many_endpoints(50);
    let mut screen = after(&[Action::Show(Tab::Failures), Action::Scroll(Move::Up)], &view);
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
    let view = samples::many_endpoints(50);
    let mut screen = after(&[Action::Show(Tab::Failures), Action::Scroll(Move::Down)], &view);
    screen.update(Action::Show(Tab::Endpoints), &view);
    assert_eq!(screen.offset(), 0);
    screen.update(Action::Scroll(Move::Bottom), &view);
    assert!(screen.offset() > 1);
    screen.update(Action::Show(Tab::Failures), &view);
    assert_eq!(screen.offset(), 1);
}

#[test]
fn a_view_can_be_pressed_with_the_mouse() {
    let view = samples::running();
    let mut screen = screen();
    screen.update(Action::Mouse, &view);
    assert!(screen.mouse);
    // The fourth line has the names of the views.
    screen.update(Action::Click(15, 3), &view);
    assert_eq!(screen.tab, Tab::Endpoints);
    screen.update(Action::Click(2, 3), &view);
    assert_eq!(screen.tab, Tab::Overview);
    screen.update(Action::Click(15, 10), &view);
    assert_eq!(screen.tab, Tab::Overview);
}
