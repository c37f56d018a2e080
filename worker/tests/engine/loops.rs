//! Loops of a load thread's users: how often, with what, and what ends them.

use crate::rig::Alone;

#[tokio::test]
async fn a_loop_goes_round_as_often_as_it_says() {
    let mut user = Alone::new(
        r#"vars: {ids: [a, 7, null], empty: []}, tasks: {t: {steps: [
            {repeat: 2, steps: [
                {get: /r},
                {for: id, in: ids, steps: [{get: "/${id}"}]},
                {get: /s}]},
            {for: id, in: empty, steps: [{get: /never}]},
            {repeat: 0, steps: [{get: /never}]},
            {get: "/${id}"}]}}"#,
    )
    .await;
    let round = ["/r", "/a", "/7", "/null", "/s"];
    for path in round.into_iter().chain(round).chain(["/null"]) {
        assert_eq!(user.goes_on().await, path);
    }
    user.stays_at("/r").await;
    let sum = user.stop().await;
    assert_eq!((sum.iterations.completed, sum.iterations.failed), (2, 0));
}

#[tokio::test]
async fn conditions_are_looked_at_where_they_say() {
    let mut user = Alone::new(
        r"vars: {go: true, done: false}, tasks: {t: {steps: [
            {set: {go: true, done: false}},
            {while: go, steps: [{get: /while, extract: {go: $.go}}]},
            {while: go, steps: [{get: /never}]},
            {until: done, steps: [{get: /until, extract: {done: $.done}}]},
            {until: done, steps: [{get: /once}]},
            {if: done, then: [{get: /then}], else: [{get: /never}]},
            {if: go, then: [{get: /never}], else: [{get: /else}]}]}}",
    )
    .await;
    for (path, body) in [
        ("/while", r#"{"go": true}"#),
        ("/while", r#"{"go": false}"#),
        ("/until", r#"{"done": false}"#),
        ("/until", r#"{"done": true}"#),
        ("/once", ""),
        ("/then", ""),
        ("/else", ""),
        ("/while", r#"{"go": false}"#),
    ] {
        let hit = user.next().await;
        assert_eq!(hit.path.as_deref(), Some(path));
        hit.answer(200, body);
    }
}

#[tokio::test]
async fn one_pass_too_many_fails_the_iteration_and_ends_it() {
    let mut user = Alone::new(
        r#"vars: {go: true, ids: [1, 2]}, tasks: {t: {steps: [
            {for: id, in: ids, max: 2, steps: [{get: "/${id}"}]},
            {while: go, max: 2, steps: [{get: /w}]},
            {get: /never}]}}"#,
    )
    .await;
    for path in ["/1", "/2", "/w", "/w", "/1"] {
        assert_eq!(user.goes_on().await, path);
    }
    let sum = user.stop().await;
    assert_eq!((sum.iterations.failed, sum.requests.failed), (2, 0), "{sum:?}");
}

#[tokio::test]
async fn a_loop_that_waits_for_nothing_lets_others_have_their_turn() {
    let class = r#"vars: {go: true}, tasks: {t: {steps: [
        {if: "${go}", then: [{while: go, max: 1000000000, steps: []}]}]}}"#;
    let mut user = Alone::new(class).await;
    user.rig.second_with(1).await;
    // The thread tells of its seconds, obeys, gives it up and ends, which it could not while somebody kept it busy.
    user.rig.stop(std::time::Duration::ZERO).await;
    let sum = user.rig.ended().await;
    assert_eq!((sum.iterations.begun, sum.iterations.cancelled), (1, 1));
}

#[tokio::test]
async fn a_loop_over_time_ends_with_it_and_passes_keep_their_distance() {
    let mut user = Alone::new(
        r"tasks: {t: {steps: [
            {during: 120ms, every: 50ms, steps: [{get: /d}]},
            {repeat: 2, every: 30ms, steps: [{get: /e}]}]}}",
    )
    .await;
    let mut passes = Vec::new();
    while passes.iter().filter(|path| *path == "/e").count() < 2 {
        passes.push(user.goes_on().await);
    }
    // How many passes fit is the machine's business; never more than their distance allows.
    let during = passes.iter().filter(|path| path.starts_with("/d")).count();
    assert!((1..=3).contains(&during), "{passes:?}");
    assert_eq!(passes[during..], ["/e", "/e"]);
}

#[tokio::test]
async fn the_pass_of_the_innermost_loop_is_known() {
    let mut user = Alone::new(
        r#"tasks: {t: {steps: [
            {repeat: 2, steps: [
                {get: "/a${loop_index}"},
                {while: loop_index < 2, steps: [{get: "/b${loop_index}"}]},
                {until: loop_index == 1, steps: [{get: "/c${loop_index}"}]},
                {get: "/d${loop_index}"}]}]}}"#,
    )
    .await;
    for path in ["/a0", "/b0", "/b1", "/c0", "/c1", "/d0", "/a1", "/b0", "/b1", "/c0", "/c1", "/d1", "/a0"] {
        assert_eq!(user.goes_on().await, path);
    }
}
