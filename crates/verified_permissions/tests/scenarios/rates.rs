//! Request rates: nothing by default, ThrottlingException when they are on.

use std::time::Duration;

use aws_sdk_verifiedpermissions::Client;
use store::Store;
use testkit::{ADMIN, App};
use verified_permissions::Options;

use crate::common::{failure, start, store_off};

/// How many of `count` GetPolicyStore calls are answered; the others must be throttled.
async fn answered(client: &Client, store: &str, count: usize) -> usize {
    let mut answered = 0;
    for _ in 0..count {
        match client
            .get_policy_store()
            .policy_store_id(store)
            .send()
            .await
        {
            Ok(_) => answered += 1,
            refused => {
                let refused = failure(refused);
                assert_eq!(refused.kind(), (429, "ThrottlingException"));
                assert_eq!(refused.message, "Rate exceeded.");
            }
        }
    }
    answered
}

#[tokio::test]
async fn requests_are_not_limited_by_default() {
    let (_app, client) = start();
    let store = store_off(&client).await;
    assert_eq!(answered(&client, &store, 50).await, 50);
}

#[tokio::test]
async fn a_policy_store_has_its_rate_when_rates_are_on() {
    let options = Options {
        request_rates: true,
        ..Options::default()
    };
    let app = App::over(Store::memory(), options);
    let client = app.client(ADMIN);
    let store = store_off(&client).await;
    assert_eq!(answered(&client, &store, 50).await, 10);
    app.clock().advance(Duration::from_secs(1));
    assert_eq!(answered(&client, &store, 50).await, 10);
}
