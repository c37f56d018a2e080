//! A numbered list that forgets its oldest items when it is full: what keeps the target's memory bounded where clients
//! create things. It knows nothing of what it keeps.

use std::collections::VecDeque;

/// The newest items, each under the number it was given when it was added; numbers begin at 1.
#[derive(Debug)]
pub(super) struct Recent<T> {
    /// Number of the oldest item that is kept.
    first: u64,
    capacity: usize,
    kept: VecDeque<T>,
}

impl<T> Recent<T> {
    /// Keeps the newest `capacity` items.
    pub(super) fn new(capacity: usize) -> Self {
        Self { first: 1, capacity, kept: VecDeque::new() }
    }

    /// Adds an item; its number.
    pub(super) fn add(&mut self, item: T) -> u64 {
        if self.kept.len() == self.capacity {
            self.kept.pop_front();
            self.first += 1;
        }
        self.kept.push_back(item);
        self.first + self.kept.len() as u64 - 1
    }

    /// The item of that number, unless there is none or it was forgotten.
    pub(super) fn get_mut(&mut self, number: u64) -> Option<&mut T> {
        let place = usize::try_from(number.checked_sub(self.first)?).ok()?;
        self.kept.get_mut(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_is_forgotten_and_numbers_stay() {
        let mut recent = Recent::new(2);
        assert_eq!([recent.add('a'), recent.add('b'), recent.add('c')], [1, 2, 3]);
        assert_eq!(recent.get_mut(0), None);
        assert_eq!(recent.get_mut(1), None);
        assert_eq!(recent.get_mut(2), Some(&mut 'b'));
        assert_eq!(recent.get_mut(3), Some(&mut 'c'));
        assert_eq!(recent.get_mut(4), None);
    }
}
