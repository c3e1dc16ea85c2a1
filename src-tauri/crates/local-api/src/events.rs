//! Server-sent events: the whole state at once, then whenever it changes; a sign of life in between.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame};
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::time::MissedTickBehavior;

use crate::connection::Stuck;
use crate::desk::Desk;
use crate::documents::State;

/// How often a quiet stream shows that it lives.
pub(crate) const HEARTBEAT: Duration = Duration::from_secs(15);
/// A reader that takes nothing for so long is dropped with its connection.
pub(crate) const READER_LIMIT: Duration = Duration::from_secs(10);

/// The body of a stream.
#[derive(Debug)]
pub(crate) struct Events {
    frames: mpsc::Receiver<Bytes>,
    _permit: OwnedSemaphorePermit,
}

impl Events {
    /// Starts a stream. Nothing piles up for a slow reader: it gets the newest state when it reads again.
    pub(crate) fn start(desk: &Desk, stuck: Arc<Stuck>, permit: OwnedSemaphorePermit) -> Self {
        let (send, frames) = mpsc::channel(1);
        tokio::spawn(feed(desk.clone(), send, stuck));
        Self {
            frames,
            _permit: permit,
        }
    }
}

impl Body for Events {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.frames
            .poll_recv(cx)
            .map(|frame| frame.map(|bytes| Ok(Frame::data(bytes))))
    }
}

async fn feed(desk: Desk, send: mpsc::Sender<Bytes>, stuck: Arc<Stuck>) {
    let mut snapshots = desk.snapshots();
    let mut shown = None;
    let mut heartbeat = tokio::time::interval(HEARTBEAT);
    heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // The first tick comes at once.
    heartbeat.tick().await;
    snapshots.mark_changed();
    loop {
        let frame = tokio::select! {
            changed = snapshots.changed() => {
                if changed.is_err() {
                    return;
                }
                let state = State::from(&**snapshots.borrow_and_update());
                let news = state.clone().timeless();
                if shown.as_ref() == Some(&news) {
                    continue;
                }
                let frame = as_event(&state);
                shown = Some(news);
                frame
            }
            _ = heartbeat.tick() => Bytes::from_static(b": still here\n\n"),
            () = send.closed() => return,
        };
        match send.send_timeout(frame, READER_LIMIT).await {
            Ok(()) => {}
            Err(mpsc::error::SendTimeoutError::Timeout(_)) => {
                tracing::info!(
                    "a reader of the local interface's events took nothing and is dropped"
                );
                stuck.give_up();
                return;
            }
            Err(mpsc::error::SendTimeoutError::Closed(_)) => return,
        }
    }
}

fn as_event(state: &State) -> Bytes {
    let data = serde_json::to_string(state).unwrap_or_default();
    format!("event: state\nid: {}\ndata: {data}\n\n", state.revision).into()
}
