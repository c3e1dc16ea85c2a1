//! The administration.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use sidetone_profile::Secret;
use sidetone_sandbox::Config;

use crate::client::Bench;

#[tokio::test]
async fn a_saved_setting_is_seen_at_once_on_the_socket() {
    let bench = Bench::start(Config::default()).await;
    let token = bench.sign_in("anna").await;
    let mut socket = bench.socket(&token, None).await;
    let change = json!({"settings": {"allow": "ulaw, opus", "phoneBarAutoAnswer": true, "phoneBarAutoAnswerDelay": 4}});
    let (status, _) = bench
        .call("PATCH", "/admin/api/agents/anna", None, Some(change))
        .await;
    assert_eq!(status, 200);
    socket.next_of("profile").await;
    let (_, document) = bench.call("GET", "/api/users/me", Some(&token), None).await;
    assert_eq!(
        document["allow"],
        json!(["ulaw", "opus"]),
        "in its one form"
    );
    assert_eq!(document["phoneBarAutoAnswerDelay"], 4);

    let names = json!({"names": ["Lunch", "Prayer"]});
    bench
        .call("PUT", "/admin/api/pauses", None, Some(names))
        .await;
    let pauses = socket.next_of("pauses").await;
    assert_eq!(pauses["data"]["rows"][1]["name"], "Prayer");
}

#[tokio::test]
async fn a_value_that_no_phone_could_use_is_refused_with_a_sentence() {
    let bench = Bench::start(Config::default()).await;
    let save = async |settings| {
        let body = json!({"settings": settings});
        bench
            .call("PATCH", "/admin/api/agents/anna", None, Some(body))
            .await
    };
    for (settings, named) in [
        (json!({"allow": []}), "allow"),
        (json!({"allow": ["speex"]}), "allow"),
        (
            json!({"phoneBarAutoAnswerDelay": -1}),
            "phoneBarAutoAnswerDelay",
        ),
        (json!({"wssPort": 0}), "wssPort"),
        (json!({"internal": "202"}), "internal"),
        (json!({"favouriteColour": "green"}), "favouriteColour"),
    ] {
        let (status, problem) = save(settings).await;
        assert_eq!((status, &problem["code"]), (422, &json!("invalid_setting")));
        let sentence = problem["detail"].as_str().expect("a sentence");
        assert!(sentence.contains(named), "{sentence}");
    }
    let (_, agent) = bench
        .call("GET", "/admin/api/agents/anna", None, None)
        .await;
    assert_eq!(
        agent["settings"]["allow"],
        json!(["opus", "alaw", "ulaw"]),
        "nothing was saved"
    );

    let body = json!({"settings": {"allow": []}});
    let path = "/admin/api/agents/anna?unchecked=true";
    assert_eq!(
        bench.call("PATCH", path, None, Some(body)).await.0,
        200,
        "for tests of phones"
    );
}

#[tokio::test]
async fn other_sites_and_strangers_do_not_get_in() {
    let bench = Bench::start(Config {
        admin_token: Some(Secret::new("let me in")),
        ..Config::default()
    })
    .await;
    let get = |token| bench.call("GET", "/admin/api/agents", token, None);
    assert_eq!(get(None).await.1["code"], "admin_only");
    assert_eq!(get(Some("guess")).await.1["code"], "admin_only");
    assert_eq!(get(Some("let me in")).await.0, 200);

    let bench = Bench::start(Config::default()).await;
    let url = format!("{}/admin/api/agents", bench.handle.https_url);
    for (header, value) in [
        ("Origin", "https://attacker.example"),
        ("Host", "rebound.attacker.example"),
    ] {
        let answer = bench
            .http
            .get(&url)
            .header(header, value)
            .send()
            .await
            .expect("an answer");
        assert_eq!(answer.status(), 403, "{header}: {value}");
    }
    for path in [
        "/admin",
        "/admin/page.js",
        "/admin/centre.js",
        "/admin/page.css",
    ] {
        assert_eq!(
            bench.send("GET", path, None, None).await.status(),
            200,
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_picture_is_kept_and_fetched_by_who_is_signed_in() {
    let bench = Bench::start(Config::default()).await;
    let token = bench.sign_in("anna").await;
    let mut socket = bench.socket(&token, None).await;
    let picture = [&b"\x89PNG\r\n\x1a\n"[..], &[7; 100_000]].concat();
    let give = async |picture: Option<&[u8]>| {
        let body = json!({"picture": picture.map(|file| STANDARD.encode(file))});
        let path = "/admin/api/agents/anna/avatar";
        bench.call("PUT", path, None, Some(body)).await
    };
    let (status, kept) = give(Some(&picture)).await;
    assert_eq!(status, 200, "{kept}");
    socket.next_of("profile").await;
    let (_, me) = bench.call("GET", "/api/users/me", Some(&token), None).await;
    assert_eq!(me["userpic"], kept["userpic"]);
    let address = me["userpic"].as_str().expect("an address").to_owned();
    let answer = bench.send("GET", &address, Some(&token), None).await;
    assert_eq!(answer.headers()["content-type"], "image/png");
    assert_eq!(answer.bytes().await.expect("a picture"), picture);
    let stranger = bench.send("GET", &address, None, None).await;
    assert_eq!(stranger.status(), 401);

    let large = [&b"\xff\xd8\xff"[..], &vec![0; 8 * 1024 * 1024]].concat();
    for (file, words) in [
        (&large[..], "larger than 8 MB"),
        (b"<svg/>", "neither PNG nor JPG"),
    ] {
        let (status, problem) = give(Some(file)).await;
        assert_eq!((status, &problem["code"]), (422, &json!("invalid_setting")));
        let sentence = problem["detail"].as_str().expect("a sentence");
        assert!(sentence.contains(words), "{sentence}");
    }
    let answer = bench.send("GET", &address, Some(&token), None).await;
    assert_eq!(answer.bytes().await.expect("the same").len(), picture.len());

    let (status, none) = give(None).await;
    assert_eq!((status, none), (200, json!({"userpic": ""})));
    let answer = bench.send("GET", &address, Some(&token), None).await;
    assert_eq!(answer.status(), 404);
}
