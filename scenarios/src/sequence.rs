//! Which user class each slot belongs to.
//!
//! Weights and fixed counts come in as integers; out comes one endless sequence of (slot, class, rank), the same on the
//! coordinator and on every worker. It does not know when a slot runs (`profile`) or where (`deal`).

use crate::rate::gcd;

/// What a class gets of the users.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClassShare {
    /// So many users, before any weighted class gets one.
    Count(u32),
    /// A share of the rest, in proportion to the other weights. 0 gets nothing.
    Weight(u64),
}

/// One slot's class and its place in that class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SlotClass {
    /// The slot, from 0 without gaps.
    pub slot: u64,
    /// Index of the class, in the order of the shares.
    pub class: u16,
    /// Which user of its class this is, from 0 without gaps.
    pub rank: u32,
}

/// The sequence of classes: fixed counts first, then the weighted classes for ever.
///
/// Both parts are made by P-fair scheduling. A class with share p (its weight over the sum of weights) may have its user
/// j only at the positions ⌊j/p⌋ … ⌈(j+1)/p⌉ − 1; each position goes to the class, among those that may have it, whose
/// last possible position comes first, of equal ones to the lower index. Then at every prefix of n slots each class has
/// more than n·p − 1 and fewer than n·p + 1 users, and where n·p is whole for all, exactly that.
///
/// Weights 3 and 1 (p = 3/4 and 1/4). A's windows are 0-1, 1-2, 2-3, then again from 4; B's are 0-3, 4-7. Position 0:
/// both may, A's window ends first: A. Position 1: A's second window ends at 2, B's at 3: A. Position 2: A's third and
/// B's both end at 3, so the lower index: A. Position 3: B. So A A A B for ever.
///
/// Giving each slot to the class furthest behind its share looks the same and is not: with many classes it drifts to
/// more than one user off.
///
/// Source: Baruah, Cohen, Plaxton, Varvel, "Proportionate progress" (1996); earliest deadline first is optimal for unit
/// jobs on one processor, and the windows leave no position empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClassSequence {
    counted: Vec<Claim>,
    weighted: Vec<Claim>,
    classes: usize,
}

/// A class and its reduced weight, above 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Claim {
    class: u16,
    weight: u64,
}

impl ClassSequence {
    /// The sequence of these shares, class i being `shares[i]`. Scaling all weights changes nothing.
    ///
    /// Classes are numbered in 16 bits: shares beyond the 65 536th get nothing.
    pub fn new(shares: &[ClassShare]) -> Self {
        let (mut counted, mut weighted) = (Vec::new(), Vec::new());
        for (class, share) in (0..=u16::MAX).zip(shares) {
            match *share {
                ClassShare::Count(0) | ClassShare::Weight(0) => {}
                ClassShare::Count(count) => counted.push(Claim { class, weight: u64::from(count) }),
                ClassShare::Weight(weight) => weighted.push(Claim { class, weight }),
            }
        }
        let common = weighted.iter().fold(0, |common, claim| gcd(common, claim.weight));
        for claim in &mut weighted {
            claim.weight /= common;
        }
        Self { counted, weighted, classes: shares.len() }
    }

    /// The number of classes, those that get nothing included.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// How many slots there are: `None` without end, the sum of the fixed counts where no class has a weight.
    pub fn len(&self) -> Option<u64> {
        self.weighted.is_empty().then(|| self.fixed())
    }

    /// Whether no class gets any user.
    pub fn is_empty(&self) -> bool {
        self.len() == Some(0)
    }

    /// The number of slots of fixed-count classes.
    fn fixed(&self) -> u64 {
        self.counted.iter().map(|claim| claim.weight).sum()
    }

    /// All slots in order. One slot costs a comparison per class, and nothing is kept.
    pub fn iter(&self) -> impl Iterator<Item = SlotClass> + use<> {
        // Over the whole of a period every class gets exactly its weight: the counts, here.
        let fixed = usize::try_from(self.fixed()).unwrap_or(usize::MAX);
        let users = PFair::new(&self.counted).take(fixed).chain(PFair::new(&self.weighted));
        (0_u64..).zip(users).map(|(slot, (class, rank))| SlotClass { slot, class, rank })
    }

    /// The first `n` slots; fewer where there are fewer.
    pub fn table(&self, n: u32) -> Vec<SlotClass> {
        self.iter().take(usize::try_from(n).unwrap_or(usize::MAX)).collect()
    }

    /// The way back for the first `n` slots: from class and rank to the slot.
    pub fn index(&self, n: u32) -> SlotIndex {
        SlotIndex::new(self.classes, &self.table(n))
    }
}

/// One part of the sequence: (class, rank), without end unless there is no class.
struct PFair {
    runners: Vec<Runner>,
    position: u128,
}

/// A class on its way: the window of its next user, kept as quotient and remainder so that nothing is ever divided.
struct Runner {
    class: u16,
    weight: u128,
    /// 1/p = sum of weights / weight, as a whole number and so many `weight`-ths.
    period: (u128, u128),
    rank: u32,
    /// rank / p: the first position of the window is its whole part.
    release: (u128, u128),
    /// (rank + 1) / p: the window ends before this, rounded up.
    end: (u128, u128),
}

impl PFair {
    fn new(claims: &[Claim]) -> Self {
        let sum: u128 = claims.iter().map(|claim| u128::from(claim.weight)).sum();
        let runner = |claim: &Claim| {
            let weight = u128::from(claim.weight);
            let period = (sum / weight, sum % weight);
            Runner { class: claim.class, weight, period, rank: 0, release: (0, 0), end: period }
        };
        Self { runners: claims.iter().map(runner).collect(), position: 0 }
    }
}

impl Iterator for PFair {
    type Item = (u16, u32);

    fn next(&mut self) -> Option<Self::Item> {
        // `min_by_key` keeps the first of equal ones: the lower class.
        let due = self.runners.iter_mut().filter(|runner| runner.release.0 <= self.position);
        let next = due.min_by_key(|runner| runner.deadline())?;
        self.position += 1;
        Some(next.advance())
    }
}

impl Runner {
    fn deadline(&self) -> u128 {
        self.end.0 + u128::from(self.end.1 > 0)
    }

    fn advance(&mut self) -> (u16, u32) {
        let user = (self.class, self.rank);
        self.rank = self.rank.wrapping_add(1);
        self.release = self.end;
        let (whole, part) = (self.end.0 + self.period.0, self.end.1 + self.period.1);
        self.end = if part < self.weight { (whole, part) } else { (whole + 1, part - self.weight) };
        user
    }
}

/// Where the users of each class are among the first n slots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlotIndex {
    /// Per class, the slots of its users in order of rank.
    slots: Vec<Vec<u64>>,
}

impl SlotIndex {
    /// Indexes a [`ClassSequence::table`] of so many classes. Entries of other classes are left out.
    pub fn new(classes: usize, table: &[SlotClass]) -> Self {
        let mut slots = vec![Vec::new(); classes];
        for entry in table {
            if let Some(of_class) = slots.get_mut(usize::from(entry.class)) {
                of_class.push(entry.slot);
            }
        }
        Self { slots }
    }

    /// The slot of the user with this rank in this class; `None` beyond the table.
    pub fn slot_of(&self, class: u16, rank: u32) -> Option<u64> {
        self.slots.get(usize::from(class))?.get(usize::try_from(rank).ok()?).copied()
    }

    /// How many users each class has among the first `n` slots, as far as the table goes.
    pub fn counts(&self, n: u32) -> Vec<u32> {
        let below = |slots: &Vec<u64>| slots.partition_point(|slot| *slot < u64::from(n));
        self.slots.iter().map(|slots| u32::try_from(below(slots)).unwrap_or(u32::MAX)).collect()
    }
}
