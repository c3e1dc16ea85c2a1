//! Events on the socket.

use std::time::Duration;

use serde_json::json;
use sidetone_sandbox::Config;

use crate::client::Bench;

#[tokio::test]
async fn a_client_that_comes_back_gets_what_it_missed() {
    let bench = Bench::start(Config::default()).await;
    let token = bench.sign_in("anna").await;
    let mut socket = bench.socket(&token, None).await;
    let hello = socket.next().await;
    assert_eq!(
        (&hello["type"], &hello["data"]["resumed"]),
        (&json!("hello"), &json!(false))
    );

    bench
        .call("POST", "/api/agent/login", Some(&token), None)
        .await;
    let first = socket.next().await;
    assert_eq!(
        (&first["type"], &first["data"]["online"]),
        (&json!("presence"), &json!(true))
    );
    let since = first["seq"].as_u64().expect("a number");
    drop(socket);

    let pause = json!({"reason": "Lunch"});
    bench
        .call("POST", "/api/agent/pause", Some(&token), Some(pause))
        .await;
    bench
        .call("POST", "/api/agent/unpause", Some(&token), None)
        .await;
    let mut socket = bench.socket(&token, Some(since)).await;
    let hello = socket.next().await;
    assert_eq!(hello["data"]["resumed"], true);
    let (mut last, mut reasons) = (since, Vec::new());
    while last < hello["data"]["seq"].as_u64().expect("a number") {
        let event = socket.next().await;
        let seq = event["seq"].as_u64().expect("a number");
        assert_eq!(seq, last + 1, "in order, none left out");
        last = seq;
        if event["type"] == "presence" {
            reasons.push(event["data"]["pauseReason"].clone());
        }
    }
    assert_eq!(reasons, [json!("Lunch"), json!(null)]);

    let mut socket = bench.socket(&token, Some(1)).await;
    assert_eq!(
        socket.next().await["data"]["resumed"],
        false,
        "of an earlier life"
    );
}

#[tokio::test]
async fn the_end_of_a_sign_in_is_told_with_its_reason() {
    let bench = Bench::start(Config {
        token_life: Duration::from_secs(2),
        ..Config::default()
    })
    .await;
    let token = bench.sign_in("anna").await;
    let mut socket = bench.socket(&token, None).await;
    let end = socket.next_of("signed_out").await;
    assert_eq!(end["data"]["code"], "token_expired");
    socket.closed().await;

    let bench = Bench::start(Config::default()).await;
    let (first, second) = (bench.sign_in("anna").await, bench.sign_in("anna").await);
    let mut older = bench.socket(&first, None).await;
    assert_eq!(older.next().await["type"], "hello");
    let mut newer = bench.socket(&second, None).await;
    let take_over = json!({"takeOver": true});
    for (token, body) in [(&first, None), (&second, Some(take_over))] {
        let (status, _) = bench
            .call("POST", "/api/agent/login", Some(token), body)
            .await;
        assert_eq!(status, 200);
    }
    let end = older.next_of("signed_out").await;
    assert_eq!(end["data"]["code"], "signed_in_elsewhere");
    assert_eq!(newer.next().await["type"], "hello");
    let disable = json!({"settings": {"disabled": true}});
    bench
        .call("PATCH", "/admin/api/agents/anna", None, Some(disable))
        .await;
    let end = newer.next_of("signed_out").await;
    assert_eq!(end["data"]["code"], "account_disabled");
}
