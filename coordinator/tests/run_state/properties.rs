//! However batches are repeated, reordered and sent again: the totals are those of the distinct ones.

use proptest::prelude::*;
use stampede_coordinator::run::input::{Effect, Input, Person, Progress};
use stampede_proto::batch::Batch;
use stampede_stats::counts::{IterationCounts, RequestCounts};

use crate::world::{World, acknowledged, is_over};

const LOAD: &str = "users: 9, spawn_rate: 3, iterations: 1000";

/// A worker's outbox as it should be: numbered batches, and where the transport is.
#[derive(Debug, Default)]
struct Out {
    batches: Vec<Batch>,
    next: usize,
    /// The greatest number that was acknowledged.
    through: usize,
}

#[derive(Debug, Clone, Copy)]
enum Step {
    /// A second more: begun, and of what is open ok, failed.
    Measure(u64, u64, u64),
    /// The next batch goes.
    Send,
    /// One of those that went goes again.
    Repeat(usize),
    /// One that is not its turn goes: the session ends, and everything not acknowledged goes again.
    Skip(usize),
    /// The line breaks.
    Reconnect,
    /// A heartbeat announces that so many more requests began.
    Announce(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..9u64, 0..9u64, 0..3u64).prop_map(|(begun, ok, failed)| Step::Measure(begun, ok, failed)),
        4 => Just(Step::Send),
        1 => any::<usize>().prop_map(Step::Repeat),
        1 => (1..4usize).prop_map(Step::Skip),
        1 => Just(Step::Reconnect),
        1 => (0..4u64).prop_map(Step::Announce),
    ]
}

fn note_acks(out: &mut Out, effects: &[Effect]) {
    if let Some((through, _)) = acknowledged(effects) {
        out.through = out.through.max(usize::try_from(through).expect("small"));
    }
}

fn reconnect(world: &mut World, worker: usize, out: &mut Out) {
    let effects = world.connect(worker, false);
    note_acks(out, &effects);
    out.next = out.through;
}

fn take(world: &mut World, worker: usize, out: &mut Out, step: Step) {
    let effects = match step {
        Step::Measure(begun, ok, failed) => {
            let mine = &mut world.workers[worker];
            let open = mine.requests.started - mine.requests.ended() + begun;
            let ok = ok.min(open);
            out.batches.push(mine.second(begun, ok, failed.min(open - ok), 0));
            return;
        }
        Step::Send if out.next < out.batches.len() => {
            out.next += 1;
            world.deliver(worker, out.batches[out.next - 1].clone())
        }
        Step::Repeat(which) if out.next > 0 => world.deliver(worker, out.batches[which % out.next].clone()),
        Step::Skip(by) if out.next + by < out.batches.len() => {
            let early = out.batches[out.next + by].clone();
            world.deliver(worker, early);
            // A minute later, so that three of these do not lose the worker.
            world.pass(61_000, &[0, 1, 2]);
            return reconnect(world, worker, out);
        }
        Step::Reconnect => return reconnect(world, worker, out),
        Step::Announce(more) => {
            let mine = &mut world.workers[worker];
            mine.heartbeat.started = mine.requests.started + more;
            mine.heartbeat.iterations_begun = mine.iterations.begun;
            world.says(worker, Progress::Running)
        }
        _ => return,
    };
    note_acks(out, &effects);
}

/// Sums of the batches up to the number applied.
fn sums(outs: &[Out], all: bool) -> (RequestCounts, IterationCounts) {
    let (mut requests, mut iterations) = (RequestCounts::default(), IterationCounts::default());
    for out in outs {
        for batch in out.batches.iter().take(if all { out.batches.len() } else { out.through }) {
            requests.add(&batch.snapshot.requests());
            iterations.add(&batch.snapshot.iterations);
        }
    }
    (requests, iterations)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn totals_are_the_sum_of_distinct_batches(
        steps in prop::collection::vec((0..3usize, step()), 1..120),
        lost in prop::option::of(0..3usize),
    ) {
        let mut world = World::started(3, LOAD);
        // Far enough on for every second that is going to be measured.
        world.pass(130_000, &[0, 1, 2]);
        let mut outs = [Out::default(), Out::default(), Out::default()];
        for (worker, step) in steps {
            take(&mut world, worker, &mut outs[worker], step);
            let result = world.result();
            let (requests, iterations) = sums(&outs, false);
            prop_assert_eq!((result.totals.requests(), result.totals.iterations), (requests, iterations));
            prop_assert_eq!(result.totals.aggregated().ok.count(), requests.ok);
        }
        world.give(Input::Person(Person::Quit));
        let mut over = false;
        for worker in (0..3).filter(|worker| Some(*worker) != lost) {
            reconnect(&mut world, worker, &mut outs[worker]);
            while outs[worker].next < outs[worker].batches.len() {
                take(&mut world, worker, &mut outs[worker], Step::Send);
            }
            let last = world.workers[worker].last();
            outs[worker].batches.push(last.clone());
            outs[worker].through = outs[worker].batches.len();
            over |= is_over(&world.deliver(worker, last));
        }
        prop_assert_eq!(over, lost.is_none());
        over |= is_over(&world.pass(40_000, &[]));
        prop_assert!(over);
        let result = world.result();
        let (requests, iterations) = sums(&outs, lost.is_none());
        prop_assert_eq!((result.totals.requests(), result.totals.iterations), (requests, iterations));
        prop_assert_eq!(result.accounting.contradictions.len(), 0);
        if lost.is_none() {
            prop_assert!(result.is_complete() && result.accounting.unknown == 0);
        }
    }
}
