//! One load profile of `load`, or a list of them, as written: a ramp, stages, a shape, or arrivals at a rate.
//!
//! What becomes of them, and what flags make of that, is in `load`.

use std::time::Duration;

use super::cx::Cx;
use super::eval::Scope;
use super::find_max;
use super::load::{LOAD, MOST_USERS};
use super::schema::Fields;
use super::stages::{self, RateStage, Stages, UserStage};
use crate::arrivals::Spacing;
use crate::diagnostics::Diagnostic;
use crate::expression::ShapeExpression;
use crate::plan::Place;
use crate::rate::Rate;
use crate::rate_profile::RateProfile;
use crate::tree::{Entry, Kind, Node};

/// Profiles in a list at most.
const MOST_PROFILES: usize = 1000;

/// What stands in `load`.
#[derive(Default)]
pub(super) struct Written {
    pub(super) profiles: Vec<Profile>,
    /// Whether they stand in a list.
    pub(super) is_list: bool,
    pub(super) iterations: Option<(u64, Place)>,
    pub(super) stop_timeout: Option<(Duration, Place)>,
    pub(super) warmup: Option<(Duration, Place)>,
    pub(super) spacing: Option<(Spacing, Place)>,
    pub(super) max_users: Option<(u32, Place)>,
    /// Users that are started before the first arrival.
    pub(super) beforehand: Option<(u32, Place)>,
}

/// One profile.
pub(super) struct Profile {
    pub(super) course: Course,
    pub(super) run_time: Option<Duration>,
    pub(super) hold: Option<Duration>,
    pub(super) place: Place,
}

/// Users, with their place, and spawn rate of a plain ramp.
type Plain = (Option<(u32, Place)>, Option<Rate>);

/// What a profile does.
pub(super) enum Course {
    Ramp {
        users: Option<(u32, Place)>,
        spawn_rate: Option<Rate>,
    },
    Stages {
        stages: Vec<UserStage>,
        spawn_rate: Option<Rate>,
    },
    /// As many users as an expression of the time says; `text` is the expression.
    Shape {
        shape: ShapeExpression,
        text: String,
        place: Place,
    },
    Rate(Rate),
    RateStages(Vec<RateStage>),
    /// The rate is looked for.
    Search(Box<find_max::Written>),
    /// It could not be read, and that has been reported.
    Unread {
        open: bool,
    },
}

impl Course {
    /// Whether it is one of arrivals.
    pub(super) fn is_open(&self) -> bool {
        matches!(self, Self::Rate(_) | Self::RateStages(_) | Self::Search(_) | Self::Unread { open: true })
    }
}

impl Written {
    /// Whether the file asks for arrivals.
    pub(super) fn is_open(&self) -> bool {
        self.profiles.iter().any(|profile| profile.course.is_open())
    }

    /// The plain ramp that it is, or that it is where there is no `load`.
    pub(super) fn plain(&self) -> Option<Plain> {
        match self.profiles.as_slice() {
            [] => Some((None, None)),
            [Profile { course: Course::Ramp { users, spawn_rate }, .. }] if !self.is_list => {
                Some((*users, *spawn_rate))
            }
            _ => None,
        }
    }

    /// The only profile, unless it stands in a list.
    pub(super) fn single(&self) -> Option<&Profile> {
        self.profiles.first().filter(|_| !self.is_list)
    }

    /// What it is, for a sentence about what replaced it.
    pub(super) fn called(&self) -> &'static str {
        match self.profiles.first().map(|profile| &profile.course) {
            _ if self.is_list => "the list of profiles of the file",
            Some(Course::Rate(_)) => "the arrival rate of the file",
            Some(Course::Search(_)) => "the search of the file",
            Some(Course::Shape { .. }) => "the shape of the file",
            Some(Course::Stages { .. } | Course::RateStages(_)) => "the stages of the file",
            _ => "the load of the file",
        }
    }
}

/// Reads `load`.
pub(super) fn read(node: &Node, scope: &Scope<'_>, cx: &Cx<'_>) -> Written {
    let mut written = Written::default();
    let items = match &node.kind {
        Kind::List(items) => {
            written.is_list = true;
            items.as_slice()
        }
        _ => std::slice::from_ref(node),
    };
    if items.is_empty() || items.len() > MOST_PROFILES {
        let text =
            if items.is_empty() { "there is no load profile" } else { "there are more than 1000 profiles" };
        cx.report(
            Diagnostic::at(node.place, text)
                .hint("for example `load: {users: 200, spawn_rate: 10, run_time: 1m}`"),
        );
    }
    let is_open = items.iter().any(|item| open_key(item, false).is_some());
    for item in items.iter().take(MOST_PROFILES) {
        let Some(fields) = LOAD.open(item, cx) else { continue };
        let profile = read_profile(item, fields, open_key(item, is_open), scope, &mut written, cx);
        written.profiles.push(profile);
    }
    check_models(&written, cx);
    if let (true, Some(search)) =
        (written.profiles.len() > 1, written.profiles.iter().find(|profile| is_search(profile)))
    {
        cx.report(
            Diagnostic::at(
                search.place,
                "a search is a test by itself, and this one stands among other profiles",
            )
            .hint("make two files of it"),
        );
    }
    written
}

fn is_search(profile: &Profile) -> bool {
    matches!(profile.course, Course::Search(_))
}

/// Of users or of arrivals: one of the two.
fn check_models(written: &Written, cx: &Cx<'_>) {
    let find = |open: bool| written.profiles.iter().find(|profile| profile.course.is_open() == open);
    if let (Some(open), Some(closed)) = (find(true), find(false)) {
        let (first, other) = if open.place < closed.place { (open, closed) } else { (closed, open) };
        let what = |open| if open { "arrivals at a rate" } else { "a number of users" };
        let (this, that) = (what(other.course.is_open()), what(first.course.is_open()));
        cx.report(
            Diagnostic::at(other.place, format!("this profile is of {this}, and one before it of {that}"))
                .note(first.place, format!("{that} here"))
                .hint("a test has one of the two models: make two files of it, or write all profiles in one model"),
        );
    }
}

/// The key of a profile that makes it one of arrivals. Stages that only go to nothing are what the others are.
fn open_key(profile: &Node, others: bool) -> Option<&Entry> {
    let Kind::Map(entries) = &profile.kind else { return None };
    let is_open = |entry: &&Entry| match entry.key.as_str() {
        "rate" | "find_max" => true,
        "stages" => stages::are_rates(&entry.value).unwrap_or(others),
        _ => false,
    };
    entries.iter().find(is_open)
}

fn read_profile(
    node: &Node,
    fields: Fields<'_>,
    open: Option<&Entry>,
    scope: &Scope<'_>,
    written: &mut Written,
    cx: &Cx<'_>,
) -> Profile {
    check_keys(fields, open, cx);
    read_once(fields, scope, written, cx);
    let shape = fields.get("users").filter(|node| open.is_none() && is_shape(node));
    let users = fields.get("users").filter(|_| shape.is_none()).and_then(|node| {
        // Users of one profile of several may be none at all.
        let least = u64::from(!written.is_list && open.is_none());
        let users = scope.whole(node, "the number of users", least, u64::from(MOST_USERS), cx)?;
        Some((u32::try_from(users).ok()?, node.place))
    });
    let spawn_rate = fields.get("spawn_rate").and_then(|node| scope.rate(node, cx));
    if let (Some(_), Some(entry)) = (open, fields.entry("users")) {
        once(&mut written.beforehand, entry, users.map(|(users, _)| users), cx);
    }
    let search = fields.get("find_max").map(|node| find_max::read(node, scope, cx));
    let course = match (fields.get("rate"), fields.get("stages")) {
        _ if search.is_some() => search.flatten().map(|search| Course::Search(Box::new(search))),
        (Some(node), _) => read_rate(node, scope, cx).map(Course::Rate),
        (None, Some(node)) => stages::read(node, open.is_some(), scope, cx).map(|stages| match stages {
            Stages::Users(stages) => Course::Stages { stages, spawn_rate },
            Stages::Rates(stages) => Course::RateStages(stages),
        }),
        (None, None) => match shape {
            Some(node) => read_shape(node, fields, scope, cx),
            None => Some(Course::Ramp { users, spawn_rate }),
        },
    };
    let course = course.unwrap_or(Course::Unread { open: open.is_some() });
    let time = |key: &str, why: &str| fields.get(key).and_then(|node| scope.some_duration(node, why, cx));
    let run_time = time("run_time", "leave `run_time` out to run until stopped");
    let hold = time("hold", "leave `hold` out to run until stopped, or to the end of the stages");
    Profile { course, run_time, hold, place: node.place }
}

/// Whether a number of users is an expression of the time: `t` is one of its names.
fn is_shape(node: &Node) -> bool {
    let Some(text) = node.text().filter(|text| text.contains("${")) else { return false };
    let (mut name, mut before, mut quote) = (String::new(), ' ', None);
    for sign in text.chars().chain([' ']) {
        if let Some(open) = quote {
            quote = (sign != open).then_some(open);
        } else if sign.is_ascii_alphanumeric() || sign == '_' {
            name.push(sign);
        } else {
            if name == "t" && before != '.' {
                return true;
            }
            (before, quote) = (sign, matches!(sign, '\'' | '"').then_some(sign));
            name.clear();
        }
    }
    false
}

fn read_shape(node: &Node, fields: Fields<'_>, scope: &Scope<'_>, cx: &Cx<'_>) -> Option<Course> {
    let before = cx.count();
    if let Some(entry) = fields.entry("spawn_rate") {
        let text = "a shape says at each moment how many users there are: it has no spawn rate";
        cx.report(Diagnostic::at(entry.key_place, text).note(node.place, "the shape is here"));
    }
    if let Some(entry) = fields.entry("hold") {
        let text = "a shape has no end of a ramp from which a `hold` could count";
        cx.report(Diagnostic::at(entry.key_place, text).hint("give it a `run_time`"));
    }
    let text = node.text()?.trim();
    let shape = scope.shape(text, node.place, cx)?;
    let inside = text.strip_prefix("${").and_then(|text| text.strip_suffix('}')).unwrap_or(text);
    let text = inside.trim().chars().take(80).collect();
    (cx.count() == before).then_some(Course::Shape { shape, text, place: node.place })
}

/// Which keys do not go together.
fn check_keys(fields: Fields<'_>, open: Option<&Entry>, cx: &Cx<'_>) {
    let key = |key| fields.entry(key);
    if let (Some(search), Some(other)) = (key("find_max"), key("rate").or(key("stages")).or(key("hold"))) {
        let text = format!("`find_max` sets the rate by itself, so there is no `{}` beside it", other.key);
        cx.report(
            Diagnostic::at(other.key_place, text).note(search.key_place, "the search is here").hint(
                "how long it tries each rate is its own `hold`: `find_max: {from: 50/s, hold: 20s, …}`",
            ),
        );
    }
    if let (Some(rate), Some(stages)) = (key("rate"), key("stages")) {
        cx.report(
            Diagnostic::at(stages.key_place, "a load has a `rate` or `stages`, not both")
                .note(rate.key_place, "the rate is here"),
        );
    } else if let (None, Some(stages), Some(users)) = (open, key("stages"), key("users")) {
        cx.report(
            Diagnostic::at(users.key_place, "a load has a number of `users` or `stages` of users, not both")
                .note(stages.key_place, "the stages are here")
                .hint("say it in the stages; `{to: 10, over: 0s}` begins with 10 users"),
        );
    }
    if let (Some(open), Some(spawn)) = (open, key("spawn_rate")) {
        cx.report(
            Diagnostic::at(spawn.key_place, "where arrivals come at a rate, users have no spawn rate")
                .note(open.key_place, "the arrival rate is here")
                .hint("users are started as arrivals need them, up to `max_users`"),
        );
    }
    if let (Some(run_time), Some(hold)) = (key("run_time"), key("hold")) {
        cx.report(
            Diagnostic::at(hold.key_place, "a load has a `run_time` or a `hold`, not both")
                .note(run_time.key_place, "the run time is here")
                .hint("`run_time` counts from the first start, `hold` from the end of the ramp or of the stages"),
        );
    }
    for name in ["arrivals", "max_users"] {
        if let (None, Some(entry)) = (open, key(name)) {
            let text = format!("`{name}` goes with an arrival rate, and there is none");
            cx.report(Diagnostic::at(entry.key_place, text).hint("for example `rate: 500/s`"));
        }
    }
}

/// What is for the whole test, in whichever of its profiles it stands.
fn read_once(fields: Fields<'_>, scope: &Scope<'_>, written: &mut Written, cx: &Cx<'_>) {
    if let Some(entry) = fields.entry("iterations") {
        let read = scope.whole(&entry.value, "the number of iterations", 1, 1 << 53, cx);
        once(&mut written.iterations, entry, read, cx);
    }
    if let Some(entry) = fields.entry("stop_timeout") {
        once(&mut written.stop_timeout, entry, scope.duration(&entry.value, cx), cx);
    }
    if let Some(entry) = fields.entry("warmup") {
        once(&mut written.warmup, entry, scope.duration(&entry.value, cx), cx);
    }
    if let Some(entry) = fields.entry("arrivals") {
        once(&mut written.spacing, entry, read_spacing(&entry.value, scope, cx), cx);
    }
    if let Some(entry) = fields.entry("max_users") {
        let most = scope.whole(&entry.value, "`max_users`", 1, u64::from(MOST_USERS), cx);
        once(&mut written.max_users, entry, most.and_then(|most| u32::try_from(most).ok()), cx);
    }
}

fn once<T>(slot: &mut Option<(T, Place)>, entry: &Entry, read: Option<T>, cx: &Cx<'_>) {
    if let Some((_, first)) = slot {
        let text = format!("`{}` is for the whole test, and stands in two of its profiles", entry.key);
        cx.report(Diagnostic::at(entry.key_place, text).note(*first, "it is here too"));
        return;
    }
    *slot = read.map(|read| (read, entry.value.place));
}

fn read_rate(node: &Node, scope: &Scope<'_>, cx: &Cx<'_>) -> Option<Rate> {
    let rate = scope.rate(node, cx)?;
    if let Err(error) = RateProfile::constant(rate) {
        cx.report(Diagnostic::at(node.place, error.to_string()));
        return None;
    }
    Some(rate)
}

fn read_spacing(node: &Node, scope: &Scope<'_>, cx: &Cx<'_>) -> Option<Spacing> {
    match scope.setting(node, "`even` or `poisson`", cx)?.as_str() {
        "even" => Some(Spacing::Even),
        "poisson" => Some(Spacing::Poisson),
        other => {
            let text = format!("`even` or `poisson` is expected here, not `{other}`");
            cx.report(Diagnostic::at(node.place, text));
            None
        }
    }
}
