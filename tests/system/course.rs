//! The same seed, the same course: what each user does in each iteration is the same on one worker and on three, with every
//! step, draw and feeder there is.

use std::collections::BTreeMap;

use demo_target::DemoTarget;

use crate::support::{Bed, target};

const USERS: &str = r#"
seed: 11
vars: {colours: [red, green, blue]}
secrets: {key: k-1}
data:
  people: {csv: people.csv, order: unique, types: {age: number}}
  skus: {list: [a, b, c, d, e], order: random}
  deck: {list: [1, 2, 3, 4, 5, 6, 7], order: shuffled}
  queue: {lines: queue.txt}
defaults:
  headers: {x-user: "${user.id}", x-iteration: "${iteration}", x-life: "${user.life}"}
flows:
  look:
    - get: /echo
      query: {sku: "${skus}", colour: "${random.pick(colours)}"}
users:
  one:
    weight: 3
    wait: 5ms..20ms
    order: shuffled
    vars: {state: 0}
    on_start:
      - set: {name: "${people.name}-${random.int(1, 999)}"}
    tasks:
      mixed:
        steps:
          - call: look
          - choose:
              - {weight: 3, steps: [get: "/echo?left=${random.int(1, 1000000)}"]}
              - {weight: 2, steps: [get: "/echo?right=${uuid()}"]}
          - parallel: 3
            steps:
              - get: "/echo?branch=0&of=${random.int(1, 1000000)}"
              - get: "/echo?branch=1&of=${random.int(1, 1000000)}"
                extract: {seen: $.query}
              - repeat: 2
                steps: [get: "/echo?branch=2&of=${random.string(8)}&at=${loop_index}"]
          - get: "/echo?after=${random.float(0, 1)}&seen=${seen}&deck=${deck}&queue=${queue}"
      counted:
        steps:
          - set: {state: "${state + 1}"}
          - group: counting
            steps:
              - while: state % 3 != 0
                steps:
                  - get: "/echo?state=${state}&age=${people.age + 1}&name=${name}"
                  - set: {state: "${state + random.int(1, 2)}"}
          - if: random.int(1, 2) == 1
            then: [get: "/echo?sign=${hmac_sha256(key, iteration | string)}"]
            else: [get: "/echo?none=${random.normal(0, 1)}"]
  two:
    wait: {exponential: 20ms}
    order: sequential
    tasks:
      first: {steps: [get: "/echo?deck=${deck}"]}
      second: {steps: [get: "/echo?queue=${queue}&sku=${skus}"]}
"#;

/// What each user sent in each iteration that is over.
type Course = BTreeMap<(u32, u32), Vec<String>>;

fn course(target: &DemoTarget) -> Course {
    let mut course = Course::new();
    for entry in target.log() {
        let number = |name: &str| entry.headers[name].parse::<u32>().expect("a number");
        assert_eq!(number("x-life"), 0);
        let of = (number("x-user"), number("x-iteration"));
        course.entry(of).or_default().push(format!("{} {}?{}", entry.method, entry.path, entry.query));
    }
    // Branches come in any order, and the newest iteration of a user may not be whole.
    for requests in course.values_mut() {
        requests.sort();
    }
    let last: BTreeMap<u32, u32> = course.keys().copied().collect();
    course.retain(|(user, iteration), _| last[user] > *iteration);
    course
}

#[test]
fn one_worker_and_three_do_the_same() {
    let mut courses = Vec::new();
    for workers in [0, 3] {
        let target = target();
        let bed = Bed::new(&target.url(), USERS);
        let people: Vec<String> = (0..30).map(|row| format!("p{row},{row}\n")).collect();
        bed.dir.write("people.csv", &format!("name,age\n{}", people.concat()));
        bed.dir.write("queue.txt", &(0..400).map(|row| format!("q{row}\n")).collect::<Vec<_>>().concat());
        bed.run("-u 8 -r 100 -t 3s", workers).ended(0);
        bed.report().adds_up();
        courses.push(course(&target));
    }
    let [one, three] = courses.as_slice() else { panic!("two courses") };
    let both: Vec<_> = one.keys().filter(|of| three.contains_key(of)).collect();
    assert!(both.len() > 100, "{} iterations were done by both", both.len());
    for of in both {
        assert_eq!(one[of], three[of], "user {} in iteration {}", of.0, of.1);
    }
    let all: String = one.values().flatten().cloned().collect::<Vec<_>>().join("\n");
    for part in ["left=", "right=", "branch=2", "state=", "sign=", "none=", "sku=", "deck=", "queue=q"] {
        assert!(all.contains(part), "nobody did `{part}`");
    }
    assert!(!all.contains("branch=0&of=${"), "values are written");
}
