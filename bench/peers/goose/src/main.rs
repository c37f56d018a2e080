//! The 20/80 scenario of bench/compare.sh for goose: 20 % `GET /`, 80 % `POST /predict`, status checked.

use goose::prelude::*;

const BODY: &str = r#"{"image": "a-17", "size": [224, 224], "model": "resnet50", "top": 5}"#;

async fn index(user: &mut GooseUser) -> TransactionResult {
    let answer = user.get("/").await?;
    check(user, answer)
}

async fn predict(user: &mut GooseUser) -> TransactionResult {
    let request = user
        .get_request_builder(&GooseMethod::Post, "/predict")?
        .header("content-type", "application/json")
        .body(BODY);
    let answer = user.request(GooseRequest::builder().set_request_builder(request).build()).await?;
    check(user, answer)
}

fn check(user: &mut GooseUser, mut answer: GooseResponse) -> TransactionResult {
    match answer.response {
        Ok(response) if response.status() == 200 => Ok(()),
        _ => user.set_failure("status", &mut answer.request, None, None),
    }
}

#[tokio::main]
async fn main() -> Result<(), GooseError> {
    GooseAttack::initialize()?
        .register_scenario(
            scenario!("mix")
                .register_transaction(transaction!(index).set_weight(20)?)
                .register_transaction(transaction!(predict).set_weight(80)?),
        )
        .execute()
        .await?;
    Ok(())
}
