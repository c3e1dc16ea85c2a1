//! The agent's picture, against a real TLS server on loopback.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod common;

use common::server::{Answer, TestServer};
use sidetone_motion::{Fault, Session};
use sidetone_profile::Secret;

async fn signed_in(server: &TestServer) -> Session {
    let password = Secret::new("correct horse");
    server
        .client
        .sign_in("anna", &password, None)
        .await
        .unwrap()
}

async fn server() -> TestServer {
    TestServer::start(|request| match request.line.as_str() {
        "POST /api/auth/local" => Answer::json(r#"{"token":"t1"}"#),
        "GET /pictures/anna" => Answer::json(r#""0123456789""#),
        _ => Answer::status(404),
    })
    .await
}

#[tokio::test]
async fn a_picture_is_fetched_with_the_token_and_no_further_than_its_limit() {
    let server = server().await;
    let session = signed_in(&server).await;
    let all = session.picture("/pictures/anna", 100).await.unwrap();
    assert_eq!(all, br#""0123456789""#);
    let cut = session.picture("/pictures/anna", 4).await.unwrap();
    assert_eq!(cut, br#""0123"#, "one byte more tells that it is larger");
    let asked = server.requests("GET /pictures/anna");
    assert_eq!(asked[0].headers["authorization"], "Bearer t1");
    assert!(session.picture("/pictures/ben", 100).await.is_err());
}

#[tokio::test]
async fn nobody_else_is_asked_for_a_picture() {
    let server = server().await;
    let session = signed_in(&server).await;
    for elsewhere in [
        "https://pictures.example/anna.png",
        "//pictures.example/anna.png",
        "https://localhost:1/anna.png",
        "http://localhost/anna.png",
        "file:///etc/passwd",
    ] {
        let fault = session.picture(elsewhere, 100).await.unwrap_err();
        assert!(
            matches!(fault, Fault::BadAddress { .. }),
            "{elsewhere}: {fault}"
        );
    }
}
