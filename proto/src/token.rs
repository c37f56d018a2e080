//! What a worker shows to be let in: a token that both sides were given, sent with every call.
//!
//! It is never printed: its `Debug` hides it, the header value it becomes is marked as sensitive, and comparing takes the same
//! time wherever two tokens differ.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

use subtle::ConstantTimeEq;
use tonic::metadata::{Ascii, MetadataMap, MetadataValue};

/// The header it travels in.
const HEADER: &str = "authorization";

/// What stands before it there.
const SCHEME: &str = "Bearer ";

/// Fewest characters: what is shorter is guessed.
const SHORTEST: usize = 8;

/// Most characters: a header has room for it beside everything else.
const LONGEST: usize = 1024;

/// A text that may be a token, as it was typed or read: hidden, and not yet checked.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct TokenText(String);

impl TokenText {
    /// Takes `text` as it is.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Whether there is nothing in it, as in a variable that is set to nothing.
    pub fn is_empty(&self) -> bool {
        self.0.trim().is_empty()
    }
}

impl FromStr for TokenText {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self::new(text))
    }
}

impl fmt::Debug for TokenText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenText(…)")
    }
}

/// A token.
#[derive(Clone)]
pub struct Token {
    header: MetadataValue<Ascii>,
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// A text that cannot be a token. It never repeats the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Too short.
    #[error("a token has at least {SHORTEST} characters; `openssl rand -hex 16` makes one")]
    Short,
    /// Too long.
    #[error("a token has at most {LONGEST} characters")]
    Long,
    /// A character that does not go through a header.
    #[error("a token has visible ASCII characters only, no spaces")]
    Character,
}

/// Why a call is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// No token came with it.
    #[error("this coordinator wants a token, and none was shown")]
    Missing,
    /// Another one.
    #[error("the token that was shown is not this coordinator's")]
    Wrong,
}

impl Token {
    /// Checks a text; white space around it, such as the end of a file's line, does not count.
    ///
    /// # Errors
    /// When it cannot be one.
    pub fn new(text: &TokenText) -> Result<Self, TokenError> {
        let text = text.0.trim();
        match text.len() {
            0..SHORTEST => return Err(TokenError::Short),
            SHORTEST..=LONGEST => {}
            _ => return Err(TokenError::Long),
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(TokenError::Character);
        }
        let mut header: MetadataValue<Ascii> =
            format!("{SCHEME}{text}").parse().map_err(|_| TokenError::Character)?;
        header.set_sensitive(true);
        Ok(Self { header })
    }

    /// Puts it into the headers of a call.
    pub fn show(&self, headers: &mut MetadataMap) {
        headers.insert(HEADER, self.header.clone());
    }

    /// Looks whether the headers of a call show it.
    ///
    /// # Errors
    /// When they show none, or another one.
    pub fn check(&self, headers: &MetadataMap) -> Result<(), Denied> {
        let mut all = headers.get_all(HEADER).iter();
        let Some(shown) = all.next() else { return Err(Denied::Missing) };
        let same: bool = shown.as_encoded_bytes().ct_eq(self.header.as_encoded_bytes()).into();
        // Two of them leave open which one counts.
        if same && all.next().is_none() { Ok(()) } else { Err(Denied::Wrong) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(text: &str) -> Result<Token, TokenError> {
        Token::new(&TokenText::new(text))
    }

    #[test]
    fn only_the_same_token_is_let_in() {
        let own = token("correct-horse").expect("a token");
        let check = |shown: &[&str]| {
            let mut headers = MetadataMap::new();
            for text in shown {
                headers.append(HEADER, text.parse().expect("a header"));
            }
            own.check(&headers)
        };
        let mut headers = MetadataMap::new();
        assert_eq!(own.check(&headers), Err(Denied::Missing));
        token(" correct-horse\n").expect("a token").show(&mut headers);
        assert_eq!(own.check(&headers), Ok(()));
        assert_eq!(check(&["Bearer correct-horse"]), Ok(()));
        for wrong in
            ["Bearer correct-horsf", "Bearer correct-hors", "Bearer correct-horse2", "correct-horse", ""]
        {
            assert_eq!(check(&[wrong]), Err(Denied::Wrong), "{wrong}");
        }
        assert_eq!(check(&["Bearer correct-horse", "Bearer guess-number-2"]), Err(Denied::Wrong));
    }

    #[test]
    fn what_cannot_be_a_token_is_refused_without_repeating_it() {
        assert_eq!(token("short").err(), Some(TokenError::Short));
        assert_eq!(token(&"x".repeat(1025)).err(), Some(TokenError::Long));
        assert_eq!(token("two words here").err(), Some(TokenError::Character));
        assert_eq!(token("schlüssel-bund").err(), Some(TokenError::Character));
    }

    #[test]
    fn no_output_shows_it() {
        let text = TokenText::new("correct-horse");
        let token = Token::new(&text).expect("a token");
        let mut headers = MetadataMap::new();
        token.show(&mut headers);
        let all = format!("{text:?} {token:?} {headers:?} {}", Denied::Wrong);
        assert!(!all.contains("correct"), "{all}");
    }
}
