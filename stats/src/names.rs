//! A load thread's endpoints by number: those known beforehand, and those whose names come from values while running.

use std::collections::HashMap;
use std::sync::Arc;

use crate::endpoint::EndpointKey;
use crate::interval::cut;

/// Endpoints made from values while running that one thread tells apart; the rest is `(other)`.
pub const MAX_DYNAMIC_ENDPOINTS: usize = 512;

/// Longest endpoint name kept, in bytes; longer ones are cut.
pub const MAX_NAME: usize = 500;

/// Endpoints by number and by name.
#[derive(Debug)]
pub(crate) struct Names {
    keys: Vec<Arc<EndpointKey>>,
    by_key: HashMap<Arc<EndpointKey>, u32>,
    limit: usize,
}

impl Names {
    /// Number i is `known[i]`.
    pub(crate) fn new(known: Vec<EndpointKey>) -> Self {
        let clipped = |key: EndpointKey| EndpointKey::new(key.method, cut(&key.name, MAX_NAME));
        let keys: Vec<_> = known.into_iter().map(clipped).map(Arc::new).collect();
        let by_key = keys.iter().zip(0..).map(|(key, number)| (Arc::clone(key), number)).collect();
        let limit = keys.len() + MAX_DYNAMIC_ENDPOINTS;
        Self { keys, by_key, limit }
    }

    /// The key of an endpoint that was given out.
    pub(crate) fn key(&self, index: usize) -> &Arc<EndpointKey> {
        &self.keys[index]
    }

    /// The number of an endpoint, made at its first use.
    pub(crate) fn number(&mut self, method: &str, name: &str) -> u32 {
        // A lookup by borrowed parts would need a key type of its own; names made from values are the rare case.
        let key = EndpointKey::new(method, cut(name, MAX_NAME));
        if let Some(number) = self.by_key.get(&key) {
            return *number;
        }
        let full = self.keys.len() >= self.limit;
        let key = Arc::new(if full { EndpointKey::other() } else { key });
        if let Some(number) = self.by_key.get(&key) {
            return *number;
        }
        let number = u32::try_from(self.keys.len()).unwrap_or(u32::MAX);
        self.keys.push(Arc::clone(&key));
        self.by_key.insert(key, number);
        number
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_beyond_the_limit_share_a_row() {
        let mut names = Names::new(vec![EndpointKey::new("GET", "/")]);
        let numbers: Vec<_> = (0..600).map(|n| names.number("GET", &format!("/{n}"))).collect();
        assert_eq!(names.number("GET", "/"), 0);
        assert_eq!(numbers[599], numbers[598]);
        assert_eq!(numbers[599] as usize, MAX_DYNAMIC_ENDPOINTS + 1);
        assert_eq!(names.number("GET", "/3"), numbers[3]);
        assert_eq!(**names.key(numbers[599] as usize), EndpointKey::other());
    }

    #[test]
    fn names_that_are_too_long_are_cut() {
        let mut names = Names::new(vec![EndpointKey::new("GET", "x".repeat(3000))]);
        assert_eq!(names.key(0).name.len(), MAX_NAME);
        let number = names.number("GET", &"é".repeat(3000));
        assert_eq!(names.key(number as usize).name.len(), MAX_NAME);
    }
}
