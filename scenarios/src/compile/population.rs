//! The user classes of a test, and which of them each user belongs to.

use super::class::{Class, Share};
use super::cx::Cx;
use crate::diagnostics::Diagnostic;
use crate::plan::Place;
use crate::sequence::{ClassSequence, ClassShare};
use crate::units::{self, Decimal};

/// The user classes.
#[derive(Clone, Copy)]
pub(super) struct Population<'a> {
    pub(super) classes: &'a [Class],
    /// Whether every class could be read: of a part of them nothing follows.
    pub(super) all: bool,
    /// Where `users` stands.
    pub(super) place: Option<Place>,
}

/// Users of all fixed counts.
pub(super) fn fixed_users(classes: &[Class]) -> u64 {
    let count = |class: &Class| match class.share {
        Share::Count(count) => u64::from(count),
        Share::Weight(_) => 0,
    };
    classes.iter().map(count).sum()
}

/// Which class each user belongs to; `None` after a report.
pub(super) fn sequence(
    population: Population<'_>,
    users: u32,
    asked: Option<Place>,
    cx: &Cx<'_>,
) -> Option<ClassSequence> {
    let Population { classes, all, place } = population;
    if !all {
        return None;
    }
    let weights: Vec<Decimal> = classes
        .iter()
        .filter_map(|class| match class.share {
            Share::Weight(weight) => Some(weight),
            Share::Count(_) => None,
        })
        .collect();
    let fixed = fixed_users(classes);
    let at = |place: Option<Place>, message: String| Diagnostic { place, ..Diagnostic::anywhere(message) };
    if weights.iter().all(|weight| weight.is_zero()) && u64::from(users) > fixed && !classes.is_empty() {
        cx.report(if fixed == 0 {
            at(place, "all user classes have weight 0, so there is nobody to run".to_owned())
                .hint("give at least one of them a weight above 0, or a `count`")
        } else {
            let message = format!(
                "{users} users are asked for, but the user classes have only fixed counts, {fixed} in all"
            );
            at(asked, message)
                .hint("give one of the classes a `weight` instead of a `count`, and it takes the rest")
        });
        return None;
    }
    let Some(reduced) = units::reduce_weights(&weights) else {
        cx.report(
            at(place, "the weights of the user classes are too far apart to be kept exactly".to_owned())
                .hint("use whole numbers up to about four thousand million, or fewer digits"),
        );
        return None;
    };
    let mut reduced = reduced.into_iter();
    let shares: Vec<ClassShare> = classes
        .iter()
        .map(|class| match class.share {
            Share::Count(count) => ClassShare::Count(count),
            Share::Weight(_) => ClassShare::Weight(reduced.next().unwrap_or(0)),
        })
        .collect();
    Some(ClassSequence::new(&shares))
}
