//! Numbers that only this target can have given out: csrf tokens, payments, access tokens. They protect nothing, a plain
//! hash is no signature; they make a client fail that sends something else than what it was given.

use std::hash::{DefaultHasher, Hash, Hasher};

/// Makes and checks signed numbers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Signer {
    key: u64,
}

impl Signer {
    pub(super) fn new(key: u64) -> Self {
        Self { key }
    }

    /// `number` for `purpose`: both as hexadecimal digits, number and hash with a dash between them.
    pub(super) fn sign(self, purpose: &str, number: u64) -> String {
        let mut hasher = DefaultHasher::new();
        (self.key, purpose, number).hash(&mut hasher);
        format!("{number:x}-{:016x}", hasher.finish())
    }

    /// The number of a text that is exactly as [`Signer::sign`] made it for this purpose.
    pub(super) fn number(self, purpose: &str, text: &str) -> Option<u64> {
        let (number, _) = text.split_once('-')?;
        let number = u64::from_str_radix(number, 16).ok()?;
        (self.sign(purpose, number) == text).then_some(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_numbers_for_the_same_purpose_are_good() {
        let signer = Signer::new(1);
        let token = signer.sign("csrf", 300);
        assert_eq!(signer.number("csrf", &token), Some(300));
        assert_eq!(signer.number("payment", &token), None);
        assert_eq!(Signer::new(2).number("csrf", &token), None);
        for bad in ["", "-", "12c", "12c-", "12c-0", &token.to_uppercase(), &format!("0{token}")] {
            assert_eq!(signer.number("csrf", bad), None, "{bad}");
        }
    }
}
