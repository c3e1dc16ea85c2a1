use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use rand::Rng;
use rustls::pki_types::ServerName;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use sidetone_profile::{
    Callback, Disposition, Interaction, PauseReason, PreviewCall, QueueMembership,
};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::{HeaderValue, StatusCode};
use tokio_tungstenite::tungstenite::{self, Bytes, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::client::{Client, reason_alone};
use crate::fault::{CLOSED, Fault, Unreachable};
use crate::polling::Polling;
use crate::routes::ROUTES;
use crate::session::{AgentDocument, Session};
use crate::sign_on::{Bearer, TOKEN_EXPIRED};
use crate::wire::{
    Presence, PresenceDocument, Problem, Row, SettingsDocument, SipCredentials, rows,
};

/// The server pings every 20 s: two missed pings and a bit are a dead connection.
const SILENCE: Duration = Duration::from_secs(45);
/// So long the server may take to answer a ping of ours, when there is reason to doubt that it is still there.
const PROBE: Duration = Duration::from_secs(5);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const FIRST_RETRY: Duration = Duration::from_millis(500);
const LAST_RETRY: Duration = Duration::from_secs(30);

/// What the server pushes.
#[derive(Clone, Debug, PartialEq)]
pub enum RealtimeEvent {
    /// The socket is open. `resumed`: every event since the last one follows; otherwise fetch everything anew.
    Connected {
        /// Nothing was missed.
        resumed: bool,
    },
    /// There is no socket, for this reason, but the server answers: from now on it is asked every few seconds for what
    /// changed, until the socket comes back. Fetch everything anew.
    Polling(Fault),
    /// The server cannot be reached; it is tried again by itself.
    Disconnected(Fault),
    /// The profile changed: fetch it.
    ProfileChanged,
    /// The profile changed to this.
    Profile(Box<AgentDocument>),
    /// The SIP account as it is now.
    SipAccount(Box<SipCredentials>),
    /// The presence changed.
    Presence(Presence),
    /// The presence as it is now: asked for, because there is no socket that would tell.
    Polled(Presence),
    /// The agent's queues changed.
    Queues(Vec<QueueMembership>),
    /// The reasons to pause for changed.
    Pauses(Vec<PauseReason>),
    /// What the server sets for all agents changed.
    Settings(Box<SettingsDocument>),
    /// The tree of dispositions changed.
    Dispositions(Vec<Disposition>),
    /// The callbacks changed: the whole list.
    Callbacks(Vec<Callback>),
    /// The preview calls changed: the whole list.
    Previews(Vec<PreviewCall>),
    /// The interactions changed: the whole list.
    Interactions(Vec<Interaction>),
    /// One of these changed, and the server did not say what to: fetch it.
    Changed(Listed),
    /// The server ended the session; nothing follows.
    SignedOut {
        /// For example `account_disabled`.
        code: String,
        /// The server's sentence.
        detail: String,
    },
}

/// What is fetched when the server only says that it changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listed {
    /// [`Session::queues`].
    Queues,
    /// [`Session::pauses`].
    Pauses,
    /// [`Session::settings`].
    Settings,
    /// [`Session::dispositions`].
    Dispositions,
    /// [`Session::callbacks`].
    Callbacks,
    /// [`Session::previews`].
    Previews,
    /// [`Session::interactions`].
    Interactions,
}

/// The realtime socket, reconnected by itself; closes when dropped.
#[derive(Debug)]
pub struct Realtime {
    events: mpsc::UnboundedReceiver<RealtimeEvent>,
    task: AbortHandle,
}

impl Realtime {
    pub(crate) fn start(session: Session) -> Self {
        let (tell, events) = mpsc::unbounded_channel();
        let link = Link {
            bearer: session.sign_on().bearer(),
            session,
            tell,
            since: None,
        };
        let task = tokio::spawn(link.keep()).abort_handle();
        Self { events, task }
    }

    /// The next event; `None` after [`RealtimeEvent::SignedOut`].
    pub async fn next(&mut self) -> Option<RealtimeEvent> {
        self.events.recv().await
    }
}

impl Drop for Realtime {
    fn drop(&mut self) {
        self.task.abort();
    }
}

type Socket = WebSocketStream<TlsStream<TcpStream>>;

/// The task's state.
pub(crate) struct Link {
    session: Session,
    /// The token of this connection, or of the last.
    bearer: Bearer,
    tell: mpsc::UnboundedSender<RealtimeEvent>,
    /// Sequence number of the last event that was taken.
    since: Option<u64>,
}

/// How one connection ended.
enum End {
    /// Try again.
    Lost(Fault),
    /// The server may answer, but not with a WebSocket: try again, and ask it meanwhile.
    NoSocket(Fault),
    /// Come back with the token of now.
    Renewed,
    /// The token is taken no longer.
    Refused,
    /// The session is over, or nobody listens any more.
    Final,
}

/// One text frame.
#[derive(Deserialize)]
struct Frame {
    seq: u64,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    data: Value,
}

#[derive(Deserialize)]
struct Hello {
    #[serde(default)]
    resumed: bool,
}

impl Link {
    async fn keep(mut self) {
        let mut backoff = Backoff::new();
        let mut polling: Option<Polling> = None;
        loop {
            backoff.within(self.session.grace());
            let mut end = self.once(&mut backoff, &mut polling).await;
            if matches!(end, End::Refused) {
                end = match self.session.sign_on().renew_refused(&self.bearer).await {
                    Ok(()) => {
                        // A server that refuses each new token, too, is not asked without a pause.
                        tokio::time::sleep(backoff.next()).await;
                        End::Renewed
                    }
                    Err(fault) => self.end_of(fault),
                };
            }
            let wait = match end {
                End::Final => return,
                End::Renewed | End::Refused => continue,
                End::Lost(fault) => {
                    polling = None;
                    let wait = backoff.next();
                    tracing::info!(%fault, retry_ms = wait.as_millis(), "realtime connection is down");
                    if !self.say(RealtimeEvent::Disconnected(fault)) {
                        return;
                    }
                    wait
                }
                End::NoSocket(fault) => {
                    let wait = backoff.next();
                    tracing::info!(%fault, retry_ms = wait.as_millis(), "no WebSocket can be had");
                    if polling.is_none() {
                        polling = Some(Polling::start(
                            self.session.clone(),
                            self.tell.clone(),
                            fault,
                        ));
                    }
                    if self.tell.is_closed() {
                        return;
                    }
                    wait
                }
            };
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = self.session.nudge().notified() => backoff.reset(),
            }
        }
    }

    /// One connection, from its beginning to its end.
    async fn once(&mut self, backoff: &mut Backoff, polling: &mut Option<Polling>) -> End {
        let sign_on = Arc::clone(self.session.sign_on());
        self.bearer = sign_on.bearer();
        match tokio::time::timeout(CONNECT_TIMEOUT, self.connect()).await {
            Ok(Ok(socket)) => {
                *polling = None;
                let bearer = self.bearer.clone();
                tokio::select! {
                    end = self.listen(socket, backoff) => end,
                    renewed = sign_on.renew_in_time(&bearer) => match renewed {
                        Ok(()) => End::Renewed,
                        Err(fault) => self.end_of(fault),
                    },
                }
            }
            Ok(Err(Fault::SessionEnded { code, .. })) if code == TOKEN_EXPIRED => End::Refused,
            Ok(Err(fault)) => match self.end_of(fault) {
                End::Lost(fault) if may_answer(&fault) => End::NoSocket(fault),
                end => end,
            },
            Err(_) => {
                let host = self.client().url().host().to_owned();
                End::NoSocket(Unreachable::Timeout { host }.into())
            }
        }
    }

    fn end_of(&self, fault: Fault) -> End {
        match fault {
            Fault::SessionEnded { code, detail } => {
                self.session.sign_on().end(&code, &detail);
                self.say(RealtimeEvent::SignedOut { code, detail });
                End::Final
            }
            fault => End::Lost(fault),
        }
    }

    fn client(&self) -> &Client {
        self.session.client()
    }

    async fn connect(&self) -> Result<Socket, Fault> {
        let peer = self.client().peer();
        let broken = |e: &(dyn std::error::Error + 'static)| Fault::of_connection(peer, e);
        let bare_host = peer.host.trim_matches(['[', ']']);
        let tcp = TcpStream::connect((bare_host, peer.port))
            .await
            .map_err(|e| broken(&e))?;
        // Small frames, wanted at once; failing to say so costs only milliseconds.
        let _ = tcp.set_nodelay(true);
        let name = ServerName::try_from(bare_host.to_owned()).map_err(|_| Fault::BadAddress {
            typed: peer.host.to_owned(),
            why: "it names no host",
        })?;
        let tls = TlsConnector::from(Arc::clone(self.client().tls()))
            .connect(name, tcp)
            .await
            .map_err(|e| broken(&e))?;

        let mut url = self.client().url().of(&self.session.routes().realtime);
        if let Some(since) = self.since {
            url.query_pairs_mut()
                .append_pair("since", &since.to_string());
        }
        // tungstenite knows the scheme wss only; TLS is ours already.
        let address = url.as_str().replacen("https", "wss", 1);
        let mut request = address.into_client_request().map_err(|e| broken(&e))?;
        let mut bearer = HeaderValue::from_str(&format!("Bearer {}", self.bearer.token.reveal()))
            .map_err(|e| broken(&e))?;
        bearer.set_sensitive(true);
        request.headers_mut().insert("Authorization", bearer);
        match client_async(request, tls).await {
            Ok((socket, _)) => Ok(socket),
            Err(tungstenite::Error::Http(response)) => Err(self.refused(&response)),
            Err(e) => Err(broken(&e)),
        }
    }

    fn refused(&self, response: &tungstenite::http::Response<Option<Vec<u8>>>) -> Fault {
        let problem: Problem = response
            .body()
            .as_deref()
            .and_then(|body| serde_json::from_slice(body).ok())
            .unwrap_or_default();
        match response.status() {
            StatusCode::UNAUTHORIZED => {
                let code = if problem.code.is_empty() {
                    TOKEN_EXPIRED.to_owned()
                } else {
                    problem.code.clone()
                };
                let mut detail = problem.sentence();
                if detail.is_empty() {
                    "the session has ended".clone_into(&mut detail);
                }
                Fault::SessionEnded { code, detail }
            }
            StatusCode::NOT_FOUND => Fault::NotSuchServer {
                host: self.client().url().host().to_owned(),
                path: format!("/{}", self.session.routes().realtime.path),
            },
            status => Fault::Status {
                job: ROUTES.realtime.job,
                status: status.as_u16(),
            },
        }
    }

    async fn listen(&mut self, mut socket: Socket, backoff: &mut Backoff) -> End {
        let host = self.client().url().host().to_owned();
        let mut silence = SILENCE;
        loop {
            let heard = tokio::select! {
                heard = tokio::time::timeout(silence, socket.next()) => heard,
                () = self.session.nudge().notified() => {
                    silence = PROBE;
                    if let Err(e) = socket.send(Message::Ping(Bytes::new())).await {
                        return End::Lost(Fault::of_connection(self.client().peer(), &e));
                    }
                    continue;
                }
            };
            silence = SILENCE;
            let message = match heard {
                Err(_) => return End::Lost(Unreachable::Timeout { host }.into()),
                Ok(None) => {
                    let fault = CLOSED.to_owned();
                    return End::Lost(Unreachable::Lost { host, fault }.into());
                }
                Ok(Some(Err(e))) => {
                    return End::Lost(Fault::of_connection(self.client().peer(), &e));
                }
                Ok(Some(Ok(message))) => message,
            };
            match message {
                Message::Text(text) => match Self::take(&mut self.since, &text) {
                    Ok(Some(RealtimeEvent::SignedOut { code, detail })) => {
                        let end = if code == TOKEN_EXPIRED {
                            End::Refused
                        } else {
                            self.end_of(Fault::SessionEnded { code, detail })
                        };
                        // The server may have closed it already.
                        let _ = socket.close(None).await;
                        return end;
                    }
                    Ok(Some(event)) => {
                        if let RealtimeEvent::Settings(settings) = &event {
                            self.session.note_grace(settings);
                        }
                        backoff.reset();
                        if !self.say(event) {
                            let _ = socket.close(None).await;
                            return End::Final;
                        }
                    }
                    Ok(None) => {}
                    Err(fault) => tracing::warn!(%fault, "realtime event left out"),
                },
                Message::Ping(_) => {
                    // tungstenite has queued the pong; flushing sends it.
                    if let Err(e) = socket.flush().await {
                        return End::Lost(Fault::of_connection(self.client().peer(), &e));
                    }
                }
                Message::Close(_) => {
                    let fault = CLOSED.to_owned();
                    return End::Lost(Unreachable::Lost { host, fault }.into());
                }
                Message::Binary(_) | Message::Pong(_) | Message::Frame(_) => {}
            }
        }
    }

    /// Reads one frame; an event of a kind that this version does not know is left out.
    pub(crate) fn take(
        since: &mut Option<u64>,
        text: &str,
    ) -> Result<Option<RealtimeEvent>, Fault> {
        let frame: Frame = serde_json::from_str(text).map_err(|e| bad(&e))?;
        let event = match frame.kind.as_str() {
            "hello" => {
                let hello: Hello = read(frame.data)?;
                let resumed = hello.resumed && since.is_some();
                if !resumed {
                    *since = Some(frame.seq);
                }
                return Ok(Some(RealtimeEvent::Connected { resumed }));
            }
            "profile" if is_empty(&frame.data) => Ok(RealtimeEvent::ProfileChanged),
            "profile" => AgentDocument::read(&frame.data)
                .map(|document| RealtimeEvent::Profile(Box::new(document))),
            "presence" => read::<PresenceDocument>(frame.data)
                .and_then(PresenceDocument::into_presence)
                .map(RealtimeEvent::Presence),
            "queues" => list(
                frame.data,
                ROUTES.queues.job,
                Listed::Queues,
                RealtimeEvent::Queues,
            ),
            "pauses" => list(
                frame.data,
                ROUTES.pauses.job,
                Listed::Pauses,
                RealtimeEvent::Pauses,
            ),
            "dispositions" => list(
                frame.data,
                ROUTES.dispositions.job,
                Listed::Dispositions,
                RealtimeEvent::Dispositions,
            ),
            "callbacks" => list(
                frame.data,
                ROUTES.callbacks.job,
                Listed::Callbacks,
                RealtimeEvent::Callbacks,
            ),
            "previews" => list(
                frame.data,
                ROUTES.previews.job,
                Listed::Previews,
                RealtimeEvent::Previews,
            ),
            "interactions" => list(
                frame.data,
                ROUTES.interactions.job,
                Listed::Interactions,
                RealtimeEvent::Interactions,
            ),
            "settings" if is_empty(&frame.data) => Ok(RealtimeEvent::Changed(Listed::Settings)),
            "settings" => SettingsDocument::read(&frame.data)
                .map(|settings| RealtimeEvent::Settings(Box::new(settings))),
            "signed_out" => read::<Problem>(frame.data).map(|problem| RealtimeEvent::SignedOut {
                code: problem.code.clone(),
                detail: problem.sentence(),
            }),
            other => {
                tracing::debug!(kind = other, "unknown realtime event");
                *since = Some(frame.seq);
                return Ok(None);
            }
        };
        *since = Some(frame.seq);
        event.map(Some)
    }

    /// Whether anybody still listens.
    fn say(&self, event: RealtimeEvent) -> bool {
        self.tell.send(event).is_ok()
    }
}

/// Whether the server may be asked by other requests although it gave no WebSocket: a proxy that knows none answers in
/// many ways, or closes the connection.
fn may_answer(fault: &Fault) -> bool {
    !matches!(
        fault,
        Fault::Certificate(_)
            | Fault::BadAddress { .. }
            | Fault::Unreachable(
                Unreachable::Refused { .. }
                    | Unreachable::NameNotFound { .. }
                    | Unreachable::NoRoute { .. }
                    | Unreachable::Tls { .. }
            )
    )
}

/// Nothing but the word that something changed.
fn is_empty(data: &Value) -> bool {
    data.as_object().is_none_or(serde_json::Map::is_empty)
}

fn list<T: Row>(
    data: Value,
    job: &'static str,
    listed: Listed,
    event: impl FnOnce(Vec<T>) -> RealtimeEvent,
) -> Result<RealtimeEvent, Fault> {
    if is_empty(&data) && !data.is_array() {
        return Ok(RealtimeEvent::Changed(listed));
    }
    rows(job, &data).map(event)
}

fn read<T: DeserializeOwned>(data: Value) -> Result<T, Fault> {
    serde_json::from_value(data).map_err(|e| bad(&e))
}

fn bad(error: &serde_json::Error) -> Fault {
    Fault::BadJson {
        job: ROUTES.realtime.job,
        line: error.line(),
        column: error.column(),
        fault: reason_alone(error),
    }
}

/// Waiting times between tries: doubled each time, spread so that a whole floor does not come back at once.
#[derive(Debug)]
struct Backoff {
    next: Duration,
    last: Duration,
}

impl Backoff {
    fn new() -> Self {
        Self {
            next: FIRST_RETRY,
            last: LAST_RETRY,
        }
    }

    /// Comes back well before a server that waits this long gives the agent up.
    fn within(&mut self, grace: Option<Duration>) {
        self.last = grace.map_or(LAST_RETRY, |grace| {
            (grace / 4).clamp(FIRST_RETRY, LAST_RETRY)
        });
    }

    fn next(&mut self) -> Duration {
        let full = self.next.min(self.last);
        self.next = (full * 2).min(self.last);
        full.mul_f64(rand::rng().random_range(0.5..=1.0))
    }

    fn reset(&mut self) {
        self.next = FIRST_RETRY;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_doubles_up_to_a_limit_and_starts_over() {
        let mut backoff = Backoff::new();
        for full_ms in [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000] {
            let wait = backoff.next().as_millis();
            assert!(
                wait >= full_ms / 2 && wait <= full_ms,
                "{wait} of {full_ms}"
            );
        }
        backoff.reset();
        assert!(backoff.next() <= FIRST_RETRY);
    }

    #[test]
    fn a_server_that_gives_up_soon_is_asked_more_often() {
        let mut backoff = Backoff::new();
        for _ in 0..10 {
            backoff.next();
        }
        backoff.within(Some(Duration::from_secs(60)));
        assert!(backoff.next() <= Duration::from_secs(15));
        backoff.within(Some(Duration::from_secs(3600)));
        assert!(backoff.next() <= LAST_RETRY);
    }
}
