//! Sessions against a run that is being conducted.

use stampede_coordinator::conduct::Conductor;
use stampede_coordinator::fleet::memory;
use stampede_coordinator::run::input::Person;
use stampede_proto::v1::SnapshotBatch;
use stampede_proto::v1::command::What;
use tokio::sync::mpsc;
use tonic::Code;

use crate::fake::job;
use crate::line::{Control, Report, client, register};

#[tokio::test]
async fn a_batch_that_cannot_be_ends_its_session_and_no_other() {
    let (pipes, incoming) = memory();
    let (conductor, _view) = Conductor::over(job("get: /", "users: 1, run_time: 60s").0, incoming);
    let (person, people) = mpsc::channel(1);
    let conducting = tokio::spawn(conductor.conduct(people));
    let (mut bad, mut good) = (client(&pipes).await, client(&pipes).await);
    let (session, other) = (register(&mut bad, 1).await, register(&mut good, 2).await);
    let mut control = Control::open(&mut bad, session).await.expect("opened");
    let What::Prepare(prepare) = control.next().await.expect("a command") else { panic!("it is to prepare") };
    assert!(prepare.source_text.contains("target:"));
    let mut report = Report::open(&mut bad, session).await.expect("opened");
    let opening = report.next().await.expect("acknowledged");
    assert_eq!(
        (opening.run.as_str(), opening.applied_through, opening.over),
        (prepare.run.as_str(), 0, false)
    );
    let mut bystander = Control::open(&mut good, other).await.expect("opened");
    bystander.beat(1).await.expect("answered");

    report.send(SnapshotBatch { run: prepare.run.clone(), number: 1, ..SnapshotBatch::default() }).await;
    let refused = report.next().await.expect_err("refused");
    assert_eq!(refused.code(), Code::Aborted);
    assert!(refused.message().contains("statistics refused"), "{refused}");
    assert_eq!(control.next().await.expect_err("ended as well").code(), Code::Aborted);
    assert_eq!(Control::open(&mut bad, session).await.err().expect("over").code(), Code::Aborted);
    bystander.beat(2).await.expect("the other one's goes on");
    let again = register(&mut bad, 1).await;
    Control::open(&mut bad, again).await.expect("it may come back").beat(3).await.expect("answered");

    person.send(Person::Interrupt).await.expect("somebody listens");
    let conducted = conducting.await.expect("no panic");
    assert_eq!(conducted.result.totals.requests().started, 0);
}
