//! Whole frames as a person sees them: every view in every state at two sizes; and that none of it depends on the size being
//! sensible.
//!
//! The snapshots hold the text only; looks that matter are asserted on the cells.

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::layout::Size;
use ratatui::style::{Color, Modifier};

use super::action::{Action, Mode, Move, Tab, Trouble};
use super::draw::draw;
use super::samples;
use super::state::Screen;
use super::theme::Theme;
use crate::view::RunView;

const SIZES: [(u16, u16); 2] = [(80, 24), (140, 40)];

fn frame(view: &RunView, size: (u16, u16), actions: &[Action], theme: Theme) -> TestBackend {
    let mut screen = Screen::new(Size::new(size.0, size.1), Mode::Own);
    for action in actions {
        screen.update(*action, view);
    }
    paint(view, size, &screen, theme)
}

fn paint(view: &RunView, size: (u16, u16), screen: &Screen, theme: Theme) -> TestBackend {
    let mut terminal = Terminal::new(TestBackend::new(size.0, size.1)).unwrap();
    terminal.draw(|frame| draw(frame, screen, view, theme)).unwrap();
    terminal.backend().clone()
}

fn snapshot(name: &str, view: &RunView, actions: &[Action]) {
    for size in SIZES {
        let name = format!("{name}_{}x{}", size.0, size.1);
        insta::assert_snapshot!(name, frame(view, size, actions, Theme::Dark));
    }
}

/// Every view, and how one gets there.
fn views() -> Vec<(&'static str, Vec<Action>)> {
    let of = |tab| vec![Action::Show(tab)];
    vec![
        ("overview", vec![]),
        ("endpoints", of(Tab::Endpoints)),
        ("detail", vec![Action::Show(Tab::Endpoints), Action::Scroll(Move::Bottom), Action::Open]),
        ("failures", of(Tab::Failures)),
        ("workers", of(Tab::Workers)),
        ("load", of(Tab::Load)),
        ("log", of(Tab::Log)),
    ]
}

#[test]
fn every_view_in_every_state() {
    for (state, view) in [
        ("waiting", samples::waiting()),
        ("ramping", samples::ramping()),
        ("running", samples::running()),
        ("worker_lost", samples::worker_lost()),
        ("failing", samples::failing()),
        ("limited", samples::limited()),
        ("finished", samples::finished()),
    ] {
        for (name, actions) in views() {
            snapshot(&format!("{name}_{state}"), &view, &actions);
        }
    }
}

#[test]
fn what_is_seldom_or_odd() {
    snapshot("overview_preparing", &samples::preparing(), &[]);
    snapshot("overview_arriving", &samples::arriving(), &[]);
    snapshot("overview_warming_up", &samples::warming_up(), &[]);
    snapshot("overview_draining", &samples::draining(), &[]);
    snapshot("overview_empty", &samples::empty(), &[]);
    snapshot("overview_many_endpoints", &samples::many_endpoints(50), &[]);
    snapshot("workers_arriving", &samples::arriving(), &[Action::Show(Tab::Workers)]);
    snapshot("load_arriving", &samples::arriving(), &[Action::Show(Tab::Load)]);
    snapshot("load_searching", &samples::searching(), &[Action::Show(Tab::Load)]);
    snapshot("help", &samples::running(), &[Action::Help]);
    for (name, actions) in views() {
        snapshot(&format!("{name}_awkward"), &samples::awkward(), &actions);
    }
}

#[test]
fn a_list_ordered_filtered_and_scrolled() {
    let view = samples::many_endpoints(50);
    let letters = ['/', '0', '4'].map(Action::Type);
    let filter: Vec<_> = std::iter::once(Action::Filter).chain(letters).collect();
    let order = [Action::Show(Tab::Endpoints), Action::SortNext, Action::Scroll(Move::PageDown)];
    snapshot("endpoints_filtered", &view, &filter);
    snapshot("endpoints_ordered", &view, &order);
    for height in 6..60 {
        let shown = frame(&view, (80, height), &order, Theme::Dark).to_string();
        assert!(shown.contains("Aggregated"), "{height}\n{shown}");
        assert_eq!(shown.matches('▸').count(), 1, "{height}\n{shown}");
    }
}

#[test]
fn who_only_watches_is_offered_what_he_may() {
    let view = samples::running();
    for (control, there, gone) in [(true, "users ±1", "read-only"), (false, "read-only", "users ±1")] {
        for help in [false, true] {
            let mut screen = Screen::new(Size::new(140, 40), Mode::Watching { control });
            screen.help = help;
            let shown = paint(&view, (140, 40), &screen, Theme::Dark).to_string();
            assert!(shown.contains("leave") && !shown.contains("q stop"), "{shown}");
            assert!(shown.contains(there) && !shown.contains(gone), "{shown}");
            assert_eq!(shown.contains("next stage"), control && help, "{shown}");
        }
    }
}

#[test]
fn narrow_terminals_drop_columns_in_order() {
    for (width, there, gone) in [
        (100, "Avg Med p90 p95 p99 req/s fail/s", "Max"),
        (94, "Avg Med p95 p99 req/s fail/s", "p90"),
        (88, "Med p95 p99 req/s", "Avg"),
        (80, "Med p95 p99 req/s", "fail/s"),
        (66, "# fails p95 p99", "Med"),
        (52, "# fails p95 p99", "req/s"),
    ] {
        let shown = frame(&samples::running(), (width, 24), &[], Theme::Dark).to_string();
        let head = shown.lines().find(|line| line.contains("# fails")).unwrap();
        assert!(there.split(' ').all(|title| head.contains(title)), "{width} {head}");
        assert!(!head.contains(gone), "{width} {head}");
    }
}

#[test]
fn the_column_that_rows_are_ordered_by_stays() {
    // By the maximum, which has no place at this width else.
    let actions: Vec<_> =
        std::iter::once(Action::Show(Tab::Endpoints)).chain([Action::SortNext; 5]).collect();
    let shown = frame(&samples::running(), (80, 24), &actions, Theme::Dark).to_string();
    let head = shown.lines().find(|line| line.contains("# fails")).unwrap();
    assert!(head.contains("Max▼") && head.contains("p95") && head.contains("p99"), "{head}");
}

#[test]
fn no_size_is_too_small() {
    let all = [
        samples::arriving(),
        samples::awkward(),
        samples::empty(),
        samples::waiting(),
        samples::worker_lost(),
        samples::searching(),
    ];
    let views = views();
    for (which, view) in all.iter().enumerate() {
        // The awkward one at most sizes; every view at many a width and height, but not every pair of them.
        let step = if which == 1 { 2 } else { 5 };
        for (width, height) in
            (1..=60).step_by(step).flat_map(|w| (1..=30).step_by(step).map(move |h| (w, h)))
        {
            let (_, actions) = &views[usize::from(width + height) % views.len()];
            let actions: Vec<_> = actions.iter().copied().chain([Action::Scroll(Move::PageDown)]).collect();
            frame(view, (width, height), &actions, Theme::Dark);
            if height % 5 == 0 {
                frame(view, (width, height), &[Action::Help], Theme::Dark);
                frame(view, (width, height), &[Action::Filter, Action::Type('x')], Theme::Dark);
            }
        }
    }
}

#[test]
fn drawing_is_repeatable_and_harmless() {
    for (size, (_, actions)) in
        SIZES.into_iter().flat_map(|size| views().into_iter().map(move |view| (size, view)))
    {
        let shown = frame(&samples::awkward(), size, &actions, Theme::Dark);
        assert_eq!(shown.buffer(), frame(&samples::awkward(), size, &actions, Theme::Dark).buffer());
        assert!(shown.buffer().content().iter().all(|cell| !cell.symbol().chars().any(char::is_control)));
    }
}

#[test]
fn trouble_stands_where_the_keys_are() {
    for (trouble, text) in [
        (Trouble::Refused, "press it again"),
        (Trouble::ReadOnly, "read-only"),
        (Trouble::Deaf("gone".to_owned()), "no keys can be read (gone)"),
    ] {
        let mut screen = Screen::new(Size::new(80, 24), Mode::Own);
        screen.trouble = Some(trouble);
        let shown = paint(&samples::running(), (80, 24), &screen, Theme::Dark).to_string();
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
    let coloured = frame(&view, (80, 24), &actions, Theme::Dark);
    assert_eq!(cell_look(coloured.buffer(), "✗").0, Color::Red);
    let plain = frame(&view, (80, 24), &actions, Theme::None);
    assert!(plain.to_string().contains("✗ lost") && plain.to_string().contains("⚠ disconnected"));
}

#[test]
fn without_colours_there_are_none_and_the_text_is_the_same() {
    for (_, actions) in views() {
        for view in [samples::failing(), samples::limited(), samples::worker_lost(), samples::searching()] {
            let plain = frame(&view, (140, 40), &actions, Theme::None);
            let cells = plain.buffer().content();
            assert!(cells.iter().all(|cell| cell.fg == Color::Reset && cell.bg == Color::Reset));
            for theme in [Theme::Dark, Theme::Light] {
                assert_eq!(frame(&view, (140, 40), &actions, theme).to_string(), plain.to_string());
            }
        }
    }
}

#[test]
fn a_light_ground_has_no_colour_that_is_pale_on_it() {
    let pale = [Color::Yellow, Color::Cyan, Color::Green, Color::DarkGray, Color::White];
    for (_, actions) in views() {
        let shown = frame(&samples::limited(), (140, 40), &actions, Theme::Light);
        assert!(shown.buffer().content().iter().all(|cell| !pale.contains(&cell.fg)));
    }
}

#[test]
fn the_limit_cannot_be_overlooked_in_any_view() {
    for theme in [Theme::Dark, Theme::Light, Theme::None] {
        for (name, actions) in views() {
            for size in SIZES {
                let shown = frame(&samples::limited(), size, &actions, theme);
                let text = shown.to_string();
                assert!(text.lines().next().is_some_and(|line| line.contains("⚠ limited")), "{name}\n{text}");
                let lines: Vec<_> = text.lines().collect();
                let at =
                    lines.iter().rposition(|line| line.contains("⚠ generator-limited: worker w2")).unwrap();
                let row = u16::try_from(at).unwrap();
                let filled = |x| shown.buffer()[(x, row)].modifier.contains(Modifier::REVERSED);
                assert!((0..size.0).all(filled), "{name}\n{text}");
            }
        }
        let workers = frame(&samples::limited(), (80, 24), &[Action::Show(Tab::Workers)], theme).to_string();
        assert_eq!(workers.matches("⚠ limited").count(), 2, "{workers}");
    }
}
