//! The realtime socket against a real TLS server: what is pushed, what is asked for after a break, and the end.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod common;

use std::time::Duration;

use common::Authority;
use futures_util::{SinkExt, StreamExt};
use sidetone_motion::{Client, Presence, PresenceReport, Realtime, RealtimeEvent, trust};
use sidetone_profile::Secret;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};

/// Only a broken test waits this long.
const LONG: Duration = Duration::from_secs(60);

struct Server {
    listener: TcpListener,
    acceptor: TlsAcceptor,
}

impl Server {
    async fn accept(&self) -> TlsStream<TcpStream> {
        let (tcp, _) = self.listener.accept().await.unwrap();
        self.acceptor.accept(tcp).await.unwrap()
    }

    /// Answers a sign-in with this token; gives the request.
    async fn sign_in(&self, token: &str) -> String {
        let mut tls = self.accept().await;
        let mut request = Vec::new();
        while !request.ends_with(b"}") {
            let mut part = [0; 1024];
            let read = tls.read(&mut part).await.unwrap();
            request.extend_from_slice(&part[..read]);
        }
        let body = format!(r#"{{"token":"{token}","expiresIn":60}}"#);
        let answer = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        );
        tls.write_all(answer.as_bytes()).await.unwrap();
        tls.shutdown().await.unwrap();
        String::from_utf8(request).unwrap()
    }

    /// A realtime connection, with the address and the Authorization header that it came with.
    async fn realtime(&self) -> (WebSocketStream<TlsStream<TcpStream>>, String, String) {
        let tls = self.accept().await;
        let (mut address, mut bearer) = (String::new(), String::new());
        #[allow(
            clippy::result_large_err,
            reason = "the callback's type is the library's"
        )]
        let look = |request: &Request, response: Response| -> Result<Response, ErrorResponse> {
            address = request.uri().to_string();
            let header = request.headers().get("Authorization");
            bearer = header.unwrap().to_str().unwrap().to_owned();
            Ok(response)
        };
        let socket = tokio_tungstenite::accept_hdr_async(tls, look)
            .await
            .unwrap();
        (socket, address, bearer)
    }
}

/// A server, and the realtime socket of an agent who has just signed in to it.
async fn signed_in() -> (Server, Realtime) {
    let authority = Authority::new();
    let server = Server {
        listener: TcpListener::bind(("127.0.0.1", 0)).await.unwrap(),
        acceptor: authority.issue("localhost", -1, 30).acceptor(),
    };
    let port = server.listener.local_addr().unwrap().port();
    let tls = trust::client_config(vec![authority.der()]).unwrap();
    let client = Client::new(&format!("https://localhost:{port}"), tls).unwrap();
    let password = Secret::new("correct horse");
    let (session, _) = tokio::join!(
        client.sign_in("anna", &password, None),
        server.sign_in("t0ken")
    );
    (server, session.unwrap().realtime())
}

async fn push(socket: &mut WebSocketStream<TlsStream<TcpStream>>, frame: &str) {
    socket.send(Message::text(frame)).await.unwrap();
}

async fn next(realtime: &mut Realtime) -> Option<RealtimeEvent> {
    tokio::time::timeout(LONG, realtime.next()).await.unwrap()
}

#[tokio::test]
async fn a_break_is_bridged_by_the_last_sequence_number_until_the_server_ends_the_session() {
    let (server, mut realtime) = signed_in().await;

    let (mut socket, address, bearer) = server.realtime().await;
    assert_eq!(address, "/api/realtime", "nothing was missed yet");
    assert_eq!(bearer, "Bearer t0ken");
    push(
        &mut socket,
        r#"{"seq":7,"at":"2031-05-01T10:00:00Z","type":"hello","data":{"seq":7,"resumed":true}}"#,
    )
    .await;
    assert_eq!(
        next(&mut realtime).await,
        Some(RealtimeEvent::Connected { resumed: false }),
        "a first connection resumes nothing, whatever the server says"
    );
    for odd in [
        "not json",
        r#"{"seq":8,"type":"presence","data":{"online":"perhaps"}}"#,
        r#"{"seq":9,"type":"from_the_future","data":{}}"#,
    ] {
        push(&mut socket, odd).await;
    }
    push(
        &mut socket,
        r#"{"seq":10,"at":"2031-05-01T10:00:00Z","type":"presence","data":{"online":true,"paused":true,"pauseReason":"Lunch",
            "onlineSince":null,"pausedSince":"2031-05-01T10:00:00Z","serverTime":"2031-05-01T10:00:05Z","channels":{}}}"#,
    )
    .await;
    assert_eq!(
        next(&mut realtime).await,
        Some(RealtimeEvent::Presence(Presence {
            report: PresenceReport {
                online: true,
                paused: true,
                reason: Some("Lunch".to_owned()),
                online_for_ms: 0,
                paused_for_ms: 5000,
                channels: Vec::new(),
            },
            server_ms: 1_935_396_005_000,
        })),
        "what cannot be read is left out"
    );
    drop(socket);
    assert!(matches!(
        next(&mut realtime).await,
        Some(RealtimeEvent::Disconnected(_))
    ));

    let (mut socket, address, _) = server.realtime().await;
    assert_eq!(address, "/api/realtime?since=10");
    push(
        &mut socket,
        r#"{"seq":10,"at":"2031-05-01T10:01:00Z","type":"hello","data":{"seq":12,"resumed":true}}"#,
    )
    .await;
    push(
        &mut socket,
        r#"{"seq":11,"at":"2031-05-01T10:00:10Z","type":"profile","data":{}}"#,
    )
    .await;
    push(
        &mut socket,
        r#"{"seq":12,"at":"2031-05-01T10:01:00Z","type":"signed_out","data":{"code":"account_disabled","detail":"Ask your lead."}}"#,
    )
    .await;
    for expected in [
        Some(RealtimeEvent::Connected { resumed: true }),
        Some(RealtimeEvent::ProfileChanged),
        Some(RealtimeEvent::SignedOut {
            code: "account_disabled".to_owned(),
            detail: "Ask your lead.".to_owned(),
        }),
        None,
    ] {
        assert_eq!(next(&mut realtime).await, expected);
    }
    let closed = tokio::time::timeout(LONG, socket.next()).await.unwrap();
    assert!(
        matches!(closed, Some(Ok(Message::Close(_)))),
        "a session that is over says goodbye: {closed:?}"
    );
}

#[tokio::test]
async fn a_token_that_is_taken_no_longer_is_replaced_and_nothing_is_missed() {
    let (server, mut realtime) = signed_in().await;
    let (mut socket, _, _) = server.realtime().await;
    push(
        &mut socket,
        r#"{"seq":7,"type":"hello","data":{"seq":7,"resumed":false}}"#,
    )
    .await;
    push(
        &mut socket,
        r#"{"seq":8,"type":"signed_out","data":{"code":"token_expired","detail":"Sign in again."}}"#,
    )
    .await;

    let request = server.sign_in("t0ken of the afternoon").await;
    assert!(
        request.contains(r#""name":"anna","password":"correct horse"}"#),
        "{request}"
    );
    let (mut socket, address, bearer) = server.realtime().await;
    assert_eq!(address, "/api/realtime?since=8");
    assert_eq!(bearer, "Bearer t0ken of the afternoon");
    push(
        &mut socket,
        r#"{"seq":8,"type":"hello","data":{"seq":8,"resumed":true}}"#,
    )
    .await;
    for expected in [
        RealtimeEvent::Connected { resumed: false },
        RealtimeEvent::Connected { resumed: true },
    ] {
        assert_eq!(next(&mut realtime).await, Some(expected));
    }
}
