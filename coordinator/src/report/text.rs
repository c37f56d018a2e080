//! Figures and foreign text as they stand in reports.
//!
//! Names and messages come from outside. Control and bidirectional characters are always shown as escapes, so that they
//! cannot reach a terminal; what else is escaped depends on where the text goes.

use std::borrow::Cow;

use ratatui::text::Span;

/// Where a text goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// A line on a terminal.
    Line,
    /// A cell of a Markdown table that is read as it is: only what would break the table is escaped.
    Cell,
    /// Markdown that will be rendered: nothing in it may act as mark-up.
    Markdown,
    /// Text or a quoted attribute value of HTML.
    Html,
}

/// `text` made safe for `place`.
pub(crate) fn safe(text: &str, place: Place) -> String {
    pieces(text, place).collect()
}

/// As [`safe`], cut in the middle to at most `columns` columns of a terminal.
pub(super) fn safe_cut(text: &str, place: Place, columns: usize) -> String {
    let pieces: Vec<_> = pieces(text, place).collect();
    let widths: Vec<_> = pieces.iter().map(|piece| width(piece)).collect();
    if widths.iter().sum::<usize>() <= columns {
        return pieces.concat();
    }
    let room = columns.saturating_sub(1);
    let head = fitting(widths.iter(), room.div_ceil(2));
    let tail = fitting(widths[head..].iter().rev(), room / 2);
    format!("{}…{}", pieces[..head].concat(), pieces[pieces.len() - tail..].concat())
}

/// How many of `widths` fit into `columns`.
fn fitting<'a>(widths: impl Iterator<Item = &'a usize>, columns: usize) -> usize {
    let mut used = 0;
    widths
        .take_while(|width| {
            used += **width;
            used <= columns
        })
        .count()
}

/// Columns of a terminal that `text` takes, as the screen counts them.
pub(super) fn width(text: &str) -> usize {
    Span::raw(text).width()
}

/// `text` character by character, each as it is written at `place`.
fn pieces(text: &str, place: Place) -> impl Iterator<Item = Cow<'_, str>> {
    let mut before = None;
    text.char_indices().map(move |(at, c)| {
        let end = at + c.len_utf8();
        let after = text[end..].chars().next();
        let inside_word = [before, after].iter().all(|c| c.is_some_and(char::is_alphanumeric));
        before = Some(c);
        if is_hidden(c) {
            Cow::Owned(escape(c))
        } else if let (Some(entity), Place::Html) = (entity(c), place) {
            Cow::Borrowed(entity)
        } else if is_markup(c, inside_word, place) {
            Cow::Owned(format!("\\{c}"))
        } else {
            Cow::Borrowed(&text[at..end])
        }
    })
}

/// Characters that act instead of showing: controls, line separators, direction marks, invisible fillers, tags.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{feff}')
        || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{fff9}'..='\u{fffb}')
        || matches!(c, '\u{e0000}'..='\u{e007f}')
}

fn escape(c: char) -> String {
    match c {
        '\n' | '\r' | '\t' => c.escape_default().to_string(),
        c if u32::from(c) < 0x100 => format!("\\x{:02x}", u32::from(c)),
        c => c.escape_unicode().to_string(),
    }
}

/// What stands for a character that means something in HTML.
fn entity(c: char) -> Option<&'static str> {
    Some(match c {
        '&' => "&amp;",
        '<' => "&lt;",
        '>' => "&gt;",
        '"' => "&quot;",
        '\'' => "&#39;",
        _ => return None,
    })
}

/// Whether a backslash goes before it. The backslash itself is doubled so that none from outside can undo one of ours.
fn is_markup(c: char, inside_word: bool, place: Place) -> bool {
    match place {
        Place::Line | Place::Html => false,
        Place::Cell => matches!(c, '\\' | '|' | '`'),
        // An underscore inside a word is no emphasis, and names are full of them.
        Place::Markdown if c == '_' => !inside_word,
        Place::Markdown => matches!(c, '\\' | '|' | '`' | '*' | '~' | '<' | '[' | ']' | '&' | '$'),
    }
}

/// A time in ms or a rate: three significant digits below 1000, but no more than three decimals; whole above.
pub(crate) fn figure(value: f64) -> String {
    let decimals = |value: f64| match value.abs() {
        0.0 | 1.0..10.0 => 2,
        10.0..100.0 => 1,
        value if value < 1.0 => 3,
        _ => 0,
    };
    let shown = format!("{value:.*}", decimals(value));
    // 9.996 rounds to 10.00 and then deserves one decimal less.
    let rounded = shown.parse().unwrap_or(value);
    let fewer = decimals(rounded).min(decimals(value));
    if rounded == 0.0 || fewer == decimals(value) { shown } else { format!("{rounded:.fewer$}") }
}

/// The same, `-` where there is none.
pub(super) fn figure_or_dash(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), figure)
}

/// `part` of `whole` in per cent, `0.00%` of nothing.
pub(super) fn percent(part: u64, whole: u64) -> String {
    let share = if whole == 0 { 0.0 } else { part as f64 / whole as f64 };
    format!("{:.2}%", share * 100.0)
}

/// `1 user`, `2 users`.
pub(crate) fn count_of(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// Run time as `02:05`, from an hour on `1:02:05`.
pub(super) fn clock(second: u32) -> String {
    let (hours, minutes, seconds) = (second / 3600, second / 60 % 60, second % 60);
    if hours == 0 {
        format!("{minutes:02}:{seconds:02}")
    } else {
        format!("{hours}:{minutes:02}:{seconds:02}")
    }
}

/// A number as it is written to files: null if it is none.
pub(super) fn number(value: f64) -> Option<f64> {
    value.is_finite().then(|| round6(value))
}

/// To six significant digits, which is more than any measurement here carries.
pub(super) fn round6(value: f64) -> f64 {
    format!("{value:.5e}").parse().unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_the_decimals_they_deserve() {
        let cases = [
            (0.0, "0.00"),
            (0.0004, "0.000"),
            (0.1424, "0.142"),
            (0.9996, "1.00"),
            (1.0, "1.00"),
            (3.2, "3.20"),
            (9.996, "10.0"),
            (12.44, "12.4"),
            (99.96, "100"),
            (140.4, "140"),
            (999.6, "1000"),
            (1280.2, "1280"),
            (120_007.0, "120007"),
        ];
        for (value, shown) in cases {
            assert_eq!(figure(value), shown);
        }
    }

    #[test]
    fn nothing_from_outside_acts() {
        let hostile = "a|b`c\\|\n\u{1b}[31m\u{202e}x_y_ <b>*";
        assert_eq!(safe(hostile, Place::Line), r"a|b`c\|\n\x1b[31m\u{202e}x_y_ <b>*");
        assert_eq!(safe(hostile, Place::Cell), r"a\|b\`c\\\|\n\x1b[31m\u{202e}x_y_ <b>*");
        assert_eq!(safe("</td>&'\"\u{202e}", Place::Html), r"&lt;/td&gt;&amp;&#39;&quot;\u{202e}");
        assert_eq!(safe(hostile, Place::Markdown), r"a\|b\`c\\\|\n\x1b\[31m\u{202e}x_y\_ \<b>\*");
    }

    #[test]
    fn long_names_are_cut_in_the_middle() {
        assert_eq!(safe_cut("/api/v1/items", Place::Cell, 20), "/api/v1/items");
        assert_eq!(safe_cut("/api/v1/items", Place::Cell, 8), "/api…ems");
        assert_eq!(safe_cut("漢字漢字漢字", Place::Cell, 8), "漢字…字");
        assert_eq!(safe_cut("||||||", Place::Cell, 7), r"\|…\|");
    }

    #[test]
    fn run_time_is_read_like_a_clock() {
        assert_eq!((clock(7), clock(3725)), ("00:07".to_owned(), "1:02:05".to_owned()));
    }
}
