//! What a response must be, and values taken out of pages, over real connections.

use std::collections::BTreeMap;

use crate::support::{Bed, target};

#[test]
fn headers_values_and_sizes_are_judged() {
    let target = target();
    let users = r#"
users:
  buyer:
    defaults:
      expect: {header: {x-absent: {exists: false}}}
    tasks:
      main:
        steps:
          - post: /echo
            json: {id: "${user.id}", stock: 3}
            extract: {sent: $.body}
            expect:
              header: {Content-Type: {contains: json}}
              json:
                $.method: POST
                $.headers['content-type']: {matches: '^application/json'}
                $.body: {contains: "\"id\":${user.id}"}
              size: {gt: 10B, lt: 1MB}
          - post: /echo
            body: again
            expect: {json: {$.body: {ne: "${sent}"}}}
          - get: /bytes/100
            expect: {size: {eq: 100B}}
          - get: /bytes/100
            name: too small
            expect: {size: {gt: 100B}}
          - post: /echo
            name: not it
            body: other
            expect: {json: {$.body: {eq: "${sent}"}}}
          - get: /bytes/3
            name: no json
            expect: {json: {$.a: 1}}
          - get: /bytes/3
            name: header
            expect: {header: {x-absent: yes}}
"#;
    let bed = Bed::new(&target.url(), users);
    bed.run("-u 2 -i 4", 0).ended(1);
    let report = bed.report();
    report.adds_up();
    assert_eq!((report.counted("ok"), report.counted("failed")), (12, 16));
    assert_eq!(report.by_kind(), BTreeMap::from([("expect".to_owned(), 16)]));
    let errors = report.list("/errors");
    let mut told: Vec<&str> = errors.iter().filter_map(|error| error["message"].as_str()).collect();
    told.sort_unstable();
    assert_eq!(
        told,
        [
            "header x-absent: eq \"yes\"",
            "json $.a: eq 1, the body is not JSON",
            "json $.body: eq ${sent}",
            "size: gt 100B",
        ]
    );
}

#[test]
fn a_page_gives_what_the_next_request_needs() {
    let target = target();
    let users = r##"
users:
  visitor:
    tasks:
      main:
        steps:
          - post: /kv/page-${user.id}
            name: /kv/:page
            body: "<form><input name=csrf value='t&amp;${user.id}'></form><a class=next href=/a>1</a><a class=next href=/b>2</a>"
          - get: /kv/page-${user.id}
            name: /kv/:page
            extract:
              csrf: {css: "input[name=csrf]", attr: value}
              last: {css: a.next, pick: last}
              links: {css: a.next, attr: href, all: true}
              gone: {css: "#gone", default: none}
          - post: /echo
            json: {csrf: "${csrf}", last: "${last}", links: "${links}", gone: "${gone}"}
            expect:
              json: {$.body: "{\"csrf\":\"t&${user.id}\",\"last\":\"2\",\"links\":[\"/a\",\"/b\"],\"gone\":\"none\"}"}
          - get: /kv/page-${user.id}
            name: /kv/:page
            extract: {missing: {css: h1}}
          - get: /never/${missing}
"##;
    let bed = Bed::new(&target.url(), users);
    bed.run("-u 2 -i 4", 0).ended(1);
    let report = bed.report();
    report.adds_up();
    assert_eq!((report.counted("ok"), report.counted("failed")), (12, 4));
    assert_eq!(report.by_kind(), BTreeMap::from([("extract".to_owned(), 4)]));
    assert_eq!(report.list("/errors")[0]["message"], "missing: nothing at css h1");
    assert!(target.counts().keys().all(|row| !row.contains("never")));
}
