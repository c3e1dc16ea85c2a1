//! Ways to sign in and to stay signed in, against a real TLS server on loopback.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod common;

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use common::server::{Answer, Request, TestServer};
use serde_json::json;
use sidetone_motion::{Fault, Session, SignInError};
use sidetone_profile::{PasswordRules, Secret};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Only a broken test waits this long.
const LONG: Duration = Duration::from_secs(60);
const PRESENCE: &str = r#"{"online":true,"paused":false,"serverTime":"2031-05-01T10:00:05Z"}"#;

fn bearer(request: &Request) -> &str {
    request.headers.get("authorization").map_or("", |v| v)
}

async fn sign_in(server: &TestServer) -> Session {
    let password = Secret::new("correct horse");
    let code = Secret::new("123456");
    server
        .client
        .sign_in("anna", &password, Some(&code))
        .await
        .unwrap()
}

/// A server that knows one token and one refresh token at a time, as one that turns them over does.
fn turning_over() -> impl Fn(&Request) -> Answer {
    let turn = AtomicUsize::new(1);
    let token = |n: usize| {
        Answer::json(
            &json!({"token": format!("t{n}"), "expiresIn": 0, "refreshToken": format!("r{n}")})
                .to_string(),
        )
    };
    move |request| match request.line.as_str() {
        "POST /api/auth/local" if request.body["code"] == "123456" => token(1),
        "POST /api/auth/local" => Answer::problem(401, "code_required", "A code is needed."),
        "POST /api/auth/refresh" => {
            let now = turn.load(Ordering::SeqCst);
            if request.body["refreshToken"] == format!("r{now}") {
                turn.store(now + 1, Ordering::SeqCst);
                token(now + 1)
            } else {
                Answer::problem(401, "token_expired", "Used already.")
            }
        }
        "GET /api/agent/presence" => {
            let now = turn.load(Ordering::SeqCst);
            if now > 1 && bearer(request) == format!("Bearer t{now}") {
                Answer::json(PRESENCE)
            } else {
                Answer::problem(401, "token_expired", "Sign in again.")
            }
        }
        _ => Answer::status(404),
    }
}

#[tokio::test]
async fn requests_at_the_same_time_renew_a_token_once_and_need_no_second_code() {
    let server = TestServer::start(turning_over()).await;
    let session = sign_in(&server).await;
    let all = (0..8).map(|_| {
        let session = session.clone();
        tokio::spawn(async move { session.presence().await })
    });
    for one in all.collect::<Vec<_>>() {
        let answer = tokio::time::timeout(LONG, one).await.unwrap().unwrap();
        assert!(answer.unwrap().report.online);
    }
    let refreshed = server.requests("POST /api/auth/refresh");
    assert_eq!(refreshed.len(), 1, "one renewal for all");
    assert_eq!(server.requests("POST /api/auth/local").len(), 1);
}

#[tokio::test]
async fn a_request_that_is_given_up_does_not_lose_the_next_refresh_token() {
    let server = TestServer::start(turning_over()).await;
    let session = sign_in(&server).await;
    for _ in 0..20 {
        // Given up at any moment of the renewal.
        let asked = session.clone();
        let task = tokio::spawn(async move { asked.presence().await });
        tokio::task::yield_now().await;
        task.abort();
    }
    assert!(session.presence().await.unwrap().report.online);
    let codes = server.requests("POST /api/auth/local");
    assert_eq!(codes.len(), 1, "the password was not needed again");
}

#[tokio::test]
async fn without_refresh_tokens_the_password_renews_the_sign_in() {
    let server = TestServer::start(|request| match request.line.as_str() {
        "POST /api/auth/local" if request.body.get("code").is_some() => {
            Answer::json(r#"{"token":"t1","expiresIn":0,"refreshToken":"unknown here"}"#)
        }
        "POST /api/auth/local" => Answer::json(r#"{"token":"t2"}"#),
        "GET /api/agent/presence" if bearer(request) == "Bearer t2" => Answer::json(PRESENCE),
        "GET /api/agent/presence" => Answer::problem(401, "token_expired", "Sign in again."),
        _ => Answer::status(404),
    })
    .await;
    let session = sign_in(&server).await;
    assert!(session.presence().await.unwrap().report.online);
}

#[tokio::test]
async fn an_old_password_is_told_with_its_rules_and_a_new_one_can_be_set() {
    let server = TestServer::start(|request| match request.line.as_str() {
        "POST /api/auth/local" => {
            let mut problem = json!({"code": "password_expired", "title": "t", "detail": "d"});
            problem["rules"] = json!({"min_length": 12, "digit": true});
            Answer::json(&problem.to_string()).with_status(403)
        }
        "POST /api/auth/password" if request.body["newPassword"] == "short" => {
            Answer::problem(422, "password_refused", "At least 12 characters.")
        }
        "POST /api/auth/password" if request.body["password"] == "correct horse" => {
            Answer::status(204)
        }
        "POST /api/auth/password" => Answer::problem(401, "wrong_password", "No."),
        "GET /api/auth/password-rules" => Answer::json(r#"{"min_length":9}"#),
        _ => Answer::status(404),
    })
    .await;
    let (old, client) = (Secret::new("correct horse"), &server.client);
    let refused = client.sign_in("anna", &old, None).await.unwrap_err();
    let rules = PasswordRules {
        min_length: 12,
        digit: true,
        ..PasswordRules::default()
    };
    assert_eq!(refused, SignInError::PasswordExpired(rules));
    let change = async |current: &str, new: &str| {
        let (current, new) = (Secret::new(current), Secret::new(new));
        client.change_password("anna", &current, &new, None).await
    };
    assert_eq!(
        change("correct horse", "short").await,
        Err(SignInError::PasswordRefused(
            "At least 12 characters.".to_owned()
        ))
    );
    assert_eq!(
        change("wrong", "long enough 12").await,
        Err(SignInError::WrongPassword)
    );
    assert_eq!(change("correct horse", "long enough 12").await, Ok(()));
    assert_eq!(
        client.password_rules().await.unwrap().unwrap().min_length,
        9
    );
}

#[tokio::test]
async fn a_server_of_today_has_none_of_the_new_things_and_nothing_fails() {
    let server = TestServer::start(|request| match request.line.as_str() {
        "POST /api/auth/local" => Answer::json(r#"{"token":"t1"}"#),
        "GET /api/callbacks" => Answer::problem(404, "not_found", "No such path."),
        "GET /api/previews" => Answer::status(405),
        _ => Answer::status(404),
    })
    .await;
    let session = sign_in(&server).await;
    assert_eq!(session.settings().await.unwrap().settings.tab_limit, 20);
    assert_eq!(session.dispositions().await.unwrap(), []);
    assert_eq!(session.callbacks().await.unwrap(), []);
    assert_eq!(session.previews().await.unwrap(), []);
    assert_eq!(session.interactions().await.unwrap(), []);
    assert_eq!(server.client.password_rules().await.unwrap(), None);
    let browser = server.client.browser_sign_in().await.unwrap_err();
    assert_eq!(browser, SignInError::NoBrowserSignIn);
    // What was there from the beginning is missed.
    assert!(session.queues().await.is_err());
}

#[tokio::test]
async fn a_second_session_is_told_of_the_first_and_may_take_over() {
    let server = TestServer::start(|request| match request.line.as_str() {
        "POST /api/auth/local" => Answer::json(r#"{"token":"t1"}"#),
        "POST /api/agent/login" if request.body["takeOver"] == true => Answer::json(PRESENCE),
        "POST /api/agent/login" => {
            Answer::problem(409, "signed_in_elsewhere", "macOS, desk 3, since 9:12.")
        }
        _ => Answer::status(404),
    })
    .await;
    let session = sign_in(&server).await;
    assert_eq!(
        session.login("Windows, desk 12", false).await,
        Err(SignInError::Elsewhere(
            "macOS, desk 3, since 9:12.".to_owned()
        ))
    );
    assert!(
        session
            .login("Windows, desk 12", true)
            .await
            .unwrap()
            .report
            .online
    );
    let logins = server.requests("POST /api/agent/login");
    assert_eq!(logins[0].body, json!({"device": "Windows, desk 12"}));
}

#[tokio::test]
async fn a_sign_in_that_lost_the_queues_does_not_come_back_by_its_password() {
    let server = TestServer::start(|request| match (request.line.as_str(), bearer(request)) {
        ("POST /api/auth/local", _) if request.body.get("code").is_some() => {
            Answer::json(r#"{"token":"t1","expiresIn":0,"refreshToken":"r1"}"#)
        }
        ("POST /api/auth/local", _) => Answer::json(r#"{"token":"t2","refreshToken":"r2"}"#),
        ("POST /api/auth/refresh", _) => Answer::problem(401, "token_expired", "Taken over."),
        ("POST /api/agent/login", "Bearer t1") => Answer::json(PRESENCE),
        ("POST /api/agent/login", _) => {
            Answer::problem(409, "signed_in_elsewhere", "macOS, desk 3.")
        }
        ("GET /api/agent/presence", "Bearer t2") => Answer::json(PRESENCE),
        _ => Answer::problem(401, "token_expired", "Sign in again."),
    })
    .await;
    let session = sign_in(&server).await;
    session.login("Windows, desk 12", false).await.unwrap();
    assert_eq!(
        session.presence().await.unwrap_err(),
        Fault::SessionEnded {
            code: "signed_in_elsewhere".to_owned(),
            detail: "macOS, desk 3.".to_owned()
        }
    );
    assert!(session.is_over());
}

/// A server with a sign-in through the browser that gives the code "good".
async fn with_browser() -> TestServer {
    TestServer::start(|request| match request.line.as_str() {
        "GET /api/auth/methods" => {
            Answer::json(r#"{"password":true,"browser":{"name":"Company sign-in"}}"#)
        }
        "POST /api/auth/sso/token" if request.body["code"] == "good" => {
            Answer::json(r#"{"token":"t1","refreshToken":"r1"}"#)
        }
        "POST /api/auth/sso/token" => Answer::problem(400, "bad_code", "The code is too old."),
        "GET /api/agent/presence" if bearer(request) == "Bearer t1" => Answer::json(PRESENCE),
        _ => Answer::status(404),
    })
    .await
}

#[tokio::test]
async fn the_ways_to_sign_in_are_known_before_anybody_does() {
    let server = with_browser().await;
    let ways = server.client.sign_in_ways().await.unwrap();
    assert_eq!(ways.browser.as_deref(), Some("Company sign-in"));
    let older = TestServer::start(|_| Answer::status(404)).await;
    let ways = older.client.sign_in_ways().await.unwrap();
    assert_eq!((ways.password, ways.browser), (true, None));
}

/// What the phone gave the browser to open, by name.
fn asked(address: &url::Url) -> HashMap<String, String> {
    address.query_pairs().into_owned().collect()
}

/// A browser's request to the loopback port; gives the status line.
async fn visit(redirect_uri: &str, query: &str) -> String {
    let url = url::Url::parse(redirect_uri).unwrap();
    let address = (url.host_str().unwrap(), url.port().unwrap());
    let mut tcp = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {}?{query} HTTP/1.1\r\nHost: x\r\n\r\n", url.path());
    tcp.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    tcp.read_to_string(&mut answer).await.unwrap();
    answer.lines().next().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn the_browser_signs_in_whatever_else_knocks_at_the_port() {
    let server = with_browser().await;
    let sign_in = server.client.browser_sign_in().await.unwrap();
    let address = sign_in.address().clone();
    assert_eq!(address.path(), "/api/auth/sso/authorize");
    let asked = asked(&address);
    assert_eq!(asked["response_type"], "code");
    assert_eq!(asked["code_challenge_method"], "S256");
    let redirect_uri = asked["redirect_uri"].clone();
    assert!(redirect_uri.starts_with("http://127.0.0.1:"));
    let (state, challenge) = (asked["state"].clone(), asked["code_challenge"].clone());
    assert!(state.len() >= 40 && challenge.len() == 43);

    let finished = tokio::spawn(sign_in.finish());
    // A browser opens connections that it does not use.
    let idle = TcpStream::connect((
        "127.0.0.1",
        url::Url::parse(&redirect_uri).unwrap().port().unwrap(),
    ))
    .await
    .unwrap();
    for hostile in [
        "code=evil&state=guess",
        "error=access_denied&state=guess",
        "error=access_denied",
        "",
    ] {
        let status = visit(&redirect_uri, hostile).await;
        assert!(status.contains("400"), "{hostile}: {status}");
    }
    assert!(!finished.is_finished(), "the sign-in goes on");

    let status = visit(&redirect_uri, &format!("code=good&state={state}")).await;
    assert!(status.contains("200"), "{status}");
    let session = tokio::time::timeout(LONG, finished).await.unwrap().unwrap();
    assert!(session.unwrap().presence().await.unwrap().report.online);
    drop(idle);

    let exchanged = server.requests("POST /api/auth/sso/token").pop().unwrap();
    assert_eq!(exchanged.body["redirectUri"], redirect_uri);
    let verifier = exchanged.body["codeVerifier"].as_str().unwrap();
    assert_eq!(s256(verifier), challenge, "RFC 7636 section 4.6");
    let url = url::Url::parse(&redirect_uri).unwrap();
    let again = TcpStream::connect(("127.0.0.1", url.port().unwrap())).await;
    assert!(again.is_err(), "the port is closed");
}

#[tokio::test]
async fn what_went_wrong_in_the_browser_is_said() {
    for (query, words) in [
        ("error=access_denied", "cancelled"),
        ("code=old", "The code is too old."),
    ] {
        let server = with_browser().await;
        let sign_in = server.client.browser_sign_in().await.unwrap();
        let asked = asked(sign_in.address());
        let query = format!("{query}&state={}", asked["state"]);
        let (finished, status) =
            tokio::join!(sign_in.finish(), visit(&asked["redirect_uri"], &query));
        let SignInError::Browser(fault) = finished.unwrap_err() else {
            panic!("another fault");
        };
        assert!(fault.contains(words), "{fault}");
        assert!(status.contains("403"), "{status}");
    }
}

#[tokio::test]
async fn a_browsers_session_without_a_refresh_token_ends_in_words() {
    let first = Mutex::new(true);
    let server = TestServer::start(move |request| match request.line.as_str() {
        "GET /api/auth/methods" => Answer::json(r#"{"browser":{"name":"x"}}"#),
        "POST /api/auth/sso/token" => Answer::json(r#"{"token":"t1","expiresIn":0}"#),
        "GET /api/agent/presence" if std::mem::take(&mut *first.lock().unwrap()) => {
            Answer::json(PRESENCE)
        }
        _ => Answer::problem(401, "token_expired", "Sign in again."),
    })
    .await;
    let sign_in = server.client.browser_sign_in().await.unwrap();
    let asked = asked(sign_in.address());
    let query = format!("code=good&state={}", asked["state"]);
    let (session, _) = tokio::join!(sign_in.finish(), visit(&asked["redirect_uri"], &query));
    let session = session.unwrap();
    session.presence().await.unwrap();
    let fault = session.presence().await.unwrap_err();
    assert!(matches!(fault, Fault::SessionEnded { .. }), "{fault}");
    assert!(fault.to_string().contains("browser"), "{fault}");
    assert!(session.is_over());
}

fn s256(verifier: &str) -> String {
    use base64::Engine as _;
    let hash = ring::digest::digest(&ring::digest::SHA256, verifier.as_bytes());
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(hash)
}
