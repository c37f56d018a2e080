//! `report.html` in a browser: it opens from a file, draws, sorts, filters and opens rows, asks the network for nothing, and
//! runs nothing that came from outside.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::support::browser::Browser;
use crate::support::{Bed, target};

/// Three rows of different sizes, of which one fails, in a group.
const USERS: &str = "
users:
  reader:
    wait: 5ms..15ms
    tasks:
      index: {weight: 3, steps: [get: /]}
      read: {weight: 2, steps: [{group: browsing, steps: [get: /kv/1]}]}
      stray: {steps: [get: /missing]}
load: {users: 4, run_time: 3s}
thresholds: [p95 < 5s, error_rate < 1%]
";

/// A run's page. Its folder lives as long as the bed.
fn page(users: &str) -> (Bed, PathBuf) {
    let target = target();
    let bed = Bed::new(&target.url(), users);
    let finished = bed.run("--report report.html --seed 1", 0);
    finished.ended(99);
    let page = bed.dir.path().join("report.html");
    (bed, page)
}

#[test]
fn the_page_draws_sorts_filters_and_opens_rows() {
    let Some(mut browser) = Browser::start() else { return };
    let (_bed, page) = page(USERS);
    let url = browser.open(&page);
    draws(&mut browser);
    sorts(&mut browser);
    filters(&mut browser);
    opens(&mut browser);
    turns_dark(&mut browser);
    fits_a_phone(&mut browser);
    prints(&mut browser);
    browser.was_quiet(&url);
    reads_without_scripts(&mut browser, &page);
}

/// How many points each chart has; -1 where its canvas is empty.
const POINTS: &str = "stampede.charts.map(({data, ctx: {canvas}}) => {
    const empty = Object.assign(document.createElement('canvas'), {width: canvas.width, height: canvas.height});
    return canvas.toDataURL() === empty.toDataURL() ? -1 : data[0].length;
})";

/// After the next frame, when what was changed is drawn.
const DRAWN: &str =
    "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))";

fn draws(browser: &mut Browser) {
    browser.eval(DRAWN);
    let points = browser.eval(POINTS);
    let points: Vec<_> =
        points.as_array().expect("charts").iter().map(|n| n.as_i64().expect("a count")).collect();
    assert_eq!(points.len(), 5, "{points:?}");
    assert!(points[..4].iter().all(|count| *count >= 3) && points[4] >= 1, "{points:?}");
    assert_eq!(browser.eval("document.querySelector('.badge').textContent"), "failed");
    let rules =
        "[...document.querySelectorAll('#thresholds tbody tr')].map((row) => row.cells[3].textContent)";
    assert_eq!(browser.eval(rules), json!(["yes", "no"]));
}

/// The names of the rows that can be seen, in their order.
const NAMES: &str = "[...document.querySelectorAll('#requests-table tbody tr.row')]
    .filter((row) => row.offsetParent !== null).map((row) => row.cells[1].textContent)";

fn sorts(browser: &mut Browser) {
    let title = "#requests-table thead th:nth-child(3)";
    let said = format!("document.querySelector('{title}').getAttribute('aria-sort')");
    let counts = "[...document.querySelectorAll('#requests-table tbody tr.row')].map((row) => +row.cells[2].textContent)";
    let sorted = |counts: &Value, down: bool| {
        let counts: Vec<_> = counts.as_array().expect("counts").iter().filter_map(Value::as_u64).collect();
        assert_eq!(counts.len(), 3);
        counts.windows(2).all(|pair| if down { pair[0] > pair[1] } else { pair[0] < pair[1] })
    };
    assert_eq!(browser.eval(NAMES), json!(["/", "/kv/1", "/missing"]));
    assert_eq!(browser.eval(&said), "none");
    browser.click(&format!("{title} button"));
    assert_eq!(browser.eval(&said), "descending");
    assert!(sorted(&browser.eval(counts), true));
    // The focus is where the click was.
    browser.press("Enter", 13);
    assert_eq!(browser.eval(&said), "ascending");
    assert!(sorted(&browser.eval(counts), false));
    assert_eq!(browser.eval(NAMES), json!(["/missing", "/kv/1", "/"]));
    let foot = "document.querySelector('#requests-table tfoot tr').cells[1].textContent";
    assert_eq!(browser.eval(foot), "Aggregated");
    browser.click("#requests-table thead th:nth-child(2) button");
    assert_eq!(browser.eval(NAMES), json!(["/", "/kv/1", "/missing"]));
    assert_eq!(browser.eval(&said), "none", "one column at a time");
}

fn filters(browser: &mut Browser) {
    browser.click("#filter");
    browser.call("Input.insertText", &json!({"text": "KV"}));
    assert_eq!(browser.eval(NAMES), json!(["/kv/1"]));
    assert_eq!(browser.eval("document.getElementById('filtered').textContent"), "1 of 3");
    browser.eval("filter.value = ''; filter.dispatchEvent(new Event('input')); true");
    assert_eq!(browser.eval(NAMES), json!(["/", "/kv/1", "/missing"]));
}

fn opens(browser: &mut Browser) {
    let row = "#requests-table tbody tr.row:nth-of-type(3)";
    let shown = format!("document.querySelector('{row} + tr.detail').offsetParent !== null");
    let expanded = format!("document.querySelector('{row} button').getAttribute('aria-expanded')");
    assert_eq!((browser.eval(&shown), browser.eval(&expanded)), (json!(false), json!("false")));
    browser.click(&format!("{row} td:nth-child(5)"));
    assert_eq!((browser.eval(&shown), browser.eval(&expanded)), (json!(true), json!("true")));
    browser.eval(DRAWN);
    let points = browser.eval(POINTS);
    let points: Vec<_> = points.as_array().expect("charts").iter().filter_map(Value::as_i64).collect();
    assert_eq!(points.len(), 8, "three more: {points:?}");
    assert!(points[5] >= 3 && points[6] >= 3 && points[7] >= 1, "{points:?}");
    let times = format!("document.querySelector('{row} + tr.detail .more > .scroll tbody th').textContent");
    assert_eq!(browser.eval(&times), "Response");
    browser.click(&format!("{row} button"));
    assert_eq!((browser.eval(&shown), browser.eval(&expanded)), (json!(false), json!("false")));
}

fn turns_dark(browser: &mut Browser) {
    let page = "getComputedStyle(document.body).backgroundColor";
    let chart = "stampede.charts[0].ctx.canvas.toDataURL()";
    let light = (browser.eval(page), browser.eval(chart));
    browser.click("#theme");
    browser.eval(DRAWN);
    let dark = (browser.eval(page), browser.eval(chart));
    assert!(light.0 != dark.0 && light.1 != dark.1, "{} {}", light.0, dark.0);
    browser.click("#theme");
    browser.eval(DRAWN);
    assert_eq!((browser.eval(page), browser.eval(chart)), light);
    // And whoever likes it dark everywhere has it so from the beginning.
    browser.eval("delete document.documentElement.dataset.theme");
    let prefers = |value: &str| json!({"features": [{"name": "prefers-color-scheme", "value": value}]});
    browser.call("Emulation.setEmulatedMedia", &prefers("dark"));
    assert_eq!(browser.eval(page), dark.0);
    browser.call("Emulation.setEmulatedMedia", &prefers("light"));
}

fn fits_a_phone(browser: &mut Browser) {
    let phone = json!({"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": true});
    browser.call("Emulation.setDeviceMetricsOverride", &phone);
    browser.eval(DRAWN);
    let width = browser.eval("document.documentElement.scrollWidth").as_u64();
    assert_eq!(width, Some(390), "only tables scroll sideways");
    browser.call("Emulation.clearDeviceMetricsOverride", &json!({}));
}

fn prints(browser: &mut Browser) {
    browser.call("Emulation.setEmulatedMedia", &json!({"media": "print"}));
    let kept = "[...document.querySelectorAll('h1, .verdict, figure.chart, #requests-table tr.row')]
        .filter((it) => !it.closest('tr.detail')).every((it) => it.offsetParent !== null)";
    assert_eq!(browser.eval(kept), true);
    assert_eq!(
        browser.eval("document.getElementById('theme').offsetParent === null"),
        true,
        "paper has no buttons"
    );
    browser.call("Emulation.setEmulatedMedia", &json!({"media": ""}));
}

fn reads_without_scripts(browser: &mut Browser, page: &std::path::Path) {
    browser.call("Emulation.setScriptExecutionDisabled", &json!({"value": true}));
    browser.open(page);
    assert_eq!(browser.eval(NAMES), json!(["/", "/kv/1", "/missing"]));
    let shown = "[...document.querySelectorAll('tr.detail')].every((row) => row.offsetParent !== null)";
    assert_eq!(browser.eval(shown), true);
    let said = "document.querySelector('.plot').innerText";
    assert_eq!(browser.eval(said), "This chart needs JavaScript.");
    let useless =
        "[...document.querySelectorAll('button, input')].filter((it) => it.offsetParent !== null).length";
    assert_eq!(browser.eval(useless), 0);
}

/// Names and messages that are code wherever one of them is not escaped.
const HOSTILE: &str = r#"
name: '</script><img src=x onerror="hacked = 1"><script>hacked = 1</script>'
users:
  '"><img src=x onerror="hacked = 1">':
    wait: 5ms..15ms
    tasks:
      '<svg onload="hacked = 1">':
        steps:
          - get: /missing
            name: '</td></table></script><img src=x onerror="hacked = 1"> <!-- '' onmouseover="hacked = 1"'
          - group: '{{data}}<iframe srcdoc="<script>parent.hacked = 1</script>">'
            steps:
              - get: /
                expect: {body: {contains: '</script><script>hacked = 1</script>'}}
          - fail: '<!--<script><img src=x onerror="hacked = 1">'
load: {users: 2, run_time: 2s}
thresholds: [error_rate < 1%]
"#;

#[test]
fn nothing_from_outside_runs_in_the_page() {
    let Some(mut browser) = Browser::start() else { return };
    let (_bed, page) = page(HOSTILE);
    let url = browser.open(&page);
    browser.eval("document.querySelectorAll('tr.opens button').forEach((button) => button.click()); true");
    browser.eval(DRAWN);
    assert_eq!(browser.eval("typeof hacked"), "undefined");
    assert_eq!(
        browser.eval("document.querySelectorAll('img, iframe, svg, object, [onerror], [onload]').length"),
        0
    );
    assert!(
        browser.eval("document.title").as_str().is_some_and(|title| title.contains("</script><img src=x"))
    );
    let named =
        "document.querySelector('#requests-table tbody').textContent.includes('</td></table></script><img')";
    assert_eq!(browser.eval(named), true, "what it is called is shown as it is");
    assert_eq!(browser.eval("stampede.charts.length >= 5"), true);
    browser.was_quiet(&url);

    // What the page forbids itself would be seen.
    browser.eval("document.body.append(Object.assign(new Image(), {src: 'http://127.0.0.1:9/'})); true");
    browser.wait_for("Log.entryAdded");
    let said = browser.events("Log.entryAdded")[0]["entry"]["text"].as_str().unwrap_or_default();
    assert!(said.contains("Content Security Policy"), "{said}");
}
