//! Which endpoints are listed, and in which order. Pure.
//!
//! Requests come before groups, and those before what is around the test, whatever they are ordered by. What has no value comes
//! last, either way. A filter is words, all of which stand in method and name, in either case.

use std::cmp::Ordering;

use stampede_stats::endpoint::RowKind;

use crate::view::{EndpointRow, RunView};

/// What rows are ordered by, in the order of the table's columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    Type,
    Name,
    Requests,
    Failures,
    Avg,
    Min,
    Max,
    Med,
    P90,
    P95,
    P99,
    Rps,
    FailuresPerS,
    BytesPerS,
}

impl By {
    pub(super) const ALL: [Self; 14] = [
        Self::Type,
        Self::Name,
        Self::Requests,
        Self::Failures,
        Self::Avg,
        Self::Min,
        Self::Max,
        Self::Med,
        Self::P90,
        Self::P95,
        Self::P99,
        Self::Rps,
        Self::FailuresPerS,
        Self::BytesPerS,
    ];

    fn is_text(self) -> bool {
        matches!(self, Self::Type | Self::Name)
    }
}

/// An order of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sort {
    pub(super) by: By,
    pub(super) descending: bool,
}

impl Default for Sort {
    fn default() -> Self {
        Self { by: By::Name, descending: false }
    }
}

impl Sort {
    /// By the next column: texts from A to Z, numbers with the largest first.
    pub(super) fn next(self) -> Self {
        let by = By::ALL[(self.by as usize + 1) % By::ALL.len()];
        Self { by, descending: !by.is_text() }
    }

    /// The other way round.
    pub(super) fn turned(self) -> Self {
        Self { descending: !self.descending, ..self }
    }

    /// Which way it goes, for the column's title.
    pub(super) fn mark(self) -> char {
        if self.descending { '▼' } else { '▲' }
    }
}

/// Which row it is, whatever its numbers and wherever it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RowId {
    pub(super) kind: RowKind,
    pub(super) method: String,
    pub(super) name: String,
}

impl RowId {
    pub(super) fn of(row: &EndpointRow) -> Self {
        Self { kind: row.kind, method: row.method.clone(), name: row.name.clone() }
    }

    pub(super) fn is(&self, row: &EndpointRow) -> bool {
        (self.kind, &self.method, &self.name) == (row.kind, &row.method, &row.name)
    }
}

/// The rows that `filter` lets through, in order.
pub(super) fn listed<'a>(view: &'a RunView, sort: Sort, filter: &str) -> Vec<&'a EndpointRow> {
    let words: Vec<String> = filter.split_whitespace().map(str::to_lowercase).collect();
    let passes = |row: &&EndpointRow| {
        if words.is_empty() {
            return true;
        }
        let text = format!("{} {}", row.method, row.name).to_lowercase();
        words.iter().all(|word| text.contains(word.as_str()))
    };
    let mut rows: Vec<_> = view.endpoints.iter().filter(passes).collect();
    // Stable: rows that are equal in this stay in the order of the table.
    rows.sort_by(|a, b| a.kind.cmp(&b.kind).then_with(|| compare(a, b, sort)));
    rows
}

fn compare(a: &EndpointRow, b: &EndpointRow, sort: Sort) -> Ordering {
    let turned = |order: Ordering| if sort.descending { order.reverse() } else { order };
    match sort.by {
        By::Type => turned(a.method.cmp(&b.method)),
        By::Name => turned(a.name.cmp(&b.name)),
        By::Requests => turned(a.requests.cmp(&b.requests)),
        By::Failures => turned(a.failures.cmp(&b.failures)),
        by => match (value(a, by), value(b, by)) {
            (Some(a), Some(b)) => turned(a.total_cmp(&b)),
            (a, b) => b.is_some().cmp(&a.is_some()),
        },
    }
}

fn value(row: &EndpointRow, by: By) -> Option<f64> {
    match by {
        By::Type | By::Name | By::Requests | By::Failures => None,
        By::Avg => row.avg,
        By::Min => row.min,
        By::Max => row.max,
        By::Med => row.med,
        By::P90 => row.p90,
        By::P95 => row.p95,
        By::P99 => row.p99,
        By::Rps => Some(row.rps),
        By::FailuresPerS => Some(row.failures_per_s),
        By::BytesPerS => Some(row.bytes_in_per_s),
    }
    .filter(|value| value.is_finite())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::tui::samples;

    fn names(view: &RunView, by: By, descending: bool, filter: &str) -> String {
        let rows = listed(view, Sort { by, descending }, filter);
        rows.iter().map(|row| row.name.as_str()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn rows_by_any_column_either_way() {
        let mut view = samples::running();
        let rows = Arc::make_mut(&mut view.endpoints);
        rows[0].p99 = None;
        let orders = "/api/v1/orders/{id}/items";
        assert_eq!(names(&view, By::Name, false, ""), format!("/ {orders} /predict"));
        assert_eq!(names(&view, By::Name, true, ""), format!("/predict {orders} /"));
        assert_eq!(names(&view, By::Requests, true, ""), format!("/predict / {orders}"));
        assert_eq!(names(&view, By::P99, true, ""), format!("/predict {orders} /"), "no value comes last");
        assert_eq!(names(&view, By::P99, false, ""), format!("{orders} /predict /"));
        assert_eq!(names(&view, By::Type, true, ""), format!("{orders} /predict /"));
    }

    #[test]
    fn a_filter_is_words_in_either_case() {
        let view = samples::running();
        assert_eq!(names(&view, By::Name, false, "PRED"), "/predict");
        assert_eq!(names(&view, By::Name, false, " post  orders"), "/api/v1/orders/{id}/items");
        assert_eq!(names(&view, By::Name, false, "get predict"), "");
    }

    #[test]
    fn the_next_column_after_the_last_is_the_first() {
        let mut sort = Sort::default();
        for _ in By::ALL {
            sort = sort.next();
        }
        assert_eq!(sort, Sort::default());
        assert!(sort.next().descending && sort.turned().descending);
    }

    proptest! {
        #[test]
        fn every_order_is_of_the_same_rows(values in prop::collection::vec(prop::option::of(-1e9..1e9), 0..40), by in 0..14_usize, descending: bool) {
            let mut view = samples::many_endpoints(40);
            let rows = Arc::make_mut(&mut view.endpoints);
            rows.truncate(values.len());
            for (at, (row, value)) in rows.iter_mut().zip(&values).enumerate() {
                (row.avg, row.p95, row.rps) = (*value, *value, value.unwrap_or(f64::NAN));
                if at % 5 == 0 {
                    row.kind = RowKind::Group;
                }
            }
            let shown = listed(&view, Sort { by: By::ALL[by], descending }, "");
            prop_assert_eq!(shown.len(), view.endpoints.len());
            prop_assert!(shown.is_sorted_by_key(|row| row.kind));
        }
    }
}
