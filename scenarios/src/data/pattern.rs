//! Which files a text like `images/*.jpg` names.
//!
//! `*` stands for any signs of a name, `?` for one of them, `**` as a whole part of the path for any number of folders. Names
//! that begin with a dot are found only by parts that do. A path matches if it is written as the pattern is, part by part: so a
//! worker, which has the files by the paths that the coordinator found them under, finds the same ones.

use thiserror::Error;

/// A pattern, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    parts: Vec<Part>,
}

/// A part of a path, between slashes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Part {
    /// As it is; may be empty, `.` or `..`.
    Name(String),
    /// With `*` or `?` in it.
    Wild(String),
    /// `**`: any number of folders.
    Deep,
}

/// Why a text is no pattern.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PatternError {
    /// There is nothing in it.
    #[error("it is empty")]
    Empty,
    /// `**` with something beside it, or at the end.
    #[error(
        "`**` stands for folders: it is a part of its own, and a name follows it, as in `images/**/*.jpg`"
    )]
    Deep,
}

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// When it is empty, or `**` stands where it means nothing.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        if text.trim().is_empty() {
            return Err(PatternError::Empty);
        }
        let part = |part: &str| match part {
            "**" => Ok(Part::Deep),
            part if part.contains("**") => Err(PatternError::Deep),
            part if part.contains(['*', '?']) => Ok(Part::Wild(part.to_owned())),
            part => Ok(Part::Name(part.to_owned())),
        };
        let parts = text.split('/').map(part).collect::<Result<Vec<_>, _>>()?;
        if parts.last() == Some(&Part::Deep) {
            return Err(PatternError::Deep);
        }
        Ok(Self { parts })
    }

    /// Whether a path is one of those it names.
    pub fn matches(&self, path: &str) -> bool {
        let parts: Vec<&str> = path.split('/').collect();
        match_parts(&self.parts, &parts)
    }

    pub(crate) fn parts(&self) -> &[Part] {
        &self.parts
    }
}

fn match_parts(pattern: &[Part], path: &[&str]) -> bool {
    match (pattern, path) {
        ([], []) => true,
        ([Part::Deep, rest @ ..], _) => {
            let folders = path.iter().take_while(|name| is_shown(name)).count().min(path.len());
            (0..=folders).any(|skipped| match_parts(rest, &path[skipped..]))
        }
        ([part, rest @ ..], [name, names @ ..]) => part.matches(name) && match_parts(rest, names),
        _ => false,
    }
}

/// Whether wildcards find a name.
pub(crate) fn is_shown(name: &str) -> bool {
    !name.is_empty() && !name.starts_with('.')
}

impl Part {
    /// Whether a name is one it stands for; of [`Part::Deep`] whether it is one of its folders.
    pub(crate) fn matches(&self, name: &str) -> bool {
        match self {
            Self::Name(own) => own == name,
            Self::Deep => is_shown(name),
            Self::Wild(pattern) => (is_shown(name) || pattern.starts_with('.')) && is_like(pattern, name),
        }
    }
}

/// The usual walk with one way back: to the last star, one sign further.
fn is_like(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    let (mut p, mut n, mut star) = (0, 0, None);
    while n < name.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(c) if *c == '?' || *c == name[n] => (p, n) = (p + 1, n + 1),
            _ => match star {
                Some((at, from)) => {
                    (p, n) = (at + 1, from + 1);
                    star = Some((at, from + 1));
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_name_paths() {
        for (pattern, path, matches) in [
            ("images/*.jpg", "images/a.jpg", true),
            ("images/*.jpg", "images/.a.jpg", false),
            ("images/*.jpg", "images/b/a.jpg", false),
            ("images/*.jpg", "./images/a.jpg", false),
            ("./images/?.jp*g", "./images/a.jpeg", true),
            ("images/*a*b*", "images/xaxxb", true),
            ("images/*a*b", "images/xabx", false),
            ("images/??", "images/ü", false),
            ("**/*.jpg", "a.jpg", true),
            ("x/**/*.jpg", "x/a/b/c.jpg", true),
            ("x/**/*.jpg", "x/.a/c.jpg", false),
            ("x/**/y/*", "x/y/y/z", true),
            ("/data/*", "/data/a", true),
            ("../*.txt", "../a.txt", true),
            ("a.txt", "a.txt", true),
            ("*", "a/b", false),
        ] {
            let read = Pattern::parse(pattern).expect("a pattern");
            assert_eq!(read.matches(path), matches, "{pattern} {path}");
        }
    }

    #[test]
    fn what_means_nothing_is_refused() {
        for (pattern, error) in
            [(" ", PatternError::Empty), ("a/**", PatternError::Deep), ("a**/b", PatternError::Deep)]
        {
            assert_eq!(Pattern::parse(pattern), Err(error));
        }
    }
}
