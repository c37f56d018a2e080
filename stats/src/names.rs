//! A load thread's endpoints by number: those known beforehand, and those whose names come from values while running.

use std::collections::HashMap;
use std::sync::Arc;

use crate::endpoint::{EndpointKey, Part, RowKind};
use crate::interval::cut;

/// Endpoints made from values while running that one thread tells apart; the rest is `(other)`.
pub const MAX_DYNAMIC_ENDPOINTS: usize = 512;

/// Longest endpoint name kept, in bytes; longer ones are cut.
pub const MAX_NAME: usize = 500;

/// Endpoints by number and by name.
#[derive(Debug)]
pub(crate) struct Names {
    keys: Vec<Arc<EndpointKey>>,
    /// Beside `keys`: whether requests are counted there.
    requests: Vec<bool>,
    /// Beside `keys`: the same row in the warm-up, once something has begun in it there.
    warm: Vec<Option<u32>>,
    by_key: HashMap<Arc<EndpointKey>, u32>,
    /// Names from values that may still come.
    room: usize,
}

impl Names {
    /// Number i is `known[i]`.
    pub(crate) fn new(known: Vec<EndpointKey>) -> Self {
        let mut names = Self {
            keys: Vec::new(),
            requests: Vec::new(),
            warm: Vec::new(),
            by_key: HashMap::new(),
            room: MAX_DYNAMIC_ENDPOINTS,
        };
        for key in known {
            names.push(EndpointKey { name: cut(&key.name, MAX_NAME).to_owned(), ..key });
        }
        names
    }

    /// The key of an endpoint that was given out.
    pub(crate) fn key(&self, index: usize) -> &Arc<EndpointKey> {
        &self.keys[index]
    }

    /// Whether requests are counted in a row that was given out.
    pub(crate) fn is_request(&self, index: usize) -> bool {
        self.requests[index]
    }

    /// The number of a row, made at its first use.
    pub(crate) fn number_of(&mut self, kind: RowKind, method: &str, name: &str) -> u32 {
        // A lookup by borrowed parts would need a key type of its own; names made from values are the rare case.
        let key = EndpointKey::of(kind, method, cut(name, MAX_NAME));
        if let Some(number) = self.by_key.get(&key) {
            return *number;
        }
        if self.room == 0 {
            let other = EndpointKey::other_of(&key);
            return self.by_key.get(&other).copied().unwrap_or_else(|| self.push(other));
        }
        self.room -= 1;
        self.push(key)
    }

    /// The number of the same row in the warm-up, made at its first use.
    pub(crate) fn warming(&mut self, number: u32) -> u32 {
        let index = number as usize;
        if let Some(warm) = self.warm[index] {
            return warm;
        }
        let key = EndpointKey::clone(&self.keys[index]).in_part(Part::WarmUp);
        let warm = self.by_key.get(&key).copied().unwrap_or_else(|| self.push(key));
        self.warm[index] = Some(warm);
        warm
    }

    fn push(&mut self, key: EndpointKey) -> u32 {
        let number = u32::try_from(self.keys.len()).unwrap_or(u32::MAX);
        self.requests.push(key.is_request());
        self.warm.push(None);
        let key = Arc::new(key);
        self.keys.push(Arc::clone(&key));
        // Of two known rows with the same name, cut, the later one is found; both go into the same row when they travel.
        self.by_key.insert(key, number);
        number
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(names: &mut Names, method: &str, name: &str) -> u32 {
        names.number_of(RowKind::Request, method, name)
    }

    #[test]
    fn names_beyond_the_limit_share_a_row() {
        let mut names = Names::new(vec![EndpointKey::new("GET", "/")]);
        let numbers: Vec<_> = (0..600).map(|n| number(&mut names, "GET", &format!("/{n}"))).collect();
        assert_eq!(number(&mut names, "GET", "/"), 0);
        assert_eq!(numbers[599], numbers[598]);
        assert_eq!(numbers[599] as usize, MAX_DYNAMIC_ENDPOINTS + 1);
        assert_eq!(number(&mut names, "GET", "/3"), numbers[3]);
        assert_eq!(**names.key(numbers[599] as usize), EndpointKey::other());
        let group = names.number_of(RowKind::Group, "GROUP", "late");
        assert_eq!(**names.key(group as usize), EndpointKey::of(RowKind::Group, "", "(other)"));
        assert!(names.is_request(numbers[599] as usize) && !names.is_request(group as usize));
    }

    #[test]
    fn rows_of_the_warm_up_take_no_room_from_others() {
        let known = [EndpointKey::new("GET", "/"), EndpointKey::of(RowKind::Aside, "POST", "(setup) /reset")];
        let mut names = Names::new(known.into());
        let warm = names.warming(0);
        assert_eq!((names.warming(0), names.warming(warm), names.warming(1)), (warm, warm, 1));
        assert_eq!(names.key(warm as usize).part, Part::WarmUp);
        for n in 0..MAX_DYNAMIC_ENDPOINTS {
            let number = number(&mut names, "GET", &format!("/{n}"));
            assert_ne!(names.key(number as usize).name, "(other)");
            names.warming(number);
        }
        let other = number(&mut names, "GET", "/one-more");
        assert_eq!(names.key(other as usize).name, "(other)");
    }

    #[test]
    fn names_that_are_too_long_are_cut() {
        let mut names = Names::new(vec![EndpointKey::new("GET", "x".repeat(3000))]);
        assert_eq!(names.key(0).name.len(), MAX_NAME);
        let number = number(&mut names, "GET", &"é".repeat(3000));
        assert_eq!(names.key(number as usize).name.len(), MAX_NAME);
    }
}
