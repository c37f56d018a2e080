//! Responses by status are what the target sent, on two workers as on one; and the end can be printed as another tool does.

use serde_json::json;

use crate::support::{Bed, target};

/// Six requests: four whole responses, one of them behind a redirect, one that the test refuses, and one that breaks off.
const USERS: &str = r"
users:
  visitor:
    tasks:
      main:
        steps:
          - get: /status/201
          - {get: /status/404, expect: {status: 404}}
          - get: /status/503
          - get: /redirect/2
          - get: /close
";

#[test]
fn every_response_is_counted_with_its_status() {
    let target = target();
    let bed = Bed::new(&target.url(), USERS);
    let finished = bed.run("-u 4 -r 100 -i 40 -t 1m --summary siege", 2);
    finished.ended(1);
    let report = bed.report();
    report.adds_up();
    assert_eq!(*report.at("/totals/statuses"), json!({"200": 40, "201": 40, "404": 40, "503": 40}));
    let rows = report.list("/endpoints");
    let of = |name: &str| &rows.iter().find(|row| row["name"] == name).expect("the row")["statuses"];
    assert_eq!((of("/redirect/2"), of("/close")), (&json!({"200": 40}), &json!({})));
    // A status line, a date and a length at least, of each of the 240 responses.
    assert!(report.number("/totals/head_bytes_in") > 240 * 50, "{}", report.at("/totals/head_bytes_in"));
    let ended = report.at("/run/last_end_s").as_f64();
    assert!(ended.is_some_and(|ended| ended > 0.0 && ended < 60.0), "{ended:?}");
    // 200, 201, 404 and two redirects each; 503 and /close have failed; 404 is neither for siege.
    let lines = [
        "Transactions:\t\t      200    hits",
        "Successful transactions:      160",
        "Failed transactions:\t       80",
    ];
    for line in lines {
        assert!(finished.stdout.contains(line), "{}", finished.stdout);
    }
    assert!(finished.stdout.starts_with("Transactions:"), "{}", finished.stdout);
    assert!(finished.stderr.contains("Stampede: failed."), "{}", finished.stderr);
}
