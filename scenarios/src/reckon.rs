//! How many requests an iteration makes and how long it pauses, as far as the file alone says it.
//!
//! Through `choose`, `repeat` and groups both are expected values; where the answers of the target decide, only bounds are known.

use std::time::Duration;

use crate::expression::Expression;
use crate::outline::{Step, outline};
use crate::plan::{ClassPlan, LoopKind, LoopPlan, Plan, Program, TaskOrder, TaskPlan};
use crate::rate_profile::RateProfile;
use crate::value::Value;
use crate::wait::Wait;

/// Passes at most of a loop that does not say it: too many to be a bound that means something.
const UNSAID_MAX: u64 = 10_000;

/// A number of something in an iteration.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Count {
    /// At least.
    pub(crate) lo: f64,
    /// At most; `None` where nothing but the loops' own limit bounds it.
    pub(crate) hi: Option<f64>,
    /// On average; `None` where the target decides.
    pub(crate) mean: Option<f64>,
}

impl Count {
    const NOTHING: Self = Self::exactly(0.0);

    const fn exactly(number: f64) -> Self {
        Self { lo: number, hi: Some(number), mean: Some(number) }
    }

    fn plus(self, other: Self) -> Self {
        let both = |a: Option<f64>, b: Option<f64>| Some(a? + b?);
        Self { lo: self.lo + other.lo, hi: both(self.hi, other.hi), mean: both(self.mean, other.mean) }
    }

    /// One or the other, and nobody knows which.
    fn or(self, other: Self) -> Self {
        let mean = self.mean.filter(|mean| Some(*mean) == other.mean);
        let hi = self.hi.zip(other.hi).map(|(a, b)| a.max(b));
        Self { lo: self.lo.min(other.lo), hi, mean }
    }

    fn times(self, passes: Self) -> Self {
        let product = |a: Option<f64>, b: Option<f64>| match (a, b) {
            // Nothing is nothing however often.
            (Some(0.0), _) | (_, Some(0.0)) => Some(0.0),
            (a, b) => Some(a? * b?),
        };
        Self {
            lo: self.lo * passes.lo,
            hi: product(self.hi, passes.hi),
            mean: product(self.mean, passes.mean),
        }
    }

    /// Of several with their shares.
    fn mixed(parts: impl Iterator<Item = (f64, Self)>) -> Self {
        // What is never drawn bounds nothing.
        let parts: Vec<(f64, Self)> = parts.filter(|(share, _)| *share > 0.0).collect();
        let all: Option<Self> = parts.iter().map(|(_, count)| *count).reduce(Self::or);
        let mean = parts.iter().map(|(share, count)| Some(share * count.mean?)).sum();
        all.map_or(Self::NOTHING, |all| Self { mean, ..all })
    }
}

/// What an iteration of something comes to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Effort {
    /// Requests; redirects are not known beforehand.
    pub(crate) requests: Count,
    /// Pauses within, in seconds.
    pub(crate) pause: Count,
    /// Whether it may end before its last step.
    may_end: bool,
    /// Whether it ends in any case: what stands behind is never reached.
    ends: bool,
}

impl Effort {
    const NOTHING: Self =
        Self { requests: Count::NOTHING, pause: Count::NOTHING, may_end: false, ends: false };

    /// Whether it ends the iteration in any case.
    pub(crate) fn ends(self) -> bool {
        self.ends
    }

    /// Whether it may end the iteration.
    pub(crate) fn may_end(self) -> bool {
        self.may_end
    }

    fn map(self, change: impl Fn(Count) -> Count) -> Self {
        Self { requests: change(self.requests), pause: change(self.pause), ..self }
    }

    fn or(self, other: Self) -> Self {
        Self {
            requests: self.requests.or(other.requests),
            pause: self.pause.or(other.pause),
            may_end: self.may_end || other.may_end,
            ends: self.ends && other.ends,
        }
    }
}

/// What a pass through a program comes to.
pub(crate) fn effort(program: &Program) -> Effort {
    of_steps(&outline(program))
}

/// What an average iteration of a class comes to, its tasks by their shares.
pub(crate) fn effort_of_class(class: &ClassPlan) -> Effort {
    let tasks: Vec<(f64, Effort)> =
        class.tasks.iter().map(|task| (share_of(class, task), effort(&task.program))).collect();
    Effort {
        requests: Count::mixed(tasks.iter().map(|(share, effort)| (*share, effort.requests))),
        pause: Count::mixed(tasks.iter().map(|(share, effort)| (*share, effort.pause))),
        ..Effort::NOTHING
    }
}

/// How much of the iterations a task has: by weight only where tasks are drawn by weight.
fn share_of(class: &ClassPlan, task: &TaskPlan) -> f64 {
    match class.order {
        TaskOrder::Weighted => task.share,
        _ if task.share <= 0.0 => 0.0,
        _ => 1.0 / class.tasks.iter().filter(|task| task.share > 0.0).count() as f64,
    }
}

/// Requests per second of a class with so many users when the target answers at once; `None` if nothing bounds them, or if
/// what the target answers decides.
pub(crate) fn most_per_second(class: &ClassPlan, users: f64) -> Option<f64> {
    let effort = effort_of_class(class);
    let requests = effort.requests.mean?;
    let pause = effort.pause.mean?;
    let each = match class.wait.period() {
        Some(period) => period.as_secs_f64().max(pause),
        None => pause + mean_of(&class.wait).as_secs_f64(),
    };
    (each > 0.0 && class.pipeline <= 1).then(|| users * requests / each)
}

/// Requests per second in the open model at this rate; `None` if what the target answers decides.
pub(crate) fn of_arrivals(plan: &Plan, rate: &RateProfile) -> Option<f64> {
    let shown = 10_000;
    let counts = plan.load.sequence.counts_of_prefix(shown);
    let each = plan.classes.iter().zip(counts).map(|(class, count)| {
        if count == 0 {
            Some(0.0)
        } else {
            Some(effort_of_class(class).requests.mean? * count as f64 / shown as f64)
        }
    });
    Some(each.sum::<Option<f64>>()? * rate.peak_rate())
}

/// How long a pause is on average.
pub(crate) fn mean_of(wait: &Wait) -> Duration {
    match *wait {
        Wait::None | Wait::Pacing { .. } | Wait::Throughput { .. } => Duration::ZERO,
        Wait::Constant(pause) => pause,
        Wait::Uniform { lo, hi } => (lo + hi) / 2,
        Wait::Normal { mean, .. } | Wait::Exponential { mean } => mean,
    }
}

/// What a list of steps comes to.
pub(crate) fn of_steps(steps: &[Step<'_>]) -> Effort {
    let mut sum = Effort::NOTHING;
    // The ways that end before the last step.
    let mut early: Option<Effort> = None;
    for step in steps {
        let one = of_step(step);
        sum = Effort {
            requests: sum.requests.plus(one.requests),
            pause: sum.pause.plus(one.pause),
            may_end: sum.may_end || one.may_end,
            ends: one.ends,
        };
        if one.ends {
            break;
        }
        if one.may_end {
            early = Some(early.map_or(sum, |before| before.or(sum)));
        }
    }
    early.map_or(sum, |early| Effort { ends: sum.ends, ..sum.or(early) })
}

fn of_step(step: &Step<'_>) -> Effort {
    let nothing = Effort::NOTHING;
    match step {
        Step::Request(_) => Effort { requests: Count::exactly(1.0), ..nothing },
        Step::Think(wait) => Effort { pause: pause_of(wait), ..nothing },
        Step::Set(_) | Step::Log(_) | Step::Fail(_) => nothing,
        Step::Stop(_) => Effort { may_end: true, ends: true, ..nothing },
        Step::If { then, otherwise, .. } => of_steps(then).or(of_steps(otherwise)),
        Step::Loop { plan, body } => of_loop(plan, of_steps(body)),
        Step::Choose(choices) => {
            let parts: Vec<(f64, Effort)> =
                choices.iter().map(|(share, steps)| (*share, of_steps(steps))).collect();
            Effort {
                requests: Count::mixed(parts.iter().map(|(share, effort)| (*share, effort.requests))),
                pause: Count::mixed(parts.iter().map(|(share, effort)| (*share, effort.pause))),
                may_end: parts.iter().any(|(_, effort)| effort.may_end),
                ends: !parts.is_empty() && parts.iter().all(|(_, effort)| effort.ends),
            }
        }
        Step::Parallel { branches, .. } => {
            branches.iter().map(|steps| of_steps(steps)).fold(nothing, |sum, one| Effort {
                requests: sum.requests.plus(one.requests),
                // Branches pause side by side; the longest counts, and which that is nobody knows.
                pause: Count {
                    lo: sum.pause.lo.max(one.pause.lo),
                    hi: sum.pause.plus(one.pause).hi,
                    mean: sum.pause.plus(one.pause).mean.filter(|mean| *mean <= 0.0),
                },
                may_end: sum.may_end || one.may_end,
                ends: sum.ends || one.ends,
            })
        }
        Step::Group { body, .. } => of_steps(body),
    }
}

fn of_loop(plan: &LoopPlan, body: Effort) -> Effort {
    let most = (plan.max != UNSAID_MAX).then_some(plan.max as f64);
    let open = |lo| Count { lo, hi: most, mean: None };
    let passes = match &plan.kind {
        LoopKind::Repeat(times) => match times {
            Expression::Known(Value::Int(times)) => Count::exactly(*times as f64),
            _ => open(0.0),
        },
        LoopKind::Until(_) => open(1.0),
        LoopKind::For { list: Expression::Known(Value::List(items)), .. } => {
            Count::exactly(items.len() as f64)
        }
        LoopKind::For { .. } | LoopKind::While(_) | LoopKind::During(_) => open(0.0),
    };
    let mut all = body.map(|count| count.times(passes));
    // From one pass to the next there is a beat; it is a pause where the pass itself is short.
    if let Some(every) = plan.every {
        all.pause = Count { mean: None, ..all.pause }
            .or(Count { mean: None, ..Count::exactly(every.as_secs_f64()).times(passes) });
    }
    if let LoopKind::During(time) = &plan.kind {
        all.pause = Count { lo: time.as_secs_f64(), hi: None, mean: None };
    }
    Effort { ends: body.ends && passes.lo >= 1.0, ..all }
}

fn pause_of(wait: &Wait) -> Count {
    let seconds = |time: Duration| time.as_secs_f64();
    let mean = Some(seconds(mean_of(wait)));
    match *wait {
        Wait::Uniform { lo, hi } => Count { lo: seconds(lo), hi: Some(seconds(hi)), mean },
        Wait::Normal { .. } | Wait::Exponential { .. } => Count { lo: 0.0, hi: None, mean },
        ref fixed => Count::exactly(seconds(mean_of(fixed))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compile::compile;
    use crate::source::{Overrides, Source};

    fn plan(steps: &str) -> Plan {
        let text = format!(
            "target: http://a.test\nusers: {{u: {{vars: {{n: 1, ids: []}}, wait: 1s..3s, on_start: [{{get: /, extract: {{ids: $.ids, n: $.n}}}}], tasks: {{t: {{steps: {steps}}}}}}}}}\n"
        );
        compile(&Source::new("t.yaml", text), &Overrides::default(), &|_| None, 1)
            .unwrap_or_else(|wrong| panic!("{wrong}"))
    }

    fn requests(steps: &str) -> (f64, Option<f64>, Option<f64>) {
        let plan = plan(steps);
        let Count { lo, hi, mean } = effort(&plan.classes[0].tasks[0].program).requests;
        (lo, hi, mean)
    }

    #[test]
    fn requests_of_an_iteration() {
        let exactly = |number: f64| (number, Some(number), Some(number));
        for (steps, expected) in [
            ("[get: /, get: /]", exactly(2.0)),
            ("[{repeat: 3, steps: [get: /, get: /]}, get: /]", exactly(7.0)),
            ("[{repeat: 3, steps: []}]", exactly(0.0)),
            ("[{group: g, steps: [get: /]}, {parallel: 2, steps: [get: /, get: /]}]", exactly(3.0)),
            ("[choose: [{weight: 3, steps: [get: /, get: /]}, {steps: []}]]", (0.0, Some(2.0), Some(1.5))),
            ("[choose: [{steps: [get: /]}], get: /]", exactly(2.0)),
            ("[choose: [{weight: 0, steps: [get: /]}, {steps: []}]]", exactly(0.0)),
            ("[{if: \"${n}\", then: [get: /]}]", (0.0, Some(1.0), None)),
            ("[{if: \"${n}\", then: [get: /], else: [get: /a]}, get: /]", exactly(2.0)),
            (
                "[{if: \"${n}\", then: [choose: [{steps: [get: /]}]], else: [get: /a, get: /b]}]",
                (1.0, Some(2.0), None),
            ),
            ("[{until: \"${n}\", steps: [get: /]}]", (1.0, None, None)),
            ("[{while: \"${n}\", max: 5, steps: [get: /, get: /]}]", (0.0, Some(10.0), None)),
            ("[{for: id, in: \"${ids}\", steps: [get: /]}, get: /]", (1.0, None, None)),
            ("[{during: 5s, steps: [get: /]}]", (0.0, None, None)),
            ("[get: /, stop: task, get: /]", exactly(1.0)),
            ("[{if: \"${n}\", then: [stop: task]}, get: /, get: /]", (0.0, Some(2.0), None)),
            (
                "[{if: \"${n}\", then: [get: /, stop: task], else: [stop: user]}, get: /]",
                (0.0, Some(1.0), None),
            ),
        ] {
            assert_eq!(requests(steps), expected, "{steps}");
        }
    }

    #[test]
    fn what_bounds_the_rate() {
        let rate = |steps: &str| most_per_second(&plan(steps).classes[0], 10.0);
        assert_eq!(rate("[get: /]"), Some(5.0), "one every two seconds for each of ten");
        assert_eq!(rate("[get: /, think: 2s, get: /]"), Some(5.0));
        assert_eq!(rate("[{while: \"${n}\", steps: [get: /]}]"), None, "the target decides");
        let mut beat = plan("[get: /, think: 2s]").classes.remove(0);
        beat.wait = Wait::Pacing { period: Duration::from_secs(1) };
        assert_eq!(most_per_second(&beat, 10.0), Some(5.0), "no beat is shorter than its iteration");
        beat.wait = Wait::None;
        assert_eq!(most_per_second(&beat, 10.0), Some(5.0));
        let mut none = plan("[get: /]").classes.remove(0);
        none.wait = Wait::None;
        assert_eq!(most_per_second(&none, 10.0), None, "nothing bounds it");
    }
}
