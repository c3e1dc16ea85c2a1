use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::TcpStream;

use sidetone_engine::LocalAccess;

use super::client::{get, with};
use super::phone::FakePhone;
use crate::events::{HEARTBEAT, READER_LIMIT};

struct Listener(Lines<BufReader<TcpStream>>);

impl Listener {
    async fn open(port: u16) -> Self {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        let request = format!("GET /api/v2/events HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        Self(BufReader::new(stream).lines())
    }

    async fn line(&mut self, start: &str) -> String {
        loop {
            let line = self
                .0
                .next_line()
                .await
                .unwrap()
                .expect("the stream goes on");
            if let Some(rest) = line.strip_prefix(start) {
                return rest.to_owned();
            }
        }
    }

    async fn state(&mut self) -> Value {
        serde_json::from_str(&self.line("data: ").await).unwrap()
    }
}

#[tokio::test]
async fn a_listener_gets_the_state_at_once_and_every_change() {
    let phone = FakePhone::new();
    let (_open, port) = phone.open(LocalAccess::Everybody).await;
    let mut listener = Listener::open(port).await;
    assert_eq!(listener.state().await["calls"], serde_json::json!([]));
    phone.rings("5550100");
    assert_eq!(listener.state().await["calls"][0]["state"], "ringing");
    // Only a clock went on: that is no news, so the next is the mute.
    phone.change(|view| view.calls[0].age_ms += 1000);
    phone.change(|view| view.muted = true);
    let news = listener.state().await;
    assert_eq!(news["muted"], true);
    assert_eq!(news["calls"][0]["age_ms"], 2000);
}

#[tokio::test(start_paused = true)]
async fn a_quiet_stream_shows_that_it_lives() {
    let phone = FakePhone::new();
    let (_open, port) = phone.open(LocalAccess::Everybody).await;
    let mut listener = Listener::open(port).await;
    listener.state().await;
    let before = tokio::time::Instant::now();
    listener.line(": still here").await;
    listener.line(": still here").await;
    assert!(before.elapsed() >= HEARTBEAT);
}

#[tokio::test]
async fn only_so_many_listen() {
    let phone = FakePhone::new();
    let (_open, port) = phone.open(LocalAccess::Everybody).await;
    let mut listeners = Vec::new();
    for _ in 0..8 {
        let mut listener = Listener::open(port).await;
        listener.state().await;
        listeners.push(listener);
    }
    with(port, "GET /api/v2/events", &[])
        .await
        .is_refusal(503, "too_many_streams");
    assert_eq!(
        get(port, "/api/calls").await.status,
        200,
        "requests are answered"
    );
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_takes_nothing_is_dropped() {
    let phone = FakePhone::new();
    let (_open, port) = phone.open(LocalAccess::Everybody).await;
    let before = phone.watchers();
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let request = format!("GET /api/v2/events HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    while phone.watchers() == before {
        tokio::task::yield_now().await;
    }
    // More than any socket holds, and nobody reads; the phone itself is never kept waiting.
    let long = "x".repeat(1_000_000);
    let end = tokio::time::Instant::now() + READER_LIMIT * 20;
    let mut n = 0;
    while phone.watchers() > before {
        n += 1;
        phone.change(|view| view.sign_in_notice = None);
        phone.change(|view| {
            view.calls.clear();
            view.calls.push(super::phone::call(
                n,
                sidetone_engine::agent::CallDirection::Incoming,
                sidetone_engine::agent::CallState::Ringing,
                &long,
            ));
        });
        tokio::time::sleep(READER_LIMIT / 10).await;
        assert!(tokio::time::Instant::now() < end, "it is still there");
    }
}
