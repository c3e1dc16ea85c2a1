use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Either, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::header::{self, HeaderValue};
use hyper::http::request::Parts;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{Notify, Semaphore};

use crate::act::act;
use crate::desk::Desk;
use crate::events::Events;
use crate::gate::Gate;
use crate::problem::Problem;
use crate::route::{self, Endpoint};

/// A client that does not finish its request within this time has none.
const REQUEST_LIMIT: Duration = Duration::from_secs(10);
/// Above the gate's own limits, so that what is a little too much is refused in words.
const READ_BUFFER: usize = 32 * 1024;
const MOST_HEADERS_READ: usize = 128;
/// No body of this interface needs more, bytes.
const LARGEST_BODY: usize = 4 * 1024;
/// Streams of events at the same time.
const MOST_STREAMS: usize = 8;

/// What all connections share.
pub(crate) struct Door {
    desk: Desk,
    gate: Gate,
    streams: Arc<Semaphore>,
}

impl Door {
    pub(crate) fn new(desk: Desk, gate: Gate) -> Self {
        Self {
            desk,
            gate,
            streams: Arc::new(Semaphore::new(MOST_STREAMS)),
        }
    }

    /// Serves one connection to its end.
    pub(crate) async fn serve(self: Arc<Self>, io: impl AsyncRead + AsyncWrite + Unpin + Send) {
        let stuck = Arc::new(Stuck::default());
        let service = service_fn(|request| {
            let (door, stuck) = (Arc::clone(&self), Arc::clone(&stuck));
            async move { Ok::<_, Infallible>(door.answer(request, stuck).await) }
        });
        let connection = hyper::server::conn::http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(REQUEST_LIMIT)
            .max_headers(MOST_HEADERS_READ)
            .max_buf_size(READ_BUFFER)
            .serve_connection(TokioIo::new(io), service);
        tokio::select! {
            ended = connection => {
                if let Err(fault) = ended {
                    tracing::debug!(%fault, "a connection of the local interface broke");
                }
            }
            () = stuck.gave_up() => {}
        }
    }

    async fn answer(&self, request: Request<Incoming>, stuck: Arc<Stuck>) -> Response<Reply> {
        let (parts, body) = request.into_parts();
        match self.handle(&parts, body, stuck).await {
            Ok(response) => response,
            Err(problem) => {
                tracing::info!(code = problem.code, "the local interface refused a request");
                refusal(&problem)
            }
        }
    }

    async fn handle(
        &self,
        request: &Parts,
        body: Incoming,
        stuck: Arc<Stuck>,
    ) -> Result<Response<Reply>, Problem> {
        self.gate.admit(request)?;
        let found = route::find(&request.method, request.uri.path())?;
        if found.endpoint == Endpoint::Events {
            return self.stream(stuck);
        }
        let body = read(request, body).await?;
        let (status, document) = act(&self.desk, &found, request.uri.query(), &body).await?;
        tracing::debug!(
            path = found.template,
            status,
            "the local interface answered"
        );
        Ok(reply(status, "application/json", document.to_string()))
    }

    fn stream(&self, stuck: Arc<Stuck>) -> Result<Response<Reply>, Problem> {
        let permit = Arc::clone(&self.streams).try_acquire_owned().map_err(|_| {
            Problem::new(
                503,
                "too_many_streams",
                "Too many programs listen to the phone already.",
            )
        })?;
        let events = Events::start(&self.desk, stuck, permit);
        let mut response = Response::new(Either::Right(events));
        dress(&mut response, "text/event-stream");
        Ok(response)
    }
}

/// The body of an answer.
type Reply = Either<Full<Bytes>, Events>;

/// Tells a connection that its reader takes nothing.
#[derive(Debug, Default)]
pub(crate) struct Stuck(Notify);

impl Stuck {
    pub(crate) fn give_up(&self) {
        self.0.notify_one();
    }

    async fn gave_up(&self) {
        self.0.notified().await;
    }
}

/// The whole body, when there is one: a page's form cannot send JSON.
async fn read(request: &Parts, body: Incoming) -> Result<Bytes, Problem> {
    let reading = Limited::new(body, LARGEST_BODY).collect();
    let body = tokio::time::timeout(REQUEST_LIMIT, reading)
        .await
        .map_err(|_| Problem::new(408, "too_slow", "The body did not come in time."))?
        .map_err(|fault| {
            if fault.is::<LengthLimitError>() {
                Problem::new(413, "body_too_large", "The body is larger than 4 KiB.")
            } else {
                Problem::malformed("The body could not be read.")
            }
        })?
        .to_bytes();
    let kind = request.headers.get(header::CONTENT_TYPE);
    let is_json = kind
        .and_then(|kind| kind.to_str().ok())
        .and_then(|kind| kind.split(';').next())
        .is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"));
    if !body.is_empty() && !is_json {
        return Err(Problem::new(
            415,
            "not_json",
            "A body must be JSON and say so: Content-Type: application/json.",
        ));
    }
    Ok(body)
}

fn refusal(problem: &Problem) -> Response<Reply> {
    let document = problem.document().to_string();
    let mut response = reply(problem.status, "application/problem+json", document);
    let headers = response.headers_mut();
    if let Some(allow) = &problem.allow
        && let Ok(allow) = HeaderValue::from_str(allow)
    {
        headers.insert(header::ALLOW, allow);
    }
    if problem.status == 401 {
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    response
}

fn reply(status: u16, kind: &'static str, text: String) -> Response<Reply> {
    let mut response = Response::new(Either::Left(Full::new(Bytes::from(text))));
    *response.status_mut() =
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    dress(&mut response, kind);
    response
}

/// Headers that keep an answer out of caches, frames and other origins.
fn dress(response: &mut Response<Reply>, kind: &'static str) {
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_TYPE, kind),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; frame-ancestors 'none'",
        ),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.insert(
        "cross-origin-resource-policy",
        HeaderValue::from_static("same-origin"),
    );
}
