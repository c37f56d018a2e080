//! Whatever bytes a peer sends: each message is refused with the name of a field, or taken and then as it should be. Nothing
//! panics, and nothing grows far beyond what arrived.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use prost::Message;
use stampede_proto::assign::{Assign, Grant, Held, LaneShare, OpenShare};
use stampede_proto::batch::{Batch, Finals, Running};
use stampede_proto::prepare::{AssetInfo, ClientChoice, Prepare};
use stampede_proto::steer::Steer;
use stampede_proto::{assign, batch, prepare, v1};
use stampede_scenarios::profile::{Profile, Ramp};
use stampede_scenarios::ranks::RankSet;
use stampede_scenarios::rate::Rate;
use stampede_scenarios::rate_profile::RateProfile;
use stampede_scenarios::source::{Overrides, Source};
use stampede_stats::counts::{IterationCounts, RequestCounts};
use stampede_stats::endpoint::{EndpointDelta, EndpointKey, Part, RowKind};
use stampede_stats::histogram::{PHASE_DIGITS, TIMES_DIGITS, Times, TimesDelta};
use stampede_stats::interval::Gauges;
use stampede_stats::outcome::FailureKind;
use stampede_stats::snapshot::{ErrorCount, ErrorKey, Snapshot, TargetDelta};
use stampede_stats::totals::Totals;

fn times(digits: u8) -> TimesDelta {
    let mut times = Times::<u32>::new(digits);
    for ns in [1_200, 3_000_000, 3_100_000, 700_000_000] {
        times.record(ns);
    }
    times.delta()
}

fn a_batch() -> v1::SnapshotBatch {
    let counts =
        RequestCounts { started: 9, sent: 8, ok: 4, failed: 4, cancelled: 1, ..RequestCounts::default() };
    let [ok, failed, service] = [(); 3].map(|()| times(TIMES_DIGITS));
    let delta =
        EndpointDelta { counts, ok, failed, service, ttfb: times(PHASE_DIGITS), ..EndpointDelta::default() };
    let keys = [
        EndpointKey::new("GET", "/"),
        EndpointKey::new("POST", "/a").in_part(Part::WarmUp),
        EndpointKey::of(RowKind::Group, "GROUP", "checkout"),
    ];
    let error = ErrorKey { endpoint: keys[0].clone(), kind: FailureKind::Closed, message: "gone".into() };
    let phase = || times(PHASE_DIGITS);
    let target = TargetDelta { connections: 2, dns: phase(), connect: phase(), tls: phase() };
    let iterations =
        IterationCounts { planned: 9, dropped: 2, begun: 7, completed: 6, ..IterationCounts::default() };
    let snapshot = Snapshot {
        from_s: 7,
        to_s: 9,
        endpoints: keys.iter().map(|key| (key.clone(), delta.clone())).collect(),
        errors: BTreeMap::from([(error, ErrorCount { count: 4, first_s: 7, last_s: 8 })]),
        iterations,
        targets: BTreeMap::from([("h:80".into(), target)]),
        gauges: Gauges { users: vec![3, 4], ..Gauges::default() },
        lag: times(TIMES_DIGITS),
        lateness: times(TIMES_DIGITS),
        ..Snapshot::default()
    };
    let finals = Finals { endpoints: keys.into_iter().map(|key| (key, counts)).collect(), iterations };
    batch::to_wire(&Batch {
        run: "r".into(),
        number: 3,
        snapshot,
        last_part: true,
        running: Some(Running { requests: counts, iterations }),
        finals: Some(finals),
    })
}

fn an_assignment() -> v1::Assign {
    let rate = Rate::new(10, 3).expect("positive");
    let grant = |ranks: Vec<u32>| Grant {
        class: 1,
        ranks: RankSet::from_sorted(ranks),
        life: 2,
        from: Duration::from_secs(3),
        rate: Some(rate),
    };
    let lanes =
        LaneShare { lanes: RankSet::from_sorted((0..1024).step_by(3).collect()), from: 3, until: Some(9) };
    let assign = Assign {
        run: "r".into(),
        revision: 4,
        profile: Profile::ramp(200, rate).changed(Duration::from_secs(30), 210, rate),
        grants: vec![grant((5..90).collect()), grant((0..100).map(|n| n * 3).collect())],
        open: Some(OpenShare { lanes: vec![lanes], first_user: 7, max_users: 90 }),
        cut: true,
        steer: Steer { rate: RateProfile::constant(rate).ok().map(Arc::new), paused: true },
    };
    assign::to_wire(&assign, &Profile::default())
}

fn a_test() -> v1::Prepare {
    let asset = AssetInfo { path: "a".into(), sha256: [7; 32], size: 3, file_name: "a".into() };
    prepare::to_wire(&Prepare {
        run: "r".into(),
        source: Source::new("a.yaml", "target: http://h"),
        overrides: Overrides { spawn_rate: Rate::new(1, 2), users: Some(3), ..Overrides::default() },
        env: BTreeMap::from([("K".into(), "v".into())]),
        seed: 42,
        assets: vec![asset],
        client: ClientChoice::Native,
    })
}

fn a_heartbeat() -> v1::WorkerStatus {
    let held = Held { class: 3, ranks: RankSet::from_sorted((0..50).map(|n| n * 2).collect()) };
    v1::WorkerStatus {
        users: vec![1, 2],
        held: vec![assign::held_to_wire(&held)],
        ..v1::WorkerStatus::default()
    }
}

/// Takes a batch as the coordinator does: what is accepted is put into totals, and is sent on unchanged.
fn take_batch(bytes: &[u8]) {
    let Ok(wire) = v1::SnapshotBatch::decode(bytes) else { return };
    let Ok(taken) = batch::from_wire(wire) else { return };
    assert!(taken.snapshot.endpoints.iter().all(|(key, delta)| delta.is_consistent(key.kind)));
    let mut totals = Totals::default();
    totals.add(&taken.snapshot);
    totals.add(&taken.snapshot);
    assert_eq!(totals.aggregated().ok.count(), totals.requests().ok);
    let again = batch::from_wire(batch::to_wire(&taken)).expect("what was taken can be taken again");
    assert_eq!(again, taken);
}

/// Takes an assignment as a worker does: when its users start, and how many there are.
fn take_assignment(bytes: &[u8]) {
    let Ok(mut wire) = v1::Assign::decode(bytes) else { return };
    // Rubbish hardly ever has the right mark, and would get no further.
    let ramp = |ramp: &v1::Ramp| {
        let rate = ramp.rate.and_then(|rate| Rate::new(rate.num, rate.den))?;
        Some(Ramp { at: Duration::from_nanos(ramp.at_ns), to: ramp.to, rate })
    };
    let planned = Profile::default();
    wire.mark = Profile::from_changes(wire.profile.iter().filter_map(ramp).collect()).mark();
    let Ok(taken) = assign::from_wire(wire, &planned) else { return };
    assert!(taken.profile.peak() <= 10_000_000);
    for at in [Duration::ZERO, Duration::from_secs(31), Duration::from_nanos(u64::MAX), Duration::MAX] {
        taken.profile.users_at(at);
        taken.profile.next_start(5, at);
        taken.profile.next_stop(5, at);
    }
    taken.profile.settled_at();
    let again = assign::from_wire(assign::to_wire(&taken, &planned), &planned)
        .expect("what was taken can be taken again");
    assert_eq!(again, taken);
}

fn take_test(bytes: &[u8]) {
    let Ok(wire) = v1::Prepare::decode(bytes) else { return };
    if let Ok(taken) = prepare::from_wire(wire) {
        prepare::from_wire(prepare::to_wire(&taken)).expect("what was taken can be taken again");
    }
}

fn take_heartbeat(bytes: &[u8]) {
    let Ok(wire) = v1::WorkerStatus::decode(bytes) else { return };
    if let Ok(held) = assign::held_from_wire(&wire.held) {
        let again: Vec<_> = held.iter().map(assign::held_to_wire).collect();
        assert_eq!(assign::held_from_wire(&again).expect("what was taken can be taken again"), held);
    }
}

/// How bytes are spoilt.
#[derive(Debug, Clone)]
enum Spoil {
    Set(usize, u8),
    Flip(usize, u8),
    Cut(usize),
    Insert(usize, Vec<u8>),
    /// A piece once more, elsewhere: whole fields twice, out of order, in each other.
    Copy(usize, usize, usize),
}

fn spoil() -> impl Strategy<Value = Spoil> {
    let at = || any::<usize>();
    prop_oneof![
        // Ends of varints, and the tags and lengths of fields.
        (at(), prop_oneof![Just(0), Just(0x7f), Just(0x80), Just(0xff), any::<u8>()])
            .prop_map(|(at, byte)| Spoil::Set(at, byte)),
        (at(), 0u8..8).prop_map(|(at, bit)| Spoil::Flip(at, bit)),
        at().prop_map(Spoil::Cut),
        (at(), prop::collection::vec(any::<u8>(), 1..12)).prop_map(|(at, bytes)| Spoil::Insert(at, bytes)),
        (at(), at(), at()).prop_map(|(from, to, at)| Spoil::Copy(from, to, at)),
    ]
}

fn spoilt(mut bytes: Vec<u8>, spoils: &[Spoil]) -> Vec<u8> {
    for spoil in spoils {
        let len = bytes.len().max(1);
        match spoil {
            _ if bytes.is_empty() => break,
            Spoil::Set(at, byte) => bytes[at % len] = *byte,
            Spoil::Flip(at, bit) => bytes[at % len] ^= 1 << bit,
            Spoil::Cut(at) => bytes.truncate(at % len),
            Spoil::Insert(at, more) => drop(bytes.splice(at % len..at % len, more.iter().copied())),
            Spoil::Copy(from, to, at) => {
                let (from, to) = ((from % len).min(to % len), (from % len).max(to % len));
                let piece = bytes[from..to].to_vec();
                bytes.splice(at % len..at % len, piece);
            }
        }
    }
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_are_refused_or_well_formed(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        take_batch(&bytes);
        take_assignment(&bytes);
        take_test(&bytes);
        take_heartbeat(&bytes);
    }

    #[test]
    fn spoilt_messages_are_refused_or_well_formed(spoils in prop::collection::vec(spoil(), 1..5)) {
        take_batch(&spoilt(a_batch().encode_to_vec(), &spoils));
        take_assignment(&spoilt(an_assignment().encode_to_vec(), &spoils));
        take_test(&spoilt(a_test().encode_to_vec(), &spoils));
        take_heartbeat(&spoilt(a_heartbeat().encode_to_vec(), &spoils));
    }
}

#[test]
fn unspoilt_messages_are_taken() {
    assert!(batch::from_wire(a_batch()).is_ok());
    assert!(assign::from_wire(an_assignment(), &Profile::default()).is_ok());
    assert!(prepare::from_wire(a_test()).is_ok());
    assert!(assign::held_from_wire(&a_heartbeat().held).is_ok());
}

#[test]
fn a_million_endpoint_names_are_refused() {
    let mut wire = a_batch();
    let one = v1::EndpointDelta { counts: Some(v1::Requests::default()), ..v1::EndpointDelta::default() };
    wire.endpoints =
        (0..1_000_000).map(|n| v1::EndpointDelta { name: format!("/{n}"), ..one.clone() }).collect();
    let refused = batch::from_wire(wire).expect_err("refused").to_string();
    assert!(refused.contains("more than a batch can carry"), "{refused}");
}
