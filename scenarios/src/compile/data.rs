//! `data`: feeders, with their files read and checked, and who uses them.
//!
//! Files are looked at here, so that a misspelt column and too few rows are mistakes of the scenario with a place in it. Uses are
//! noted while expressions are read; at the end the users of each feeder are counted.

mod read;

use std::cell::RefCell;
use std::sync::Arc;

use super::class::Class;
use super::cx::Cx;
use super::schema::listed;
use crate::data::{AtEnd, Cell, CellKind, ClassFeeders, FeederId, FeederPlan, RowOrder, Table, UserRanks};
use crate::diagnostics::{Diagnostic, closest};
use crate::json::Step;
use crate::plan::{LoadPlan, Place};

pub(super) use read::{DataCx, read};

/// The feeders of a file.
#[derive(Default)]
pub(super) struct Feeders {
    list: Vec<Feeder>,
    uses: RefCell<Vec<(FeederId, Place)>>,
}

/// A feeder that has been read.
struct Feeder {
    name: String,
    origin: String,
    order: RowOrder,
    at_end: AtEnd,
    /// `None` if it could not be read, which has been reported.
    table: Option<Arc<Table>>,
    place: Place,
}

/// What a name with its parts means in the rows of a feeder.
pub(super) enum Row {
    /// A value of the row.
    Cell(Cell),
    /// The feeder could not be read, which has been reported.
    Reported,
    /// There is no such value.
    Wrong(Box<Diagnostic>),
}

impl Feeders {
    fn new(list: Vec<Feeder>) -> Self {
        Self { list, uses: RefCell::default() }
    }

    /// The names of all.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.list.iter().map(|feeder| feeder.name.as_str())
    }

    /// Reports names that a class defines as well.
    pub(super) fn check_names<'n>(&self, names: impl Iterator<Item = &'n str>, class: &str, cx: &Cx<'_>) {
        for name in names {
            if let Some((_, feeder)) = self.find(name) {
                let message =
                    format!("`{name}` is a feeder, and the user class `{class}` defines it as well");
                cx.report(
                    Diagnostic::at(feeder.place, message)
                        .hint("a name is defined in one place only; choose another one"),
                );
            }
        }
    }

    fn find(&self, name: &str) -> Option<(FeederId, &Feeder)> {
        (0..).map(FeederId).zip(&self.list).find(|(_, feeder)| feeder.name == name)
    }

    /// What `name.part.part` is, if `name` is a feeder; its use is noted.
    pub(super) fn row(&self, name: &str, parts: &[&str], place: Place) -> Option<Row> {
        let (id, feeder) = self.find(name)?;
        self.uses.borrow_mut().push((id, place));
        let Some(table) = &feeder.table else { return Some(Row::Reported) };
        let steps = |parts: &[&str]| parts.iter().map(|part| Step::Key((*part).into())).collect();
        let whole = name.to_owned() + &parts.iter().flat_map(|part| [".", part]).collect::<String>();
        let cell = |column, path, is_text| {
            Row::Cell(Cell { feeder: id, name: whole.clone().into(), is_text, column, path })
        };
        let Some((first, rest)) = parts.split_first() else {
            return Some(cell(None, Box::default(), table.is_lines()));
        };
        let columns: Vec<String> = table.columns().iter().map(|column| column.name.clone()).collect();
        let index = columns.iter().position(|column| column == first);
        Some(match index {
            None if columns.is_empty() => Row::Wrong(Box::new(
                Diagnostic::at(place, format!("a row of `{name}` has no parts"))
                    .note(feeder.place, "it is one value")
                    .hint(format!("write `${{{name}}}`")),
            )),
            None => {
                let of = format!("`{name}`");
                Row::Wrong(Box::new(
                    no_column(place, &of, first, &columns).note(feeder.place, "it is this feeder"),
                ))
            }
            Some(index) if table.numbers_columns() => {
                let kind = table.columns()[index].kind;
                if let (Some(part), false) = (rest.first(), kind == CellKind::Json) {
                    return Some(Row::Wrong(Box::new(
                        Diagnostic::at(place, format!("`{name}.{first}` is one value and has no `{part}`"))
                            .hint(format!("a column of JSON has parts: `types: {{{first}: json}}`")),
                    )));
                }
                let is_text = kind == CellKind::Text && !(table.is_files() && *first == "size");
                cell(Some(index), steps(rest), is_text)
            }
            Some(_) => cell(None, steps(parts), false),
        })
    }

    /// The feeder whose file a text like `${images.path}` names; its use is noted.
    pub(super) fn file(&self, text: &str, part: &str) -> Option<FeederId> {
        let inside = text.trim().strip_prefix("${")?.strip_suffix('}')?.trim();
        let name = match inside.split_once('.') {
            Some((name, of)) if of.trim() == part => name.trim(),
            None if part == "path" => inside,
            _ => return None,
        };
        let (id, feeder) = self.find(name)?;
        let is_files = feeder.table.as_ref().is_some_and(|table| table.is_files());
        is_files.then(|| {
            self.uses.borrow_mut().push((id, feeder.place));
            id
        })
    }

    /// What has been used since this was asked last.
    pub(super) fn take_uses(&self) -> Vec<(FeederId, Place)> {
        std::mem::take(&mut *self.uses.borrow_mut())
    }

    /// Says that there is no row where something was used since this was asked last.
    pub(super) fn refuse_uses(&self, place: &str, cx: &Cx<'_>) {
        if let Some((id, at)) = self.take_uses().first() {
            let name = &self.list[id.0 as usize].name;
            cx.report(
                Diagnostic::at(*at, format!("a row of `{name}` belongs to a user, and {place} has none"))
                    .hint("`on_start` and `on_stop` of a user class have one"),
            );
        }
    }

    /// The feeders as the plan has them, their users counted; those that are `unique` must have enough rows.
    pub(super) fn plans(&self, classes: &[Class], load: &LoadPlan, cx: &Cx<'_>) -> Arc<[FeederPlan]> {
        let plan = |(id, feeder): (FeederId, &Feeder)| {
            let of: Vec<bool> = classes.iter().map(|class| class.plan.feeders.all.contains(&id)).collect();
            let ranks = UserRanks::new(&load.sequence, &of);
            let used = of.contains(&true);
            let users = match &load.open {
                Some(open) => u64::from(open.max_users),
                None => ranks.before(u64::from(load.profile.peak())),
            };
            let table = feeder.table.clone().unwrap_or_else(|| Arc::new(Table::list(Vec::new())));
            let (name, place) = (feeder.name.clone(), feeder.place);
            // For arrivals users are made as they are needed: one without a row would be of no use to them.
            let may_lack = feeder.at_end == AtEnd::StopUser && load.open.is_none();
            let must_fit = used && feeder.order == RowOrder::Unique && !may_lack;
            if must_fit && !table.is_empty() && users > table.len() {
                cx.report(too_few(place, &name, &table, users, load.open.is_some()));
            }
            FeederPlan {
                name,
                origin: feeder.origin.clone(),
                order: feeder.order,
                at_end: feeder.at_end,
                table,
                ranks,
                users: users.max(1),
                is_open: load.open.is_some(),
                place,
            }
        };
        (0..).map(FeederId).zip(&self.list).map(plan).collect()
    }
}

fn too_few(place: Place, name: &str, table: &Table, users: u64, is_open: bool) -> Diagnostic {
    let rows = if table.len() == 1 { "1 row".to_owned() } else { format!("{} rows", table.len()) };
    let (users, way_out) = if is_open {
        (format!("there may be {users} users"), format!("write `max_users: {}` in `load`", table.len()))
    } else {
        (
            format!("{users} users use it"),
            "let fewer users run, or write `at_end: stop_user` for users without a row".to_owned(),
        )
    };
    Diagnostic::at(place, format!("`{name}` has {rows}, and {users}: with `order: unique` each has its own"))
        .hint(format!("give it more rows, or {way_out}"))
}

/// What a class uses, from the uses noted: everywhere, in `on_start` and `on_stop`, in tasks.
pub(super) fn class_feeders(
    everywhere: &[(FeederId, Place)],
    lifecycle: &[(FeederId, Place)],
    in_tasks: &[(FeederId, Place)],
) -> ClassFeeders {
    let sorted = |lists: &[&[(FeederId, Place)]]| {
        let mut ids: Vec<FeederId> = lists.iter().flat_map(|list| list.iter().map(|(id, _)| *id)).collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    };
    ClassFeeders { all: sorted(&[everywhere, lifecycle, in_tasks]), tasks: sorted(&[everywhere, in_tasks]) }
}

fn no_column(place: Place, of: &str, column: &str, columns: &[String]) -> Diagnostic {
    let problem = Diagnostic::at(place, format!("{of} has no column `{column}`"));
    if let Some(meant) = closest(column, columns.iter().map(String::as_str)) {
        return problem.hint(format!("did you mean `{meant}`?"));
    }
    let columns: Vec<&str> = columns.iter().map(String::as_str).take(20).collect();
    problem.hint(format!("its columns are {}", listed(&columns)))
}
