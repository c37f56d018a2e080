//! A source file's code: without comments, strings and, where wanted, what is compiled for tests only; and what it imports.

/// The code of a file, line by line: comments, strings and characters are blank. Without `tests`, inline modules and functions
/// behind `#[cfg(test)]` are, too.
pub(super) fn code_of(text: &str, tests: bool) -> String {
    let mut code = blank_text(text);
    if tests {
        return code;
    }
    while let Some(start) = code.find("#[cfg(test)]") {
        let rest = &code[start..];
        // `mod tests;` ends at its semicolon, `mod tests { … }` at its closing brace.
        let length = match (rest.find('{'), rest.find(';')) {
            (Some(open), semicolon) if semicolon.is_none_or(|at| open < at) => end_of_block(rest, open),
            (_, semicolon) => semicolon.map_or(rest.len(), |at| at + 1),
        };
        let lines: String = rest[..length].chars().filter(|c| *c == '\n').collect();
        code.replace_range(start..start + length, &lines);
    }
    code
}

fn end_of_block(code: &str, open: usize) -> usize {
    let mut depth = 0;
    for (at, c) in code.char_indices().skip_while(|(at, _)| *at < open) {
        match c {
            '{' => depth += 1,
            '}' if depth == 1 => return at + 1,
            '}' => depth -= 1,
            _ => {}
        }
    }
    code.len()
}

pub(super) fn blank_text(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let in_word = code.chars().last().is_some_and(is_word);
        let skipped = match c {
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => rest.find("*/").map_or(rest.len(), |end| end + 2),
            '"' => 1 + quoted(&rest[1..], '"'),
            'r' if !in_word => raw_string(rest),
            '\'' => character(rest),
            _ => 0,
        };
        if skipped == 0 {
            code.push(c);
            rest = &rest[c.len_utf8()..];
        } else {
            code.push(' ');
            code.extend(rest[..skipped].chars().filter(|c| *c == '\n'));
            rest = &rest[skipped..];
        }
    }
    code
}

/// Bytes up to and with the quote that ends it.
fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// Length of the raw string that begins here; 0 if none does.
fn raw_string(text: &str) -> usize {
    let hashes = text[1..].chars().take_while(|c| *c == '#').count();
    if !text[1 + hashes..].starts_with('"') {
        return 0;
    }
    let (begin, end) = (2 + hashes, format!("\"{}", "#".repeat(hashes)));
    text[begin..].find(&end).map_or(text.len(), |at| begin + at + end.len())
}

/// Length of the character that begins here; 0 for a lifetime.
fn character(text: &str) -> usize {
    let mut chars = text.chars().skip(1);
    match (chars.next(), chars.next()) {
        (Some('\\'), _) => 1 + quoted(&text[1..], '\''),
        (Some(c), Some('\'')) => 2 + c.len_utf8(),
        _ => 0,
    }
}

pub(super) fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Whether `code` has `pattern`, not as a part of longer words.
pub(super) fn has(code: &str, pattern: &str) -> bool {
    let (first, last) = (pattern.starts_with(is_word), pattern.ends_with(is_word));
    code.match_indices(pattern).any(|(at, _)| {
        let before = code[..at].chars().next_back().is_some_and(is_word);
        let after = code[at + pattern.len()..].chars().next().is_some_and(is_word);
        !(first && before || last && after)
    })
}

/// Every path that the file's `use` items name, groups expanded, with the line of the item.
pub(super) fn imports(code: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut line = 1;
    let starts = |item: &str| {
        let mut words = item.match_indices("use ");
        words.find(|(at, _)| !item[..*at].ends_with(is_word)).map(|(at, word)| at + word.len())
    };
    for item in code.split_inclusive(';') {
        if let Some(at) = starts(item) {
            let begin = line + item[..at].matches('\n').count();
            let tree: String = item[at..].chars().filter(|c| !c.is_whitespace() && *c != ';').collect();
            let mut paths = Vec::new();
            expand("", &tree, &mut paths);
            found.extend(paths.into_iter().map(|path| (begin, path)));
        }
        line += item.matches('\n').count();
    }
    found
}

fn expand(prefix: &str, tree: &str, paths: &mut Vec<String>) {
    let Some(open) = tree.find('{') else { return paths.push(format!("{prefix}{tree}")) };
    let prefix = format!("{prefix}{}", &tree[..open]);
    let inner = tree[open + 1..].strip_suffix('}').unwrap_or(&tree[open + 1..]);
    let (mut depth, mut begin) = (0, 0);
    for (at, c) in inner.char_indices().chain([(inner.len(), ',')]) {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                expand(&prefix, &inner[begin..at], paths);
                begin = at + 1;
            }
            _ => {}
        }
    }
}
