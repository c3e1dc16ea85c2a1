//! Every way in which a server can be wrong, against a real TLS server on loopback, each named in one sentence.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod common;

use std::net::SocketAddr;

use common::{Authority, Identity};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use sidetone_motion::{CertificateFault, Client, Fault, SignInError, Unreachable, trust};
use sidetone_profile::Secret;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

fn self_signed() -> Identity {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    Identity {
        chain: vec![made.cert.der().clone()],
        key: PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap(),
    }
}

/// A server that gives every request the same answer.
async fn serve(identity: Identity, answer: String) -> SocketAddr {
    let acceptor = identity.acceptor();
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            let (acceptor, answer) = (acceptor.clone(), answer.clone());
            tokio::spawn(async move {
                let Ok(mut tls) = acceptor.accept(tcp).await else {
                    return;
                };
                let mut request = Vec::new();
                let mut part = [0; 1024];
                while !ends_with_body(&request) {
                    match tls.read(&mut part).await {
                        Ok(0) | Err(_) => return,
                        Ok(n) => request.extend_from_slice(&part[..n]),
                    }
                }
                let _ = tls.write_all(answer.as_bytes()).await;
                let _ = tls.shutdown().await;
            });
        }
    });
    address
}

/// The sign-in body is one JSON object.
fn ends_with_body(request: &[u8]) -> bool {
    String::from_utf8_lossy(request)
        .split_once("\r\n\r\n")
        .is_some_and(|(_, body)| body.ends_with('}'))
}

fn response(status: &str, kind: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}

async fn sign_in(server: &str, authorities: Vec<CertificateDer<'static>>) -> SignInError {
    let tls = trust::client_config(authorities).unwrap();
    let client = Client::new(server, tls).unwrap();
    client
        .sign_in("anna", &Secret::new("correct horse"), None)
        .await
        .expect_err("this server is broken")
}

/// The fault of a server whose certificate is good and whose answer is this.
async fn fault_of_answer(answer: String) -> SignInError {
    let authority = Authority::new();
    let address = serve(authority.issue("localhost", -1, 30), answer).await;
    sign_in(
        &format!("https://localhost:{}", address.port()),
        vec![authority.der()],
    )
    .await
}

/// The fault of a server with this certificate.
async fn fault_of_certificate(
    identity: Identity,
    trusted: &Authority,
) -> Result<CertificateFault, SignInError> {
    let address = serve(identity, response("200 OK", "application/json", "{}")).await;
    let server = format!("https://localhost:{}", address.port());
    match sign_in(&server, vec![trusted.der()]).await {
        SignInError::Fault(Fault::Certificate(fault)) => Ok(fault),
        other => Err(other),
    }
}

#[tokio::test]
async fn an_expired_certificate_is_named() {
    let authority = Authority::new();
    let fault = fault_of_certificate(authority.issue("localhost", -30, -1), &authority)
        .await
        .unwrap();
    assert!(matches!(fault, CertificateFault::Expired { .. }), "{fault}");
    assert!(fault.to_string().contains("expired"));
}

#[tokio::test]
async fn a_certificate_of_tomorrow_points_to_the_clock() {
    let authority = Authority::new();
    let fault = fault_of_certificate(authority.issue("localhost", 1, 30), &authority)
        .await
        .unwrap();
    assert!(
        matches!(fault, CertificateFault::NotYetValid { .. }),
        "{fault}"
    );
    assert!(fault.to_string().contains("clock"));
}

#[tokio::test]
async fn a_self_signed_certificate_is_named() {
    let fault = fault_of_certificate(self_signed(), &Authority::new())
        .await
        .unwrap();
    assert!(
        matches!(fault, CertificateFault::UnknownIssuer { .. }),
        "{fault}"
    );
    assert!(fault.to_string().contains("self-signed"));
}

#[tokio::test]
async fn an_unknown_issuer_is_named() {
    let fault = fault_of_certificate(
        Authority::new().issue("localhost", -1, 30),
        &Authority::new(),
    )
    .await
    .unwrap();
    assert!(
        matches!(fault, CertificateFault::UnknownIssuer { .. }),
        "{fault}"
    );
}

#[tokio::test]
async fn a_wrong_host_name_names_both() {
    let authority = Authority::new();
    let fault = fault_of_certificate(authority.issue("other.example", -1, 30), &authority)
        .await
        .unwrap();
    let words = fault.to_string();
    assert!(
        matches!(fault, CertificateFault::WrongHost { .. }),
        "{words}"
    );
    assert!(
        words.contains("localhost") && words.contains("other.example"),
        "{words}"
    );
}

#[tokio::test]
async fn a_web_page_instead_of_json_is_named() {
    let page = response("200 OK", "text/html; charset=utf-8", "<html>Sign in</html>");
    let SignInError::Fault(fault) = fault_of_answer(page).await else {
        panic!("not about the account");
    };
    assert!(matches!(fault, Fault::NotJson { .. }), "{fault}");
    assert!(fault.to_string().contains("HTML"), "{fault}");
}

#[tokio::test]
async fn a_server_of_another_kind_is_named() {
    for kind in ["text/html", "text/plain"] {
        let SignInError::Fault(fault) =
            fault_of_answer(response("404 Not Found", kind, "nothing here")).await
        else {
            panic!("not about the account");
        };
        assert!(matches!(fault, Fault::NotSuchServer { .. }), "{fault}");
    }
}

#[tokio::test]
async fn malformed_json_is_named_with_its_place() {
    for (body, line, word) in [
        ("{\n\"token\": \"a\",", 2, "EOF"),
        ("{\"expiresIn\": 60}", 1, "token"),
        ("{\"token\": 7}", 1, "string"),
        ("", 1, "EOF"),
    ] {
        let answer = response("200 OK", "application/json", body);
        let SignInError::Fault(fault) = fault_of_answer(answer).await else {
            panic!("not about the account");
        };
        let Fault::BadJson { line: at, .. } = fault else {
            panic!("{fault}");
        };
        assert_eq!(at, line, "{fault}");
        assert!(fault.to_string().contains(word), "{fault}");
    }
}

#[tokio::test]
async fn the_accounts_own_faults_are_told_apart() {
    for (status, code, expected) in [
        (
            "401 Unauthorized",
            "wrong_password",
            SignInError::WrongPassword,
        ),
        (
            "401 Unauthorized",
            "code_required",
            SignInError::CodeRequired,
        ),
        ("401 Unauthorized", "wrong_code", SignInError::WrongCode),
        ("423 Locked", "account_locked", SignInError::Locked),
        ("403 Forbidden", "account_disabled", SignInError::Disabled),
    ] {
        let body = format!(
            r#"{{"type":"urn:sidetone:problem:{code}","code":"{code}","title":"t","detail":"d"}}"#
        );
        let got = fault_of_answer(response(status, "application/problem+json", &body)).await;
        assert_eq!(got, expected);
    }
}

#[tokio::test]
async fn a_server_in_trouble_is_named_by_its_status() {
    let SignInError::Fault(fault) =
        fault_of_answer(response("503 Service Unavailable", "text/html", "busy")).await
    else {
        panic!("not about the account");
    };
    assert!(
        matches!(fault, Fault::Status { status: 503, .. }),
        "{fault}"
    );
}

#[tokio::test]
async fn nothing_listening_is_named() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let got = sign_in(
        &format!("https://127.0.0.1:{port}"),
        vec![Authority::new().der()],
    )
    .await;
    assert_eq!(
        got,
        SignInError::Fault(Fault::Unreachable(Unreachable::Refused {
            host: "127.0.0.1".to_owned(),
            port
        }))
    );
}

#[tokio::test]
async fn a_name_that_does_not_exist_is_named() {
    let got = sign_in("https://no-such-host.invalid", vec![Authority::new().der()]).await;
    assert!(
        matches!(
            got,
            SignInError::Fault(Fault::Unreachable(Unreachable::NameNotFound { .. }))
        ),
        "{got:?}"
    );
}

#[tokio::test]
async fn a_port_without_tls_is_named() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut tcp, _)) = listener.accept().await {
            let _ = tcp
                .write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
                .await;
        }
    });
    let got = sign_in(
        &format!("https://localhost:{port}"),
        vec![Authority::new().der()],
    )
    .await;
    assert!(
        matches!(
            got,
            SignInError::Fault(Fault::Unreachable(Unreachable::Tls { .. }))
        ),
        "{got:?}"
    );
}
