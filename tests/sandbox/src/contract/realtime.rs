//! The realtime WebSocket: events as they happen, and what was missed.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code};
use axum::extract::{RawQuery, State};
use axum::response::Response;
use serde_json::json;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use super::access::SignedIn;
use crate::centre::Centre;
use crate::clock;
use crate::hub::{Push, frame};
use crate::problem::Problem;

const PING_EVERY: Duration = Duration::from_secs(20);
/// A socket that answers no ping for this long is dead.
const SILENCE_LIMIT: Duration = Duration::from_secs(50);
const GRACE_LOOK: Duration = Duration::from_secs(1);

pub(crate) async fn open(
    State(centre): State<Arc<Centre>>,
    signed_in: SignedIn,
    RawQuery(query): RawQuery,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Problem> {
    let since = url::form_urlencoded::parse(query.as_deref().unwrap_or_default().as_bytes())
        .find(|(name, _)| name == "since")
        .map(|(_, value)| value.parse::<u64>())
        .transpose()
        .map_err(|_| Problem::malformed_query().because("since is not a whole number."))?;
    let upgrade = upgrade.map_err(|_| Problem::no_websocket())?;
    Ok(upgrade
        .max_message_size(64 * 1024)
        .on_upgrade(move |socket| async move {
            let (agent, session) = (signed_in.agent.id, signed_in.session.clone());
            serve(&centre, signed_in, since, socket).await;
            if let Some(departure) = centre.hub.leave(agent, &session) {
                tokio::spawn(log_out_if_gone(centre, agent, departure));
            }
        }))
}

async fn serve(
    centre: &Arc<Centre>,
    signed_in: SignedIn,
    since: Option<u64>,
    mut socket: WebSocket,
) {
    let SignedIn {
        agent,
        session,
        expires,
    } = signed_in;
    let mut joined = centre.hub.join(agent.id, &session, since);
    let hello = json!({"seq": joined.seq, "resumed": joined.resumed});
    let first = std::iter::once(frame(joined.seq, "hello", &hello)).chain(joined.missed);
    for text in first {
        if socket.send(Message::text(text)).await.is_err() {
            return;
        }
    }

    let mut pings = interval_at(Instant::now() + PING_EVERY, PING_EVERY);
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let expiry = tokio::time::sleep(left(expires));
    tokio::pin!(expiry);
    let mut heard = Instant::now();
    loop {
        tokio::select! {
            push = joined.pushes.recv() => match push {
                Ok(Push::Event(text)) => {
                    if socket.send(Message::text(text)).await.is_err() {
                        return;
                    }
                }
                Ok(Push::SignedOut { only: Some(only), .. }) if only != session => {}
                Ok(Push::SignedOut { code, detail, .. }) => {
                    return end(centre, agent.id, socket, code, &detail).await;
                }
                // Too slow: the client comes back with `since` and gets what is kept.
                Err(RecvError::Lagged(_)) => return close(socket, "events were lost").await,
                Err(RecvError::Closed) => return close(socket, "the server stops").await,
            },
            message = socket.recv() => match message {
                Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                Some(Ok(_)) => heard = Instant::now(),
            },
            _ = pings.tick() => {
                if heard.elapsed() > SILENCE_LIMIT
                    || socket.send(Message::Ping(Vec::new().into())).await.is_err()
                {
                    return;
                }
            }
            () = &mut expiry => {
                // The sign-in may have been renewed in the meantime.
                let renewed = centre.store().session_expiry(&session).ok().flatten();
                if renewed.is_some_and(|at| at > clock::now().unix_timestamp()) {
                    expiry.as_mut().reset(Instant::now() + left(renewed));
                    continue;
                }
                return end(centre, agent.id, socket, "token_expired", "The sign-in has expired.").await;
            }
        }
    }
}

fn left(expires: Option<i64>) -> Duration {
    let left = expires.map_or(i64::from(u32::MAX), |at| at - clock::now().unix_timestamp());
    Duration::from_secs(u64::try_from(left).unwrap_or(0))
}

async fn end(centre: &Centre, agent: i64, mut socket: WebSocket, code: &str, detail: &str) {
    let data = json!({"code": code, "detail": detail});
    let text = frame(centre.hub.latest(agent), "signed_out", &data);
    if socket.send(Message::text(text)).await.is_ok() {
        close(socket, "signed out").await;
    }
}

async fn close(mut socket: WebSocket, reason: &'static str) {
    let _ = socket
        .send(Message::Close(Some(CloseFrame {
            code: close_code::NORMAL,
            reason: reason.into(),
        })))
        .await;
}

/// An agent that stays away longer than the grace time is logged out of the queues.
async fn log_out_if_gone(centre: Arc<Centre>, agent: i64, departure: u64) {
    let gone_at = Instant::now();
    // The grace time may be changed while it runs.
    while let Some(left) = centre.grace().checked_sub(gone_at.elapsed())
        && !left.is_zero()
    {
        tokio::time::sleep(left.min(GRACE_LOOK)).await;
    }
    if !centre.hub.still_gone(agent, departure) || !centre.presence(agent).online() {
        return;
    }
    let stored = centre.store().agent(agent);
    if let Ok(Some(agent)) = stored
        && let Err(problem) = centre.log_out(&agent).await
    {
        tracing::warn!(agent = agent.name, %problem, "could not log an absent agent out");
    }
}
