//! What to say when YAML itself cannot be read: in plain words, with the rule that was probably broken.
//!
//! The parser says what it stumbled over, which is often far from what was meant; the line it stumbled in says more.

use granit_parser::ErrorKind;

use crate::diagnostics::Diagnostic;
use crate::plan::Place;

const TABS: &str = "tabs do not indent in YAML; use spaces";
const FLOW: &str =
    "inside `{ }` and `[ ]` quote what has `${`, `[`, `{`, `?` or `,`: {get: \"/items/${id}\"}";
const BEGIN: &str = "quote text that begins with one of * & ! % @ ` > | [ { \": name: \"@me\"";
const COLON: &str = "quote text that contains `: ` or ` #`: name: \"a: b\"";
const SINGLE: &str =
    "regular expressions (and Windows paths) go in single quotes, where `\\` is just a sign: '\\d+'";
const INDENT: &str = "keys that belong together begin in the same column, and a list item with `- `";
const CLOSE: &str = "close it before the end of the file";
const CLOSE_QUOTE: &str = "put the closing quote at the end of its line";
const CLOSE_FLOW: &str = "look for a `}`, a `]` or a `,` that is missing further up";
const ANCHOR: &str = "put the anchor before the map that is meant, further up: `headers: &common {a: b}`";
const SPACE: &str = "behind the `:` of a key goes a space";

/// The one diagnostic for a file that is no YAML.
pub(super) fn explain(text: &str, kind: &ErrorKind, place: Place) -> Diagnostic {
    let line = line_at(text, place.start);
    let indent = line.len() - line.trim_start().len();
    let begins_line = usize::try_from(place.column).is_ok_and(|column| column <= indent + 1);
    let slip = matches!(kind, ErrorKind::MappingValueNotAllowed | ErrorKind::InvalidColonPlacement)
        .then(|| slip_at_key(text, line, place))
        .flatten();
    let known = slip.or_else(|| first_sign(kind, line));
    let (message, hint) = known.unwrap_or_else(|| reason(kind, line, begins_line));
    let diagnostic = Diagnostic::at(place, message);
    match hint {
        Some(hint) => diagnostic.hint(hint),
        None => diagnostic,
    }
}

fn reason(kind: &ErrorKind, line: &str, begins_line: bool) -> (String, Option<&'static str>) {
    use ErrorKind as E;
    let said = |text: &str, hint| (text.to_owned(), Some(hint));
    let in_flow = line.contains("${") && line.contains(['{', '[']);
    match kind {
        E::TabNotAllowed
        | E::TabInBlockIndentation
        | E::TabInIndentation
        | E::TabInPlainScalar
        | E::TabAtBlockScalarStart => said("a tab stands where YAML takes only spaces", TABS),
        _ if line.trim_start_matches(' ').starts_with('\t') => said("this line is indented with a tab", TABS),
        E::UnexpectedCharacter { character: '`' } => said("a value cannot begin with a backtick here", BEGIN),
        E::UnexpectedCharacter { character } => {
            (format!("a value cannot begin with `{}` here", character.escape_debug()), Some(BEGIN))
        }
        E::InvalidBlockScalarHeader | E::ZeroBlockScalarIndent => {
            said("this is read as a block of text (`|` or `>`)", BEGIN)
        }
        E::UnknownQuotedScalarEscape | E::InvalidQuotedScalarHexEscape => {
            said("`\\` begins an escape in double quotes, and this is not one YAML knows", SINGLE)
        }
        E::InvalidQuotedScalarIndent => {
            said("a quote that was opened further up is not closed before this line", CLOSE_QUOTE)
        }
        E::UnclosedQuotedScalar => said("this quote is never closed", CLOSE),
        E::InvalidTrailingDoubleQuotedScalar | E::InvalidTrailingSingleQuotedScalar => {
            said("something stands behind the closing quote", "quote the whole value, not a part of it")
        }
        E::ExpectedFlowMappingSeparator | E::ExpectedFlowSequenceSeparator if begins_line => {
            said("a `{` or `[` further up is not closed before this line", CLOSE_FLOW)
        }
        E::UnclosedFlowCollection { open } if !in_flow => {
            (format!("this `{open}` is never closed"), Some(CLOSE))
        }
        E::UnclosedFlowCollection { .. }
        | E::ExpectedFlowMappingSeparator
        | E::ExpectedFlowSequenceSeparator
        | E::MisplacedFlowCollectionEnd
        | E::MismatchedFlowCollectionEnd { .. }
        | E::FlowMappingValueAdjacentCollection => said("this `{ }` or `[ ]` cannot be read", FLOW),
        _ if in_flow && !line.contains("- ") => said("this line cannot be read", FLOW),
        E::MappingValueNotAllowed | E::InvalidColonPlacement => {
            said("a `: ` stands where no key can be", COLON)
        }
        E::InvalidIndentation
        | E::ExpectedBlockMappingKey
        | E::ExpectedBlockSequenceEntry
        | E::SimpleKeyExpected
        | E::InvalidSimpleKey
        | E::BlockSequenceEntryNotAllowed
        | E::MappingKeyNotAllowed => said("this line does not fit what stands above it", INDENT),
        E::RecursionLimitExceeded => ("the file is nested too deeply".to_owned(), None),
        other => (format!("this is not YAML: {other}"), None),
    }
}

/// For what begins with a sign that YAML gives a meaning to.
fn first_sign(kind: &ErrorKind, line: &str) -> Option<(String, Option<&'static str>)> {
    use ErrorKind as E;
    let said = |text: &str, hint| Some((text.to_owned(), Some(hint)));
    match kind {
        E::UnknownAnchor if line.contains("<<:") => {
            said("this alias names no anchor (`&name`) further up", ANCHOR)
        }
        E::UnknownAnchor => said("this alias names no anchor (`&name`) further up", BEGIN),
        E::MissingAnchorOrAliasName => said("a `*` or `&` must be followed by a name", BEGIN),
        E::UndeclaredTagHandle
        | E::MissingTagUri
        | E::InvalidTagTerminator
        | E::UnclosedVerbatimTag
        | E::InvalidTagEscape
        | E::ExpectedTagBang => said("this is read as a YAML tag (`!name`)", BEGIN),
        _ => None,
    }
}

/// For the `:` of a key that cannot be one here: what is wrong is then the line before, or how far this one is indented.
fn slip_at_key(text: &str, line: &str, place: Place) -> Option<(String, Option<&'static str>)> {
    let is_key = |key: &str| !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    let key = line.trim_start_matches([' ', '-']).split(':').next()?;
    let at = line.find(key)? + key.len();
    let is_first = usize::try_from(place.column).is_ok_and(|column| column == at + 1);
    if !is_key(key) || !is_first {
        return None;
    }
    let before = text.get(..place.start)?.rsplit('\n').skip(1).find(|line| !line.trim().is_empty())?;
    let before = before.trim_start_matches([' ', '-']);
    Some(match before.split_once(':') {
        Some((key, value)) if is_key(key) && !value.is_empty() && !value.starts_with([' ', '/']) => {
            (format!("there is no space behind the `:` of `{key}` above this line"), Some(SPACE))
        }
        _ => ("this line does not fit what stands above it".to_owned(), Some(INDENT)),
    })
}

/// The line around a byte offset.
fn line_at(text: &str, at: usize) -> &str {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    let first = text[..at].rfind('\n').map_or(0, |found| found + 1);
    let last = text[at..].find('\n').map_or(text.len(), |found| at + found);
    &text[first..last]
}
