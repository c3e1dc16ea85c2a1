//! Two sign-ins of one agent, and agents that go away.

use std::time::Duration;

use serde_json::{Value, json};
use sidetone_sandbox::Config;

use crate::client::Bench;

async fn login(bench: &Bench, token: &str, body: Value) -> (u16, Value) {
    bench
        .call("POST", "/api/agent/login", Some(token), Some(body))
        .await
}

#[tokio::test]
async fn a_second_sign_in_asks_and_then_takes_over() {
    let bench = Bench::start(Config::default()).await;
    let (first, second) = (bench.sign_in("anna").await, bench.sign_in("anna").await);
    let mut older = bench.socket(&first, None).await;
    assert_eq!(
        login(&bench, &first, json!({"device": "Linux, desk 4"}))
            .await
            .0,
        200
    );
    let mut newer = bench.socket(&second, None).await;
    let (status, problem) = login(&bench, &second, json!({"device": "Windows, desk 12"})).await;
    assert_eq!(
        (status, &problem["code"]),
        (409, &json!("signed_in_elsewhere"))
    );
    let sentence = problem["detail"].as_str().expect("a sentence");
    assert!(sentence.contains("Linux, desk 4 since 20"), "{sentence}");
    assert_eq!(
        login(&bench, &first, json!({})).await.0,
        200,
        "one's own session"
    );
    let (_, agent) = bench
        .call("GET", "/admin/api/agents/anna", None, None)
        .await;
    assert_eq!(agent["device"], "Linux, desk 4");

    let body = json!({"device": "Windows, desk 12", "takeOver": true});
    assert_eq!(login(&bench, &second, body).await.0, 200);
    let end = older.next_of("signed_out").await;
    assert_eq!(end["data"]["code"], "signed_in_elsewhere");
    let sentence = end["data"]["detail"].as_str().expect("a sentence");
    assert!(sentence.contains("Windows, desk 12"), "{sentence}");
    older.closed().await;
    // Its last words must not log the other one out.
    bench
        .call("POST", "/api/agent/logout", Some(&first), None)
        .await;
    loop {
        let (status, _) = bench
            .call("GET", "/api/agent/presence", Some(&first), None)
            .await;
        if status == 401 {
            break;
        }
        tokio::task::yield_now().await;
    }
    let (_, presence) = bench
        .call("GET", "/api/agent/presence", Some(&second), None)
        .await;
    assert_eq!(presence["online"], true);
    assert_eq!(
        newer.next().await["type"],
        "hello",
        "the newer socket stays"
    );
}

#[tokio::test]
async fn a_sign_in_that_is_gone_does_not_stand_in_the_way() {
    let bench = Bench::start(Config::default()).await;
    let first = bench.sign_in("anna").await;
    let mut socket = bench.socket(&first, None).await;
    assert_eq!(socket.next().await["type"], "hello");
    assert_eq!(login(&bench, &first, json!({"device": "A"})).await.0, 200);
    drop(socket);
    let second = bench.sign_in("anna").await;
    loop {
        // The server hears of the closed socket when it does.
        if login(&bench, &second, json!({"device": "B"})).await.0 == 200 {
            break;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn an_agent_without_a_socket_is_logged_out_after_the_grace_time_and_may_come_back() {
    let bench = Bench::start(Config {
        grace: Duration::from_secs(1),
        ..Config::default()
    })
    .await;
    let token = bench.sign_in("anna").await;
    let mut socket = bench.socket(&token, None).await;
    let since = socket.next().await["seq"].as_u64().expect("a number");
    assert_eq!(login(&bench, &token, json!({})).await.0, 200);
    drop(socket);
    loop {
        let (_, presence) = bench
            .call("GET", "/api/agent/presence", Some(&token), None)
            .await;
        if presence["online"] == false {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let mut socket = bench.socket(&token, Some(since)).await;
    assert_eq!(socket.next().await["data"]["resumed"], true);
    loop {
        if socket.next_of("presence").await["data"]["online"] == false {
            break;
        }
    }
    assert_eq!(login(&bench, &token, json!({})).await.0, 200);
    let back = socket.next_of("presence").await;
    assert_eq!(back["data"]["online"], true);
}
