//! Where no WebSocket can be had, the server is asked instead: nothing that the agent should see is missed.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use common::server::{Answer, TestServer};
use sidetone_motion::{Realtime, RealtimeEvent};
use sidetone_profile::Secret;

/// Only a broken test waits this long.
const LONG: Duration = Duration::from_secs(60);
const PRESENCE: &str = r#"{"online":true,"paused":false,"serverTime":"2031-05-01T10:00:05Z"}"#;

async fn until(realtime: &mut Realtime, wanted: impl Fn(&RealtimeEvent) -> bool) -> RealtimeEvent {
    let event = async {
        loop {
            let event = realtime.next().await.expect("the session goes on");
            if wanted(&event) {
                return event;
            }
        }
    };
    tokio::time::timeout(LONG, event).await.unwrap()
}

#[tokio::test]
async fn a_proxy_that_knows_no_upgrade_is_got_round_by_asking() {
    let proxies = [426, 404, 400, 502].map(|refusal| tokio::spawn(behind_a_proxy(refusal)));
    for proxy in proxies {
        proxy.await.unwrap();
    }
}

/// Goes through changes behind a proxy that answers the upgrade with this status.
async fn behind_a_proxy(refusal: u16) {
    let changed = Arc::new(AtomicBool::new(false));
    let gone = Arc::new(AtomicBool::new(false));
    let (change, go) = (Arc::clone(&changed), Arc::clone(&gone));
    let unchanged = Arc::new(AtomicUsize::new(0));
    let not_modified = Arc::clone(&unchanged);
    let server = TestServer::start(move |request| {
        let changed = changed.load(Ordering::SeqCst);
        match request.line.as_str() {
            "POST /api/auth/local" => Answer::json(r#"{"token":"t1"}"#),
            "GET /api/realtime" => Answer::status(refusal),
            _ if gone.load(Ordering::SeqCst) => Answer::status(503),
            "GET /api/agent/presence" => Answer::json(PRESENCE),
            "GET /api/users/me" => {
                let tag = if changed { "\"2\"" } else { "\"1\"" };
                if request
                    .headers
                    .get("if-none-match")
                    .is_some_and(|t| t == tag)
                {
                    not_modified.fetch_add(1, Ordering::SeqCst);
                    return Answer::status(304);
                }
                let name = if changed { "Anna B." } else { "Anna A." };
                let body = format!(r#"{{"id":7,"name":"anna","fullname":"{name}"}}"#);
                Answer::json(&body).with(&format!("ETag: {tag}"))
            }
            "GET /api/voice/queues" if changed => {
                Answer::json(r#"{"rows":[{"id":1,"name":"sales","waiting":3}]}"#)
            }
            "GET /api/voice/queues" => Answer::json(r#"{"rows":[]}"#),
            "GET /api/pauses" => Answer::json(r#"{"rows":[]}"#),
            _ => Answer::status(404),
        }
    })
    .await;
    let password = Secret::new("correct horse");
    let session = server
        .client
        .sign_in("anna", &password, None)
        .await
        .unwrap();
    let mut realtime = session.realtime();

    let first = tokio::time::timeout(LONG, realtime.next()).await.unwrap();
    assert!(
        matches!(first, Some(RealtimeEvent::Polling(_))),
        "{refusal}: {first:?}"
    );
    let known = until(&mut realtime, |e| matches!(e, RealtimeEvent::Profile(_))).await;
    let RealtimeEvent::Profile(document) = known else {
        unreachable!()
    };
    assert_eq!(document.profile.account.full_name, "Anna A.");
    change.store(true, Ordering::SeqCst);
    // In either order: the change may come in the middle of a round.
    let (mut profile, mut queues) = (false, false);
    while !(profile && queues) {
        let changed = until(&mut realtime, |e| {
            matches!(e, RealtimeEvent::Profile(_) | RealtimeEvent::Queues(_))
        });
        match changed.await {
            RealtimeEvent::Profile(document) => {
                profile = document.profile.account.full_name == "Anna B.";
            }
            RealtimeEvent::Queues(rows) => {
                queues = rows.first().is_some_and(|queue| queue.waiting == Some(3));
            }
            _ => unreachable!(),
        }
    }
    until(&mut realtime, |e| matches!(e, RealtimeEvent::Polled(_))).await;
    let absent = server.requests("GET /api/callbacks").len();
    assert_eq!(absent, 1, "what the server has not is asked for once");

    go.store(true, Ordering::SeqCst);
    until(&mut realtime, |e| {
        matches!(e, RealtimeEvent::Disconnected(_))
    })
    .await;
    if refusal != 426 {
        return;
    }
    go.store(false, Ordering::SeqCst);
    until(&mut realtime, |e| matches!(e, RealtimeEvent::Polling(_))).await;
    // When the second round begins, the first has asked for the profile.
    for _ in 0..2 {
        until(&mut realtime, |e| matches!(e, RealtimeEvent::Polled(_))).await;
    }
    assert!(unchanged.load(Ordering::SeqCst) > 0, "tags are used");
}
