//! Whole frames as a person sees them, in every state and at three sizes; and that none of it depends on the size being
//! sensible.
//!
//! The snapshots hold the text only; looks that matter are asserted on the cells.

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::layout::Size;
use ratatui::style::{Color, Modifier};

use super::draw::draw;
use super::samples;
use super::state::{Action, Move, Screen, Tab, Trouble};
use super::theme::Theme;
use crate::view::RunView;

const SIZES: [(u16, u16); 3] = [(80, 24), (140, 40), (200, 60)];

fn frame(view: &RunView, size: (u16, u16), actions: &[Action], colours: bool) -> TestBackend {
    let mut screen = Screen::new(Size::new(size.0, size.1));
    for action in actions {
        screen.update(*action, view);
    }
    paint(view, size, &screen, colours)
}

fn paint(view: &RunView, size: (u16, u16), screen: &Screen, colours: bool) -> TestBackend {
    let mut terminal = Terminal::new(TestBackend::new(size.0, size.1)).unwrap();
    terminal.draw(|frame| draw(frame, screen, view, Theme::new(colours))).unwrap();
    terminal.backend().clone()
}

fn snapshot(name: &str, view: &RunView, actions: &[Action]) {
    for size in SIZES {
        let name = format!("{name}_{}x{}", size.0, size.1);
        insta::assert_snapshot!(name, frame(view, size, actions, true));
    }
}

#[test]
fn overview_in_every_state() {
    for (name, view) in [
        ("waiting", samples::waiting()),
        ("preparing", samples::preparing()),
        ("ramping", samples::ramping()),
        ("running", samples::running()),
        ("arriving", samples::arriving()),
        ("warming_up", samples::warming_up()),
        ("failing", samples::failing()),
        ("worker_lost", samples::worker_lost()),
        ("draining", samples::draining()),
        ("finished", samples::finished()),
        ("empty", samples::empty()),
        ("awkward", samples::awkward()),
    ] {
        snapshot(name, &view, &[]);
    }
}

#[test]
fn the_other_views() {
    snapshot("view_failures", &samples::failing(), &[Action::Show(Tab::Failures)]);
    snapshot("view_no_failures", &samples::running(), &[Action::Show(Tab::Failures)]);
    snapshot("view_workers", &samples::worker_lost(), &[Action::Show(Tab::Workers)]);
    snapshot("view_workers_arriving", &samples::arriving(), &[Action::Show(Tab::Workers)]);
    snapshot("view_notices", &samples::worker_lost(), &[Action::Show(Tab::Notices)]);
    snapshot("view_notices_awkward", &samples::awkward(), &[Action::Show(Tab::Notices)]);
    snapshot("help", &samples::running(), &[Action::Help]);
}

#[test]
fn a_scrolled_table_keeps_the_aggregated_row() {
    let view = samples::many_endpoints(50);
    snapshot("many_endpoints", &view, &[]);
    snapshot("many_endpoints_at_the_end", &view, &[Action::Scroll(Move::Bottom)]);
    for height in 6..60 {
        let shown = frame(&view, (80, height), &[Action::Scroll(Move::PageDown)], true).to_string();
        assert!(shown.contains("Aggregated"), "{height}\n{shown}");
    }
}

#[test]
fn narrow_terminals_drop_columns_in_order() {
    for (width, there, gone) in [
        (105, "Avg Med p95 p99 req/s fail/s", "Min"),
        (88, "Med p95 p99 fail/s", "Avg"),
        (80, "Med p95 p99 req/s", "fail/s"),
        (66, "# fails p95 p99", "Med"),
        (52, "# fails p95 p99", "req/s"),
    ] {
        let shown = frame(&samples::running(), (width, 24), &[], true).to_string();
        let head = shown.lines().find(|line| line.contains("# fails")).unwrap();
        assert!(there.split(' ').all(|title| head.contains(title)), "{width} {head}");
        assert!(!head.contains(gone), "{width} {head}");
    }
}

#[test]
fn no_size_is_too_small() {
    let views = [
        samples::arriving(),
        samples::awkward(),
        samples::empty(),
        samples::waiting(),
        samples::worker_lost(),
    ];
    for (which, view) in views.iter().enumerate() {
        // The awkward one at all sizes; every view (`tab`) at every width and height, but not every pair of them.
        let step = if which == 1 { 1 } else { 3 };
        for (width, height) in
            (1..=60).step_by(step).flat_map(|w| (1..=30).step_by(step).map(move |h| (w, h)))
        {
            let tab = Tab::ALL[usize::from(width + height) % 4];
            frame(view, (width, height), &[Action::Show(tab), Action::Scroll(Move::PageDown)], true);
            if height % 5 == 0 {
                frame(view, (width, height), &[Action::Help], true);
            }
        }
    }
}

#[test]
fn drawing_is_repeatable_and_harmless() {
    for size in SIZES {
        let shown = frame(&samples::awkward(), size, &[], true);
        assert_eq!(shown.buffer(), frame(&samples::awkward(), size, &[], true).buffer());
        assert!(shown.buffer().content().iter().all(|cell| !cell.symbol().chars().any(char::is_control)));
    }
}

#[test]
fn trouble_stands_where_the_keys_are() {
    for (trouble, text) in [
        (Trouble::Refused, "press it again"),
        (Trouble::Deaf("gone".to_owned()), "no keys can be read (gone)"),
    ] {
        let mut screen = Screen::new(Size::new(80, 24));
        screen.trouble = Some(trouble);
        let shown = paint(&samples::running(), (80, 24), &screen, true).to_string();
        assert!(shown.contains(text), "{shown}");
    }
}

fn cell_look(buffer: &Buffer, symbol: &str) -> (Color, Modifier) {
    let cell = buffer.content().iter().find(|cell| cell.symbol() == symbol).unwrap();
    (cell.fg, cell.modifier)
}

#[test]
fn a_lost_worker_is_red_and_without_colours_still_marked() {
    let view = samples::worker_lost();
    let actions = [Action::Show(Tab::Workers)];
    let coloured = frame(&view, (80, 24), &actions, true);
    assert_eq!(cell_look(coloured.buffer(), "✗").0, Color::Red);
    let plain = frame(&view, (80, 24), &actions, false);
    assert!(plain.to_string().contains("✗ lost") && plain.to_string().contains("⚠ disconnected"));
    assert!(plain.buffer().content().iter().all(|cell| cell.fg == Color::Reset && cell.bg == Color::Reset));
}

#[test]
fn notices_fill_their_line() {
    for colours in [true, false] {
        let shown = frame(&samples::failing(), (80, 24), &[], colours);
        let line: Vec<_> = (0..80).map(|x| shown.buffer()[(x, 22)].modifier).collect();
        assert!(line.iter().all(|modifier| modifier.contains(Modifier::REVERSED)));
    }
}
