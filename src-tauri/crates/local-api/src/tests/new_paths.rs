use serde_json::json;
use sidetone_engine::LocalAccess;
use sidetone_engine::agent::CallState;

use super::client::{get, post, raw};
use super::phone::{FakePhone, rich};

#[tokio::test]
async fn a_program_drives_a_call() {
    let phone = FakePhone::new();
    phone.change(rich);
    let (_open, port) = phone.open(LocalAccess::Everybody).await;
    let placed = post(port, "/api/v2/calls", r#"{"number":"601"}"#).await;
    assert_eq!(placed.status, 201, "{placed:?}");
    let id = placed.json()["id"].as_u64().unwrap();
    let path = |action: &str| format!("/api/v2/calls/{id}/{action}");
    post(port, &path("hold"), "")
        .await
        .is_refusal(409, "wrong_state");
    phone.change(|view| view.calls[1].state = CallState::Up);

    for (action, body, field, value) in [
        ("dtmf", r#"{"digits":"12#"}"#, "state", json!("up")),
        ("hold", "", "state", json!("held")),
        ("resume", "", "state", json!("up")),
        ("record", r#"{"on":true}"#, "recording", json!("on")),
        ("record", r#"{"on":false}"#, "recording", json!("off")),
        (
            "transfer",
            r#"{"number":"602"}"#,
            "transfer",
            json!("asked"),
        ),
        ("hangup", "", "state", json!("ended")),
    ] {
        let answered = post(port, &path(action), body).await;
        assert_eq!(answered.status, 200, "{action}: {answered:?}");
        assert_eq!(answered.json()[field], value, "{action}");
    }
    assert_eq!(
        get(port, &format!("/api/v2/calls/{id}")).await.json()["state"],
        "ended"
    );
    post(port, &path("hangup"), "")
        .await
        .is_refusal(409, "wrong_state");

    phone.rings("5550100");
    let declined = post(port, &format!("/api/v2/calls/{}/decline", 92), "").await;
    assert_eq!(declined.json()["state"], "ended");
}

#[tokio::test]
async fn a_program_pauses_and_mutes() {
    let phone = FakePhone::new();
    phone.change(rich);
    let (_open, port) = phone.open(LocalAccess::Everybody).await;
    post(port, "/api/v2/pause", r#"{"reason":"Holiday"}"#)
        .await
        .is_refusal(422, "unknown_reason");
    // It is what it is.
    assert_eq!(
        post(port, "/api/v2/pause", r#"{"reason":"Lunch"}"#)
            .await
            .status,
        200
    );
    let asked = post(port, "/api/v2/unpause", "").await;
    assert_eq!(
        (asked.status, asked.json()["pending"].clone()),
        (202, json!(true))
    );
    assert_eq!(
        post(port, "/api/v2/mute", r#"{"on":true}"#).await.json(),
        json!({"muted": true})
    );
    assert!(phone.views().muted);
}

#[tokio::test]
async fn bodies_are_read_with_care() {
    let phone = FakePhone::new();
    let (_open, port) = phone.open(LocalAccess::Everybody).await;
    for body in [
        "",
        "{",
        "[]",
        r#"{"number":5}"#,
        r#"{"number":""}"#,
        r#"{"number":"6","x":1}"#,
        r#"{"number":"\u0000"}"#,
    ] {
        post(port, "/api/v2/calls", body)
            .await
            .is_refusal(400, "malformed_request");
    }
    let large = format!(r#"{{"number":"{}"}}"#, "6".repeat(5000));
    post(port, "/api/v2/calls", &large)
        .await
        .is_refusal(413, "body_too_large");
    // What a page's form can send.
    raw(
        port,
        &format!("POST /api/v2/calls HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\nContent-Type: text/plain\r\nContent-Length: 16\r\n\r\n{{\"number\":\"600\"}}"),
    )
    .await
    .is_refusal(415, "not_json");
    assert!(phone.views().calls.is_empty(), "nothing was dialled");
    let refused = get(port, "/api/v2/pause").await;
    refused.is_refusal(405, "method_not_allowed");
    assert!(refused.head.contains("allow: post"), "{refused:?}");
}
