//! Sign-in, profile, presence, queues.

use std::time::Duration;

use serde_json::{Value, json};
use sidetone_profile::wire;
use sidetone_sandbox::{Config, DEMO_PASSWORD, one_time_code};

use crate::client::Bench;

async fn bench() -> Bench {
    Bench::start(Config::default()).await
}

fn body(name: &str, password: &str) -> Option<Value> {
    Some(json!({"name": name, "password": password}))
}

#[tokio::test]
async fn each_way_to_be_refused_has_its_own_answer() {
    let bench = bench().await;
    let sign_in = async |body| bench.call("POST", "/api/auth/local", None, body).await;

    let (status, problem) = sign_in(body("anna", "wrong")).await;
    assert_eq!((status, &problem["code"]), (401, &json!("wrong_password")));
    let sentence = problem["detail"].as_str().expect("a sentence");
    assert!(sentence.ends_with('.'), "{sentence}");
    let (status, problem) = sign_in(body("nobody", DEMO_PASSWORD)).await;
    assert_eq!((status, &problem["code"]), (401, &json!("wrong_password")));
    for malformed in [
        json!({"name": "anna"}),
        json!("anna"),
        json!([1]),
        json!({"name": 1, "password": 2}),
    ] {
        let (status, problem) = sign_in(Some(malformed)).await;
        assert_eq!((status, &problem["code"]), (400, &json!("malformed_body")));
    }
    let (status, _) = bench
        .call(
            "PATCH",
            "/admin/api/agents/ben",
            None,
            Some(json!({"settings": {"disabled": true}})),
        )
        .await;
    assert_eq!(status, 200);
    let (status, problem) = sign_in(body("ben", DEMO_PASSWORD)).await;
    assert_eq!(
        (status, &problem["code"]),
        (403, &json!("account_disabled"))
    );

    let response = bench
        .send("POST", "/api/auth/local", None, body("anna", "wrong"))
        .await;
    assert_eq!(
        response.headers()["content-type"],
        "application/problem+json"
    );
    assert!(response.headers().contains_key("date"));
}

#[tokio::test]
async fn five_wrong_passwords_lock_until_an_administrator_unlocks() {
    let bench = bench().await;
    let sign_in = async |password| {
        bench
            .call("POST", "/api/auth/local", None, body("anna", password))
            .await
    };
    for attempt in 1..=4 {
        assert_eq!(sign_in("wrong").await.0, 401, "attempt {attempt}");
    }
    let (status, problem) = sign_in("wrong").await;
    assert_eq!((status, &problem["code"]), (423, &json!("account_locked")));
    assert_eq!(
        sign_in(DEMO_PASSWORD).await.0,
        423,
        "the right password is too late"
    );
    assert_eq!(
        bench
            .call("POST", "/api/auth/local", None, body("ben", DEMO_PASSWORD))
            .await
            .0,
        200
    );

    let unlock = json!({"settings": {"blocked": false}});
    bench
        .call("PATCH", "/admin/api/agents/anna", None, Some(unlock))
        .await;
    assert_eq!(sign_in(DEMO_PASSWORD).await.0, 200);
    assert_eq!(sign_in("wrong").await.0, 401, "counted from the beginning");
}

#[tokio::test]
async fn a_token_expires() {
    let bench = Bench::start(Config {
        token_life: Duration::ZERO,
        ..Config::default()
    })
    .await;
    let token = bench.sign_in("anna").await;
    let (status, problem) = bench.call("GET", "/api/users/me", Some(&token), None).await;
    assert_eq!((status, &problem["code"]), (401, &json!("token_expired")));
    let (status, problem) = bench
        .call("GET", "/api/users/me", Some("made up"), None)
        .await;
    assert_eq!((status, &problem["code"]), (401, &json!("token_expired")));
}

#[tokio::test]
async fn a_one_time_code_is_asked_for_when_it_is_on() {
    let bench = bench().await;
    let (_, code) = bench
        .call(
            "PUT",
            "/admin/api/agents/anna/code",
            None,
            Some(json!({"on": true})),
        )
        .await;
    let secret = code["secret"].as_str().expect("a secret");
    let sign_in = async |code: Option<&str>| {
        let body = json!({"name": "anna", "password": DEMO_PASSWORD, "code": code});
        bench
            .call("POST", "/api/auth/local", None, Some(body))
            .await
    };
    assert_eq!(sign_in(None).await.1["code"], "code_required");
    let now = time::OffsetDateTime::now_utc().unix_timestamp();
    let right = one_time_code(secret, now).expect("a code");
    let wrong = if right == "000000" {
        "111111"
    } else {
        "000000"
    };
    assert_eq!(sign_in(Some(wrong)).await.1["code"], "wrong_code");
    assert_eq!(sign_in(Some(&right)).await.0, 200);
}

#[tokio::test]
async fn the_profile_is_one_that_a_phone_can_use_and_is_sent_once() {
    let bench = bench().await;
    let token = bench.sign_in("anna").await;
    let response = bench.send("GET", "/api/users/me", Some(&token), None).await;
    let etag = response.headers()["etag"]
        .to_str()
        .expect("text")
        .to_owned();
    let document: Value = response.json().await.expect("JSON");
    let (profile, faults) = wire::read(&document).expect("a profile");
    assert_eq!(faults, []);
    assert_eq!(
        (profile.name.as_str(), profile.account.internal.as_str()),
        ("anna", "201")
    );

    let again = bench
        .http
        .get(format!("{}/api/users/me", bench.handle.https_url))
        .bearer_auth(&token)
        .header("If-None-Match", &etag)
        .send()
        .await
        .expect("an answer");
    assert_eq!(again.status(), 304);
    let change = json!({"settings": {"alias": "Annie"}});
    bench
        .call("PATCH", "/admin/api/agents/anna", None, Some(change))
        .await;
    let again = bench
        .http
        .get(format!("{}/api/users/me", bench.handle.https_url))
        .basic_auth("anna", Some(DEMO_PASSWORD))
        .header("If-None-Match", &etag)
        .send()
        .await
        .expect("an answer");
    assert_eq!(
        again.status(),
        200,
        "changed, and HTTP Basic is as good as a token"
    );
}

#[tokio::test]
async fn login_pause_and_logout_change_presence() {
    let bench = bench().await;
    let token = bench.sign_in("anna").await;
    let post = async |path: &str, body| bench.call("POST", path, Some(&token), body).await;
    let lunch = || Some(json!({"reason": "Lunch"}));

    assert_eq!(
        post("/api/agent/pause", lunch()).await.1["code"],
        "not_logged_in"
    );
    let (_, presence) = post("/api/agent/login", None).await;
    assert_eq!(
        (&presence["online"], &presence["paused"]),
        (&json!(true), &json!(false))
    );
    let unknown = Some(json!({"reason": "Fishing"}));
    let (status, problem) = post("/api/agent/pause", unknown).await;
    assert_eq!((status, &problem["code"]), (422, &json!("unknown_reason")));
    let (_, presence) = post("/api/agent/pause", lunch()).await;
    assert_eq!(
        (&presence["paused"], &presence["pauseReason"]),
        (&json!(true), &json!("Lunch"))
    );
    assert!(presence["pausedSince"].is_string());
    let (_, presence) = post("/api/agent/unpause", None).await;
    assert_eq!(presence["paused"], false);

    let (_, presence) = post(
        "/api/agent/pause",
        Some(json!({"reason": "Break", "channel": "chat"})),
    )
    .await;
    assert_eq!(presence["paused"], false, "a partial pause leaves the rest");
    assert_eq!(presence["channels"]["chat"]["paused"], true);
    assert_eq!(presence["channels"]["email"]["paused"], false);
    let (_, presence) = post("/api/agent/logout", None).await;
    assert_eq!(
        (&presence["online"], &presence["onlineSince"]),
        (&json!(false), &Value::Null)
    );

    let carla = bench.sign_in("carla").await;
    let (_, presence) = bench
        .call("POST", "/api/agent/login", Some(&carla), None)
        .await;
    assert_eq!(
        (&presence["paused"], &presence["pauseReason"]),
        (&json!(true), &json!("Login"))
    );
}

#[tokio::test]
async fn data_in_a_folder_outlives_the_process() {
    let folder = std::env::temp_dir().join(format!("sandbox-test-{}", std::process::id()));
    let config = || Config {
        data: Some(folder.clone()),
        ..Config::default()
    };
    let first = Bench::start(config()).await;
    let change = json!({"settings": {"alias": "Kept"}});
    first
        .call("PATCH", "/admin/api/agents/anna", None, Some(change))
        .await;
    let ca = first.handle.ca_pem.clone();
    first.handle.shutdown().await;

    let second = Bench::start(config()).await;
    assert_eq!(second.handle.ca_pem, ca);
    let (_, agent) = second
        .call("GET", "/admin/api/agents/anna", None, None)
        .await;
    assert_eq!(agent["settings"]["alias"], "Kept");
    second.handle.shutdown().await;
    let _ = std::fs::remove_dir_all(folder);
}
