//! What steps other than loops and branches do to a user: tasks, users and runs that end, users that begin anew, tasks in turn.

use stampede_worker::engine::{Event, StopWish};

use crate::rig::{Alone, Hit, grant};

#[tokio::test]
async fn a_failed_request_ends_what_it_says() {
    let class = r"tasks: {t: {steps: [
        {get: /a}, {get: /b, on_failure: stop_task}, {get: /c, on_failure: continue}, {get: /d}]}}";
    let mut user = Alone::new(class).await;
    for (path, status) in
        [("/a", 500), ("/b", 500), ("/a", 200), ("/b", 200), ("/c", 500), ("/d", 200), ("/a", 200)]
    {
        let hit = user.next().await;
        assert_eq!(hit.path.as_deref(), Some(path));
        hit.answer(status, "");
    }
}

#[tokio::test]
async fn a_user_that_stops_itself_leaves_its_slot_empty() {
    let class = r#"on_stop: [{get: "/bye/${user.id}"}], tasks: {t: {steps: [{get: "/${user.id}/${user.life}"}, {stop: user}, {get: /never}]}}"#;
    let mut user = Alone::with(class, 2).await;
    let hits = user.rig.requests(2).await;
    hits.into_iter().for_each(Hit::go_on);
    user.rig.requests(2).await.into_iter().for_each(Hit::go_on);
    user.rig.second_with(0).await;
    assert_eq!(user.rig.stopped(), 2);
    // It stays so as long as it is wanted here, and is nobody's when it is not.
    user.rig.assign(&[grant(0, 0)], false).await;
    assert!(user.rig.followed().await.is_empty());
    assert!(user.rig.is_quiet());
    user.rig.assign(&[grant(0, 0), grant(1, 1)], false).await;
    assert!(user.rig.followed().await.is_empty());
    let again = user.next().await;
    assert_eq!(again.path.as_deref(), Some("/1/65536"), "only the other is a new grant");
    drop(again);
    let sum = user.stop().await;
    assert_eq!(sum.iterations.completed, 3);
}

#[tokio::test]
async fn a_user_begins_anew_with_nothing_it_had() {
    let class = r#"vars: {token: none}, on_start: [{get: "/start/${user.life}/${token}", extract: {token: $.t}}], on_stop: [{get: /bye}],
        tasks: {t: {steps: [{get: "/${user.life}/${iteration}/${token}", on_failure: restart_user}, {get: /never}]}}"#;
    let mut user = Alone::new(class).await;
    for life in 0..3 {
        let start = user.next().await;
        assert_eq!(start.path, Some(format!("/start/{life}/none")));
        assert_eq!(start.client, life, "connections are new as well");
        start.answer(200, r#"{"t": "x"}"#);
        let next = user.next().await;
        assert_eq!(next.path, Some(format!("/{life}/0/x")));
        next.answer(500, "");
    }
    // A slot's next user is told apart from all of them.
    user.rig.assign(&[], false).await;
    user.rig.followed().await;
    user.rig.released().await;
    user.rig.assign(&[grant(0, 0)], false).await;
    let start = user.next().await;
    assert_eq!(start.path.as_deref(), Some("/start/4/none"), "the fourth had begun to wait");
    start.answer(200, r#"{"t": "x"}"#);
    user.stays_at("/4/0/x").await;
    let sum = user.stop().await;
    assert_eq!((sum.iterations.failed, sum.requests.failed), (3, 3));
}

#[tokio::test]
async fn a_user_can_want_the_run_to_end() {
    for class in [
        "tasks: {t: {steps: [{get: /a}, {stop: run}]}}",
        "tasks: {t: {steps: [{get: /a, expect: {status: 404}, on_failure: stop_run}]}}",
        "on_start: [{get: /a}, {stop: run}], tasks: {t: {steps: [{get: /never}]}}",
    ] {
        let mut user = Alone::new(class).await;
        user.next().await.go_on();
        loop {
            if let Event::StopWanted { why, .. } = user.rig.event().await {
                assert_eq!(why, StopWish::Scenario);
                break;
            }
        }
        user.rig.second_with(1).await;
        assert!(user.rig.is_quiet(), "it waits for the end");
        let sum = user.stop().await;
        assert_eq!(sum.requests.started, 1);
    }
}

#[tokio::test]
async fn a_failure_without_a_request_fails_the_iteration() {
    let class = "tasks: {t: {steps: [{get: /a}, {fail: no stock}, {get: /b}]}}";
    let mut user = Alone::new(class).await;
    for path in ["/a", "/b", "/a"] {
        assert_eq!(user.goes_on().await, path);
    }
    let sum = user.stop().await;
    assert_eq!((sum.iterations.failed, sum.requests.ok), (2, 4));
    assert_eq!(sum.errors, ["TASK t: fail: no stock (2)"]);
}

#[tokio::test]
async fn a_step_without_its_value_ends_the_task_quietly() {
    let class = r#"tasks: {t: {steps: [
        {get: /a, extract: {ids: {json: $.ids, default: 3}, go: {json: $.go, default: 3}, id: $.id}},
        {log: "${id}"}, {get: /there}]}}"#;
    let mut user = Alone::new(class).await;
    user.next().await.go_on();
    user.next().await.answer(200, r#"{"id": 1}"#);
    assert_eq!(user.goes_on().await, "/there");
    user.stays_at("/a").await;
    let sum = user.stop().await;
    // The first and the last had no value for it, and the request that should have brought it failed.
    assert_eq!((sum.iterations.completed, sum.iterations.failed, sum.requests.failed), (1, 2, 2));
    assert!(sum.errors.is_empty(), "{:?}", sum.errors);
}

#[tokio::test]
async fn a_request_without_a_part_of_its_value_is_not_made() {
    for request in [
        r#"{get: "/x/${ids[5]}"}"#,
        r#"{get: /x, name: "/x/${ids[5]}"}"#,
        r#"{get: /x, headers: {a: "${ids[5]}"}}"#,
        r#"{post: /x, body: "${ids[5]}"}"#,
        r#"{parallel: 2, steps: [{get: "/x/${ids[5]}"}]}"#,
    ] {
        let class = format!(
            "tasks: {{t: {{steps: [{{get: /a, extract: {{ids: $.ids}}}}, {request}, {{get: /never}}]}}}}"
        );
        let mut user = Alone::new(&class).await;
        for _ in 0..2 {
            let hit = user.next().await;
            assert_eq!(hit.path.as_deref(), Some("/a"), "{request}");
            hit.answer(200, r#"{"ids": [1]}"#);
        }
        user.stays_at("/a").await;
        let sum = user.stop().await;
        assert_eq!((sum.requests.started, sum.iterations.completed), (3, 0), "{request}");
        assert!(sum.rows.keys().all(|row| !row.contains("/x/")), "{:?}", sum.rows);
        assert!(sum.errors.is_empty(), "{:?}", sum.errors);
    }
}

#[tokio::test]
async fn a_step_that_cannot_be_computed_is_a_failure_of_the_task() {
    let steps = [
        ("{for: id, in: three, steps: []}", "`in` must be a list, and this is a number"),
        ("{repeat: text, steps: []}", "`repeat` must be a whole number, and this is text"),
        (
            "{if: three, then: []}",
            "a condition is true or false, and this is a number; compare it, as in `… > 0`",
        ),
    ];
    for (step, why) in steps {
        let class = format!(
            "vars: {{three: 3, text: no}}, tasks: {{t: {{steps: [{{get: /a, extract: {{three: {{json: $.x, default: 3}}, text: {{json: $.x, default: no}}}}}}, {step}, {{get: /never}}]}}}}"
        );
        let mut user = Alone::new(&class).await;
        assert_eq!(user.goes_on().await, "/a");
        user.stays_at("/a").await;
        let sum = user.stop().await;
        assert_eq!(sum.errors[0].split(" (").next(), Some(&*format!("TASK t: template: {why}")));
        assert_eq!(sum.iterations.failed, sum.iterations.begun);
    }
}

#[tokio::test]
async fn tasks_come_in_turn() {
    let tasks = r#"tasks: {a: {steps: [{get: "/a/${iteration}"}]}, off: {weight: 0, steps: [{get: /never}]}, b: {weight: 9, steps: [{get: "/b/${iteration}"}]}, c: {steps: [{get: "/c/${iteration}"}]}}"#;
    let mut user = Alone::new(&format!("order: sequential, {tasks}")).await;
    for path in ["/a/0", "/b/1", "/c/2", "/a/3", "/b/4"] {
        assert_eq!(user.goes_on().await, path);
    }
    let mut courses = Vec::new();
    for _ in 0..2 {
        let mut user = Alone::new(&format!("order: shuffled, {tasks}")).await;
        let mut course = String::new();
        for _ in 0..20 {
            let mut round: Vec<_> = Vec::new();
            for _ in 0..3 {
                round.push(user.goes_on().await.chars().nth(1).expect("a letter"));
            }
            course.extend(&round);
            round.sort_unstable();
            assert_eq!(round, ['a', 'b', 'c']);
        }
        courses.push(course);
    }
    assert_eq!(courses[0], courses[1], "the same seed, the same course");
    assert_ne!(courses[0], courses[0][..3].repeat(20), "and rounds differ");
}

#[tokio::test]
async fn a_choice_is_one_draw() {
    let class = |choice: &str| {
        format!(r#"tasks: {{t: {{steps: [{choice}, {{get: "/${{random.int(0, 1000000000)}}"}}]}}}}"#)
    };
    let empty = r"{choose: [{weight: 8, steps: []}, {weight: 2, steps: []}, {steps: []}]}";
    let steps = r"{choose: [{weight: 8, steps: [{get: /a}]}, {weight: 2, steps: [{get: /b}]}, {weight: 0, steps: [{get: /never}]}]}";
    let (mut plain, mut chosen) = (Alone::new(&class(empty)).await, Alone::new(&class(steps)).await);
    let mut counts = std::collections::BTreeMap::new();
    for _ in 0..60 {
        *counts.entry(chosen.goes_on().await).or_insert(0) += 1;
        assert_eq!(plain.goes_on().await, chosen.goes_on().await);
    }
    assert_eq!(counts.keys().collect::<Vec<_>>(), ["/a", "/b"]);
    assert!(counts["/a"] > counts["/b"], "{counts:?}");
}

#[tokio::test]
async fn groups_are_rows_of_their_own() {
    let class = r"tasks: {t: {steps: [
        {group: outer, steps: [
            {get: /a},
            {group: inner, steps: [{get: /b, on_failure: stop_task}, {get: /c}]},
            {if: go, then: [{stop: task}]}]}]}}, vars: {go: false}";
    let mut user =
        Alone::new(&class.replace("{get: /a}", "{get: /a, extract: {go: {json: $.go, default: false}}}"))
            .await;
    for (path, status, body) in [
        ("/a", 500, ""),
        ("/b", 200, ""),
        ("/c", 200, ""),
        ("/a", 200, ""),
        ("/b", 500, ""),
        ("/a", 200, r#"{"go": true}"#),
        ("/b", 200, ""),
        ("/c", 200, ""),
        ("/a", 200, ""),
        ("/b", 200, ""),
        ("/c", 200, ""),
        ("/a", 200, ""),
    ] {
        let hit = user.next().await;
        assert_eq!(hit.path.as_deref(), Some(path));
        hit.answer(status, body);
    }
    let hit = user.next().await;
    assert_eq!(hit.path.as_deref(), Some("/b"));
    user.rig.stop(std::time::Duration::ZERO).await;
    let sum = user.rig.ended().await;
    drop(hit);
    let group = |name: &str| {
        let counts = sum.rows[&format!("GROUP {name}")];
        (counts.started, counts.ok, counts.failed, counts.cancelled)
    };
    assert_eq!(group("inner"), (5, 3, 1, 1));
    assert_eq!(group("outer"), (5, 1, 2, 2), "left by `stop`, and given up with its user");
}

#[tokio::test]
async fn the_last_response_is_known() {
    let class = r#"vars: {n: 1}, tasks: {t: {steps: [
        {get: /a, expect: {status: 200}},
        {get: "/${response.status}/${response.failed}/${response.size}/${'/a' in response.url}/${n}"},
        {set: {n: "${n + response.status}"}},
        {fail: "status ${response.status}"}]}}"#;
    let mut user = Alone::new(class).await;
    user.next().await.answer(503, "");
    assert_eq!(user.goes_on().await, "/503/true/0/true/1");
    user.next().await.go_on();
    assert_eq!(user.goes_on().await, "/200/false/0/true/201");
    user.next().await.go_on();
    let sum = user.stop().await;
    assert_eq!(sum.errors, ["TASK t: fail: status 200 (3)"]);
}

#[tokio::test]
async fn what_cannot_be_computed_names_no_request() {
    let class = r#"vars: {zero: 0}, tasks: {t: {steps: [
        {get: /a, extract: {zero: {json: $.n, default: 0}}}, {set: {x: "${1 / zero}"}}, {get: "/${x}"}]}}"#;
    let mut user = Alone::new(class).await;
    user.next().await.answer(200, r#"{"n": 2}"#);
    assert_eq!(user.goes_on().await, "/0.5");
    user.next().await.go_on();
    user.stays_at("/a").await;
    let sum = user.stop().await;
    assert_eq!((sum.requests.failed, sum.iterations.completed, sum.iterations.failed), (0, 1, 2));
    assert_eq!(sum.errors.len(), 1, "{:?}", sum.errors);
    assert!(
        sum.errors[0].starts_with("TASK t: template: ") && sum.errors[0].ends_with(" (2)"),
        "{:?}",
        sum.errors
    );
}
