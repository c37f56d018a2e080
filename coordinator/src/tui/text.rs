//! Text in cells: how wide it is, made harmless, cut, padded, wrapped. Pure.
//!
//! Names and messages come from outside (a scenario, a target, a worker); [`clean`] stands between them and the terminal.
//! Widths are those of the terminal: a wide character counts two, a combining one none.

use std::borrow::Cow;

use ratatui::style::Style;
use ratatui::text::Span;

/// Cells that `text` takes.
pub(crate) fn width(text: &str) -> usize {
    Span::raw(text).width()
}

/// Without anything that could move the cursor, turn the writing direction or hide: breaks and tabs become spaces,
/// other control characters their picture, what has none `�`.
pub(crate) fn clean(text: &str) -> Cow<'_, str> {
    if text.chars().all(|c| harmless(c) == c) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().map(harmless).collect())
}

fn harmless(c: char) -> char {
    match c {
        '\n' | '\r' | '\t' | '\u{2028}' | '\u{2029}' => ' ',
        '\0'..='\u{1f}' => char::from_u32(0x2400 + u32::from(c)).unwrap_or('�'),
        '\u{7f}' => '\u{2421}',
        // C1 controls, marks and overrides of direction, and what takes no space but is not joining anything.
        '\u{80}'..='\u{9f}'
        | '\u{ad}'
        | '\u{61c}'
        | '\u{200b}'
        | '\u{200e}'
        | '\u{200f}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e007f}' => '�',
        _ => c,
    }
}

/// The characters as a person counts them, each with its width.
fn graphemes(text: &str) -> Vec<(String, usize)> {
    Span::raw(text)
        .styled_graphemes(Style::new())
        .map(|grapheme| (grapheme.symbol.to_owned(), width(grapheme.symbol)))
        .collect()
}

/// As many of `parts` from the front as fit in `room` cells.
fn take<'a>(parts: impl Iterator<Item = &'a (String, usize)>, room: usize) -> Vec<&'a str> {
    let mut used = 0;
    parts
        .take_while(|(_, wide)| {
            used += wide;
            used <= room
        })
        .map(|(symbol, _)| symbol.as_str())
        .collect()
}

/// At most `room` cells of `text`, cut in the middle: `/api/…/items`.
pub(crate) fn cut_middle(text: &str, room: usize) -> Cow<'_, str> {
    if width(text) <= room {
        return Cow::Borrowed(text);
    }
    if room == 0 {
        return Cow::Borrowed("");
    }
    let parts = graphemes(text);
    let tail_room = (room - 1) / 2;
    let mut tail = take(parts.iter().rev(), tail_room);
    tail.reverse();
    let head = take(parts.iter(), room - 1 - tail_room);
    Cow::Owned(format!("{}…{}", head.concat(), tail.concat()))
}

/// At most `room` cells of `text`, cut at the end.
pub(crate) fn cut_end(text: &str, room: usize) -> Cow<'_, str> {
    if width(text) <= room {
        return Cow::Borrowed(text);
    }
    if room == 0 {
        return Cow::Borrowed("");
    }
    Cow::Owned(format!("{}…", take(graphemes(text).iter(), room - 1).concat()))
}

/// `text` at the right end of `room` cells.
pub(crate) fn right(text: &str, room: usize) -> String {
    format!("{}{text}", " ".repeat(room.saturating_sub(width(text))))
}

/// `text` at the left end of `room` cells.
pub(crate) fn left(text: &str, room: usize) -> String {
    format!("{text}{}", " ".repeat(room.saturating_sub(width(text))))
}

/// `text` in lines of at most `room` cells, broken at spaces where there are some.
pub(crate) fn wrap(text: &str, room: usize) -> Vec<String> {
    let room = room.max(1);
    let mut lines = vec![];
    let mut line = String::new();
    for word in text.split_whitespace() {
        let gap = usize::from(!line.is_empty());
        if width(&line) + gap + width(word) <= room {
            if gap == 1 {
                line.push(' ');
            }
            line.push_str(word);
            continue;
        }
        if !line.is_empty() {
            lines.push(std::mem::take(&mut line));
        }
        for (symbol, wide) in graphemes(word) {
            if !line.is_empty() && width(&line) + wide > room {
                lines.push(std::mem::take(&mut line));
            }
            line.push_str(&symbol);
        }
    }
    lines.push(line);
    lines
}

/// `1 worker`, `2 workers`.
pub(crate) fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_from_outside_steers_the_terminal() {
        assert_eq!(clean("/items"), "/items");
        assert_eq!(clean("a\nb\tc"), "a b c");
        assert_eq!(clean("\u{1b}[2Jx\u{7}\u{7f}"), "␛[2Jx␇␡");
        assert_eq!(clean("\u{9b}31m\u{202e}evil\u{200b}"), "�31m�evil�");
        assert_eq!(clean("日本 é 👩‍👩‍👧"), "日本 é 👩‍👩‍👧");
    }

    #[test]
    fn names_are_cut_in_the_middle_to_the_cell() {
        assert_eq!(cut_middle("/api/v1/orders/items", 12), "/api/v…items");
        assert_eq!(cut_middle("/short", 12), "/short");
        assert_eq!(cut_middle("/日本語/日本語", 8), "/日…語");
        for room in 0..24 {
            assert!(width(&cut_middle("/日本語/👩‍👩‍👧/éclair/👍🏽", room)) <= room);
            assert!(width(&cut_end("/日本語/👩‍👩‍👧/éclair/👍🏽", room)) <= room);
        }
        assert_eq!(cut_middle("abc", 1), "…");
        assert_eq!(cut_middle("abc", 0), "");
    }

    #[test]
    fn lines_break_at_spaces_and_long_words_anywhere() {
        assert_eq!(wrap("worker --connect host", 12), ["worker", "--connect", "host"]);
        assert_eq!(wrap("abcdefgh ij", 4), ["abcd", "efgh", "ij"]);
        assert_eq!(wrap("", 4), [""]);
        assert_eq!(wrap("日本語", 1), ["日", "本", "語"]);
    }
}
