//! Branches that run at the same time.

use stampede_worker::engine::Event;

use crate::rig::{Alone, Hit};

const FOUR: &str = r#"vars: {last: none, first: none}, tasks: {t: {steps: [
    {get: /before},
    {parallel: 2, steps: [
        {get: /a, extract: {last: $.v, first: {json: $.v}}},
        {get: "/b/${last}", extract: {last: $.v}},
        {get: /c},
        {get: "/d/${last}", extract: {last: $.v}}]},
    {get: "/after/${first}/${last}"}]}}"#;

fn named(hits: Vec<Hit>, path: &str) -> (Hit, Vec<Hit>) {
    let (mut found, rest): (Vec<_>, Vec<_>) =
        hits.into_iter().partition(|hit| hit.path.as_deref() == Some(path));
    (found.pop().expect(path), rest)
}

#[tokio::test]
async fn so_many_branches_run_at_a_time_and_are_joined_in_their_order() {
    let mut user = Alone::new(FOUR).await;
    for round in 0..2 {
        let before = user.next().await;
        assert_eq!(before.path.as_deref(), Some("/before"));
        let own = before.client;
        before.go_on();
        // What the last iteration has set lives on.
        let last = if round == 0 { "none" } else { "b" };
        let (b, rest) = named(user.rig.requests(2).await, &format!("/b/{last}"));
        let (a, _) = named(rest, "/a");
        assert_ne!(a.client, b.client);
        assert_eq!(a.client, own, "the user's own connections serve too");
        assert!(user.rig.is_quiet(), "no third one");
        // The second branch ends before the first, and a later one begins in its lane.
        let lane = b.client;
        b.answer(200, r#"{"v": "b"}"#);
        let c = user.next().await;
        assert_eq!((c.path.as_deref(), c.client), (Some("/c"), lane));
        c.go_on();
        let d = user.next().await;
        assert_eq!(d.path.as_deref(), Some(&*format!("/d/{last}")), "it sees nothing of the others");
        if round == 1 {
            d.answer(200, r#"{"v": "d"}"#);
        } else {
            // It has failed, and has no value any more.
            d.answer(500, r#"{"v": "b"}"#);
        }
        a.answer(200, r#"{"v": "a"}"#);
        let after = if round == 0 { "/after/a/b" } else { "/after/a/d" };
        assert_eq!(user.goes_on().await, after);
    }
    user.stays_at("/before").await;
    let sum = user.stop().await;
    // In the last one nothing can be extracted, and what comes behind the branches needs that.
    assert_eq!((sum.requests.started, sum.requests.failed), (12 + 5, 1 + 3));
    assert_eq!((sum.iterations.completed, sum.iterations.failed), (1, 2));
}

#[tokio::test]
async fn a_branch_that_ends_the_task_lets_the_others_finish() {
    let class = r"tasks: {t: {steps: [
        {parallel: 2, steps: [
            {get: /a, on_failure: stop_run},
            {get: /b},
            {get: /never}]},
        {get: /never}]}}";
    let mut user = Alone::new(class).await;
    let (a, rest) = named(user.rig.requests(2).await, "/a");
    a.answer(500, "");
    loop {
        if let Event::Interval { .. } = user.rig.event().await {
            break;
        }
    }
    named(rest, "/b").0.go_on();
    loop {
        if let Event::StopWanted { .. } = user.rig.event().await {
            break;
        }
    }
    let sum = user.stop().await;
    assert_eq!((sum.requests.ok, sum.requests.failed, sum.iterations.failed), (1, 1, 1));
}

#[tokio::test]
async fn branches_given_up_are_booked_as_cancelled() {
    let class = r"tasks: {t: {steps: [{parallel: 3, steps: [{get: /a}, {get: /b}, {get: /c}]}]}}";
    let mut user = Alone::new(class).await;
    let hits = user.rig.requests(3).await;
    user.rig.stop(std::time::Duration::ZERO).await;
    let sum = user.rig.ended().await;
    assert_eq!((sum.requests.started, sum.requests.cancelled, sum.requests.sent), (3, 3, 3));
    assert_eq!(sum.iterations.cancelled, 1);
    drop(hits);
}

#[tokio::test]
async fn who_is_cut_waits_for_what_its_branches_have_on_the_way() {
    let class = r"tasks: {t: {steps: [{parallel: 2, steps: [{get: /a}, {get: /b}, {get: /c}]}]}}";
    let mut user = Alone::new(class).await;
    let hits = user.rig.requests(2).await;
    user.rig.assign(&[], true).await;
    assert_eq!(user.rig.followed().await, [0]);
    let mut hits = hits.into_iter();
    hits.next().expect("two").go_on();
    assert!(user.rig.is_quiet(), "no branch begins a request any more");
    hits.next().expect("two").go_on();
    assert_eq!(user.rig.released().await, [0]);
    let sum = user.stop().await;
    assert_eq!((sum.requests.started, sum.requests.ok), (2, 2), "{sum:?}");
}

#[tokio::test]
async fn draws_of_a_branch_are_its_own() {
    let branch = r#"{get: "/x/${random.int(0, 1000000000)}"}"#;
    let class = format!(
        "tasks: {{t: {{steps: [{{repeat: 2, steps: [{{parallel: 3, steps: [{branch}, {branch}, {branch}]}}]}}]}}}}"
    );
    let mut courses = Vec::new();
    for turned in [false, true] {
        let mut user = Alone::new(&class).await;
        let mut course = Vec::new();
        for _ in 0..4 {
            let mut hits = user.rig.requests(3).await;
            course.extend(hits.iter().filter_map(|hit| hit.path.clone()));
            if turned {
                hits.reverse();
            }
            hits.into_iter().for_each(Hit::go_on);
        }
        courses.push(course);
    }
    assert_eq!(courses[0], courses[1]);
    let distinct: std::collections::BTreeSet<_> = courses[0].iter().collect();
    assert_eq!(distinct.len(), 12, "{courses:?}");
}
