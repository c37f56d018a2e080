//! Values taken from responses: they come back in what the user sends next, and a task without one ends quietly.

use std::collections::BTreeMap;

use crate::support::{Bed, target};

#[test]
fn what_a_response_says_goes_into_the_next_request() {
    let target = target();
    let users = r#"
users:
  member:
    vars: {seen: 0}
    tasks:
      main:
        steps:
          - post: /login
            json: {user: "u${user.id}"}
            extract: {name: $.user, session: {cookie: session}, kind: {header: Content-Type}}
          - post: /echo
            headers: {x-name: "${name}"}
            json: {name: "${name}", seen: "${seen}", text: "is ${name}"}
            extract:
              seen: {regex: 'seen\\":\D*(\d+)'}
              sent: $.body
              agent: $.headers['user-agent']
              both: {json: "$['method','path']", all: true}
              gone: {header: x-gone, default: null}
          - post: /echo
            query: {gone: "${gone}", both: "${both}", last: 1}
            headers: {x-both: "${both}", x-gone: "${gone}"}
            expect: {body: {contains: '"query":"both=POST&both=%2Fecho&last=1"', matches: '"x-both":"POST, /echo"', not: {contains: gone}}}
          - get: /me
            cookies: false
            headers: {cookie: "session=${session}"}
            expect: {body: {matches: '^u\d$'}}
          - post: "/kv/${name}"
            name: /kv/:name
            body: "${sent} ${both} ${kind} ${seen}"
          - get: "/kv/${name}"
            name: /kv/:name
            expect:
              body: {matches: '^\{"name":"u\d","seen":"?0"?,"text":"is u\d"\} \["POST","/echo"\] application/json 0$'}
"#;
    let bed = Bed::new(&target.url(), users);
    bed.run("-u 3 -r 30 -i 12", 2).ended(0);
    let report = bed.report();
    report.adds_up();
    report.is_whole();
    assert_eq!(report.counted("iterations/completed"), 12);
    assert_eq!(report.counted("ok"), 72);
    assert_eq!(target.counts()["GET /me"], 12);
    let mut writes = target.counts();
    writes.retain(|row, _| ["POST /kv/u0", "POST /kv/u1", "POST /kv/u2"].contains(&row.as_str()));
    assert_eq!(writes.values().sum::<u64>(), 12);
}

#[test]
fn a_value_that_is_not_there_fails_its_request_and_ends_the_task() {
    let target = target();
    let users = "
users:
  lost:
    tasks:
      main:
        steps:
          - get: /
            extract: {token: {header: x-token}, ids: {json: $.ids, default: none}}
          - get: /kv/${ids}
            expect: {status: null}
          - get: /kv/${token}
          - get: /bytes/3
";
    let bed = Bed::new(&target.url(), users);
    let run = bed.run("-u 1 -i 5", 0);
    run.ended(1);
    let report = bed.report();
    report.adds_up();
    assert_eq!(target.counts(), BTreeMap::from([("GET /".to_owned(), 5), ("GET /kv/none".to_owned(), 5)]));
    assert_eq!((report.counted("failed"), report.counted("iterations/failed")), (5, 5));
    assert_eq!(report.by_kind(), BTreeMap::from([("extract".to_owned(), 5)]));
    assert_eq!(report.list("/errors")[0]["message"], "token: nothing at header x-token");
    let told = run.stderr.matches("needs `token`, which has no value").count();
    assert_eq!(told, 1, "{}", run.stderr);
}
