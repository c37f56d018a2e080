//! Percentiles of a fleet are those of the raw samples: each user tells the target, with its next request, how long the last one
//! took, and what the target's log then has is sorted and counted by hand.

use crate::support::{Bed, target};

const TOLD: &str = r#"
users:
  visitor:
    tasks:
      main:
        steps:
          - get: "/delay/${random.int(1, 60)}"
            name: /delay
          - get: "/echo?ms=${response.time_ms}"
            name: /echo
"#;

/// Percentiles that a report has, but for those that 900 samples do not tell from the maximum.
const WANTED: [f64; 9] = [50.0, 66.0, 75.0, 80.0, 90.0, 95.0, 98.0, 99.0, 100.0];

#[test]
fn of_three_workers_are_those_of_the_raw_samples() {
    let target = target();
    let bed = Bed::new(&target.url(), TOLD);
    bed.run("-u 12 -r 50 -i 900 -t 2m", 3).ended(0);
    let report = bed.report();
    report.adds_up();
    let workers = report.list("/workers");
    assert!(workers.len() == 3 && workers.iter().all(|worker| worker["requests"].as_u64() > Some(100)));

    let log = target.log();
    let told = log.iter().filter_map(|entry| entry.query.strip_prefix("ms="));
    let mut samples: Vec<f64> = told.map(|ms| ms.parse().expect("a time in ms")).collect();
    samples.sort_by(f64::total_cmp);
    assert_eq!(samples.len(), 900);

    let rows = report.list("/endpoints");
    let row = rows.iter().find(|row| row["name"] == "/delay").expect("the row");
    for percent in WANTED {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "1 to 900")]
        let rank = (percent * 9.0).ceil() as usize;
        let exact = samples[rank - 1];
        let reported = row["percentiles_ms"][percent.to_string()].as_f64().expect("a percentile");
        // Three significant digits, and whole microseconds.
        assert!((reported - exact).abs() <= exact * 1e-3 + 1e-3, "p{percent}: {reported} for {exact}");
    }
    let mean = samples.iter().sum::<f64>() / 900.0;
    let reported = row["avg_ms"].as_f64().expect("a mean");
    assert!((reported - mean).abs() <= mean * 1e-5, "{reported} for {mean}");
}
