use serde_json::json;
use sidetone_engine::LocalAccess;
use sidetone_engine::agent::CallState;

use super::client::{get, with};
use super::phone::FakePhone;

#[tokio::test]
async fn an_old_integration_goes_on_working() {
    let phone = FakePhone::new();
    let (_open, port) = phone.open(LocalAccess::Everybody).await;
    assert_eq!(get(port, "/api/calls").await.json(), json!([]));

    phone.rings("5550100");
    let ringing = json!([{
        "sessionId": "1", "callingNumber": "5550100", "duration": 0, "stateId": 32, "incoming": true,
    }]);
    assert_eq!(get(port, "/api/calls").await.json(), ringing);

    let answered = get(port, "/api/answer").await;
    assert_eq!(answered.status, 200);
    assert_eq!(answered.json()["stateId"], 8);
    assert_eq!(get(port, "/api/hold").await.json()["stateId"], 64);
    assert_eq!(get(port, "/api/hold/1").await.json()["stateId"], 8);
    assert_eq!(get(port, "/api/transfer/1?number=601").await.status, 200);
    assert!(phone.views().calls[0].transfer.is_some());
    assert_eq!(get(port, "/api/hangup/1").await.json()["stateId"], 128);

    let placed = get(port, "/api/originate/%2B39055600").await.json();
    assert_eq!(placed["sessionId"], "2");
    assert_eq!(placed["callingNumber"], "+39055600");
    assert_eq!(placed["incoming"], false);
    assert_eq!(placed["stateId"], 2);
    // A browser's address line is no page.
    let typed = with(port, "GET /api/calls", &["Sec-Fetch-Site: none"]).await;
    assert_eq!(typed.status, 200);
}

#[tokio::test]
async fn hanging_up_ends_all_calls_and_leaves_what_rings() {
    let phone = FakePhone::new();
    let (_open, port) = phone.open(LocalAccess::Everybody).await;
    for _ in 0..2 {
        get(port, "/api/originate/600").await;
    }
    phone.rings("5550100");
    let ended = get(port, "/api/hangup").await.json();
    assert_eq!(ended.as_array().unwrap().len(), 2);
    let states: Vec<CallState> = phone.views().calls.iter().map(|call| call.state).collect();
    assert_eq!(
        states,
        [CallState::Ended, CallState::Ended, CallState::Ringing]
    );
    // Nothing else is left: now it is the ringing one that is meant.
    assert_eq!(get(port, "/api/hangup").await.json()[0]["sessionId"], "3");
    get(port, "/api/hangup")
        .await
        .is_refusal(409, "wrong_state");
}

#[tokio::test]
async fn what_cannot_be_done_is_said() {
    let phone = FakePhone::new();
    let (_open, port) = phone.open(LocalAccess::Everybody).await;
    for (path, status, code) in [
        ("/api/answer", 409, "wrong_state"),
        ("/api/answer/9", 404, "unknown_call"),
        ("/api/answer/x", 404, "unknown_call"),
        ("/api/hold", 409, "wrong_state"),
        ("/api/hangup/9", 404, "unknown_call"),
        ("/api/transfer", 400, "malformed_request"),
        ("/api/transfer?number=", 400, "malformed_request"),
        ("/api/transfer?number=600", 409, "wrong_state"),
        ("/api/originate", 404, "not_found"),
        ("/api/originate/%00", 400, "malformed_request"),
        ("/api/originate/9600", 409, "refused"),
        ("/api/nothing", 404, "not_found"),
        ("/", 404, "not_found"),
    ] {
        get(port, path).await.is_refusal(status, code);
    }
}
