//! Settings of the centre, dispositions, and what waits for an agent.

use serde_json::{Value, json};
use sidetone_profile::wire;
use sidetone_sandbox::Config;

use crate::client::Bench;

async fn bench() -> Bench {
    Bench::start(Config::default()).await
}

/// What an administrator does.
async fn admin(bench: &Bench, method: &str, path: &str, body: Value) -> Value {
    let path = format!("/admin/api/{path}");
    let (status, answer) = bench.call(method, &path, None, Some(body)).await;
    assert!((200..300).contains(&status), "{method} {path}: {answer}");
    answer
}

#[tokio::test]
async fn changed_settings_are_pushed_and_hold_at_once() {
    let bench = bench().await;
    let token = bench.log_in("anna").await;
    let mut socket = bench.socket(&token, None).await;
    let change = json!({"partialPause": false, "wrapUpSeconds": 7, "screenPops": [
        {"on": "answered", "queue": "support", "open": {"url": "https://crm.example/?q={number}"}}]});
    admin(&bench, "PATCH", "settings", change).await;
    let pushed = socket.next_of("settings").await;
    let (_, settings) = bench.call("GET", "/api/settings", Some(&token), None).await;
    assert_eq!(pushed["data"], settings);
    assert_eq!(settings["wrapUpSeconds"], 7);
    assert_eq!(
        settings["screenPops"][0]["open"]["url"],
        "https://crm.example/?q={number}"
    );

    let chat = || Some(json!({"reason": "Lunch", "channel": "chat"}));
    let pause = async |body| {
        bench
            .call("POST", "/api/agent/pause", Some(&token), body)
            .await
    };
    let (status, problem) = pause(chat()).await;
    assert_eq!((status, &problem["code"]), (403, &json!("not_allowed")));
    admin(&bench, "PATCH", "settings", json!({"partialPause": true})).await;
    let (status, presence) = pause(chat()).await;
    assert_eq!(status, 200);
    assert!(presence["channels"]["chat"]["pausedSince"].is_string());
    assert_eq!(presence["channels"]["voice"]["paused"], false);
}

#[tokio::test]
async fn a_disposition_is_one_of_the_tree_and_is_kept() {
    let bench = bench().await;
    let token = bench.sign_in("anna").await;
    let mut socket = bench.socket(&token, None).await;
    let tree =
        json!({"rows": [{"id": 5, "name": "Sale", "children": [{"id": 6, "name": "Order"}]}]});
    admin(&bench, "PUT", "dispositions", tree).await;
    let pushed = socket.next_of("dispositions").await;
    assert_eq!(pushed["data"]["rows"][0]["children"][0]["name"], "Order");
    let dispose = async |path: Value| {
        let body = json!({"path": path, "note": "Two boxes"});
        let path = "/api/calls/call%2Fid%40host/disposition";
        bench.call("POST", path, Some(&token), Some(body)).await
    };
    let (status, problem) = dispose(json!([6])).await;
    assert_eq!(
        (status, &problem["code"]),
        (422, &json!("unknown_disposition"))
    );
    assert_eq!(dispose(json!([5])).await.0, 204);
    assert_eq!(dispose(json!([5, 6])).await.0, 204);
    let disposed = admin(&bench, "GET", "agents/anna/dispositions", Value::Null).await;
    assert_eq!(disposed["count"], 1, "the later one of one call");
    assert_eq!(disposed["rows"][0]["reference"], "call/id@host");
    assert_eq!(disposed["rows"][0]["names"], json!(["Sale", "Order"]));
}

#[tokio::test]
async fn callbacks_come_and_go_as_they_are_done() {
    let bench = bench().await;
    let token = bench.sign_in("anna").await;
    let mut socket = bench.socket(&token, None).await;
    let wanted =
        json!({"name": "Marta Vidal", "number": "+12025550100", "dueAt": "2026-11-22T10:00:00Z"});
    let row = admin(&bench, "POST", "agents/anna/callbacks", wanted).await;
    let pushed = socket.next_of("callbacks").await;
    assert_eq!(pushed["data"]["rows"], json!([row]));
    let act = async |what: &str, body| {
        let path = format!("/api/callbacks/{}/{what}", row["id"]);
        bench.call("POST", &path, Some(&token), body).await.0
    };
    assert_eq!(act("start", None).await, 204);
    assert_eq!(act("finish", Some(json!({"done": false}))).await, 204);
    let (_, list) = bench
        .call("GET", "/api/callbacks", Some(&token), None)
        .await;
    assert_eq!(list["rows"], json!([row]), "it waits again");
    assert_eq!(act("finish", Some(json!({"done": true}))).await, 204);
    assert_eq!(act("start", None).await, 404);
    let ben = bench.sign_in("ben").await;
    let (_, list) = bench.call("GET", "/api/callbacks", Some(&ben), None).await;
    assert_eq!(list["count"], 0, "others have their own");
}

#[tokio::test]
async fn a_preview_waits_for_the_end_of_the_pause_unless_the_agent_may_ignore_it() {
    let bench = bench().await;
    let token = bench.log_in("anna").await;
    let row = admin(
        &bench,
        "POST",
        "agents/anna/previews",
        json!({"name": "Tom", "number": "1234", "campaign": "Spring"}),
    )
    .await;
    let lunch = json!({"reason": "Lunch"});
    bench
        .call("POST", "/api/agent/pause", Some(&token), Some(lunch))
        .await;
    let start = async || {
        let path = format!("/api/previews/{}/start", row["id"]);
        bench.call("POST", &path, Some(&token), None).await
    };
    let (status, problem) = start().await;
    assert_eq!((status, &problem["code"]), (409, &json!("paused")));
    let change = json!({"settings": {"phoneBarIgnoreBreakPreview": true}});
    admin(&bench, "PATCH", "agents/anna", change).await;
    assert_eq!(start().await.0, 204);
    let (_, list) = bench.call("GET", "/api/previews", Some(&token), None).await;
    assert_eq!(list["count"], 0);
}

#[tokio::test]
async fn an_interaction_offered_to_two_is_taken_by_one() {
    let bench = bench().await;
    let (anna, ben) = (bench.sign_in("anna").await, bench.sign_in("ben").await);
    let mut socket = bench.socket(&ben, None).await;
    let offer =
        json!({"channel": "chat", "from": "Grace Okafor", "strategy": "beepall", "group": "g1"});
    let own = admin(&bench, "POST", "agents/anna/interactions", offer.clone()).await;
    let others = admin(&bench, "POST", "agents/ben/interactions", offer).await;
    assert_eq!(
        (&own["offered"], &own["strategy"]),
        (&json!(true), &json!("beepall"))
    );
    let act = async |token: &str, row: &Value, what: &str| {
        let path = format!("/api/interactions/{}/{what}", row["id"]);
        bench.call("POST", &path, Some(token), None).await
    };
    assert_eq!(act(&anna, &own, "accept").await.0, 204);
    assert_eq!(act(&anna, &own, "accept").await.0, 204, "said twice");
    loop {
        if socket.next_of("interactions").await["data"]["count"] == 0 {
            break;
        }
    }
    let (status, problem) = act(&ben, &others, "accept").await;
    assert_eq!((status, &problem["code"]), (409, &json!("gone")));
    let (_, list) = bench
        .call("GET", "/api/interactions", Some(&anna), None)
        .await;
    assert_eq!(list["rows"][0]["offered"], false, "open");
}

#[tokio::test]
async fn the_degrees_of_masking_follow_the_switch_and_each_other() {
    let bench = bench().await;
    let token = bench.sign_in("anna").await;
    for (change, expected) in [
        (json!({"privacyEnabled": true}), ["full", "full", "full"]),
        (
            json!({"privacyNumber": "partial"}),
            ["full", "full", "partial"],
        ),
        (json!({"privacyEnabled": false}), ["off", "off", "off"]),
        (
            json!({"privacyNumber": "partial"}),
            ["off", "off", "partial"],
        ),
        (
            json!({"privacyEnabled": "partial"}),
            ["partial", "partial", "partial"],
        ),
    ] {
        admin(&bench, "PATCH", "agents/anna", json!({"settings": change})).await;
        let (_, me) = bench.call("GET", "/api/users/me", Some(&token), None).await;
        let seen = ["privacyName", "privacyEmail", "privacyNumber"].map(|field| me[field].clone());
        assert_eq!(seen, expected.map(|degree| json!(degree)), "{change}");
        let (profile, _) = wire::read(&me).expect("a profile");
        let read = json!(profile.security.masking);
        assert_eq!(read["number"], expected[2], "{change}: as a phone reads it");
    }
}

#[tokio::test]
async fn memberships_are_shown_in_the_profile() {
    let bench = bench().await;
    let token = bench.sign_in("anna").await;
    let change = json!({"settings": {
        "teams": ["First line", "Night"], "profile": "Agents", "aiBot": "Helper", "queues": ["chat: web"]}});
    admin(&bench, "PATCH", "agents/anna", change).await;
    let (_, me) = bench.call("GET", "/api/users/me", Some(&token), None).await;
    assert_eq!(me["teams"][1]["name"], "Night");
    assert!(me["teams"][1]["id"].is_i64());
    assert_eq!(me["profile"]["name"], "Agents");
    assert_eq!(me["aiBot"], json!({"name": "Helper"}));
    assert_eq!(
        me["queues"],
        json!([{"channel": "voice", "name": "support"}, {"channel": "chat", "name": "web"}])
    );
    let (_, teams) = bench
        .call("GET", "/api/voice/queues/1/teams", Some(&token), None)
        .await;
    let names: Vec<&Value> = teams["rows"]
        .as_array()
        .expect("rows")
        .iter()
        .map(|t| &t["name"])
        .collect();
    assert!(names.contains(&&json!("Night")), "{teams}");
    let wrong = json!({"settings": {"queues": ["voice: x"]}});
    let (status, problem) = bench
        .call("PATCH", "/admin/api/agents/anna", None, Some(wrong))
        .await;
    assert_eq!((status, &problem["code"]), (422, &json!("invalid_setting")));
}
