//! SIP over WebSocket, both ends (RFC 7118).

use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::http::{HeaderValue, StatusCode};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{accept_hdr_async_with_config, client_async_with_config};

use super::{DEAD_AFTER, FromNet, Net, Outgoing, PING_EVERY};
use crate::api::FlowId;
use crate::core::Fault;

const PROTOCOL: &str = "Sec-WebSocket-Protocol";
const LONGEST: usize = 256 * 1024;

fn limits() -> WebSocketConfig {
    WebSocketConfig::default()
        .max_message_size(Some(LONGEST))
        .max_frame_size(Some(LONGEST))
}

/// The client's handshake, with the sub-protocol `sip`.
pub(super) async fn open<S>(
    url: &url::Url,
    stream: S,
    name: &str,
) -> Result<WebSocketStream<S>, Fault>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut request = url
        .as_str()
        .into_client_request()
        .map_err(|error| Fault::network(format!("{url} is not a WebSocket address: {error}")))?;
    request
        .headers_mut()
        .insert(PROTOCOL, HeaderValue::from_static("sip"));
    match client_async_with_config(request, stream, Some(limits())).await {
        Ok((socket, _)) => Ok(socket),
        Err(Error::Http(response)) => Err(Fault::server(format!(
            "the server at {name} does not speak SIP at {} (HTTP {})",
            url.path(),
            response.status().as_u16()
        ))),
        Err(Error::Io(error)) => Err(Fault::of_io(&error, name)),
        Err(error) => Err(Fault::server(format!(
            "the server at {name} does not speak SIP over WebSocket: {error}"
        ))),
    }
}

/// The server's handshake; clients that do not offer `sip` are refused.
pub(super) async fn accept<S>(stream: S) -> Result<WebSocketStream<S>, Error>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    // The size of the error is the library's choice.
    #[allow(clippy::result_large_err)]
    let check = |request: &Request, mut response: Response| {
        let offered = request.headers().get_all(PROTOCOL).iter().any(|value| {
            let value = value.to_str().unwrap_or_default();
            value
                .split(',')
                .any(|p| p.trim().eq_ignore_ascii_case("sip"))
        });
        if offered {
            response
                .headers_mut()
                .insert(PROTOCOL, HeaderValue::from_static("sip"));
            return Ok(response);
        }
        let words = "the WebSocket sub-protocol sip is missing".to_owned();
        let mut refusal = ErrorResponse::new(Some(words));
        *refusal.status_mut() = StatusCode::BAD_REQUEST;
        Err(refusal)
    };
    accept_hdr_async_with_config(stream, check, Some(limits())).await
}

/// Carries messages until either side closes, or the far end is silent for too long.
pub(super) async fn run<S>(
    net: &Net,
    id: FlowId,
    mut socket: WebSocketStream<S>,
    mut outgoing: Outgoing,
    name: &str,
) -> Fault
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut ticks = interval(PING_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut heard = Instant::now();
    let silent = || Fault::network(format!("the server at {name} does not answer any more"));
    loop {
        let send = tokio::select! {
            message = outgoing.recv() => match message {
                Some(bytes) => as_message(bytes),
                None => {
                    // We close; whether the farewell arrives does not matter.
                    drop(timeout(PING_EVERY, socket.close(None)).await);
                    return Fault::network("closed");
                }
            },
            received = socket.next() => {
                heard = Instant::now();
                match received {
                    Some(Ok(Message::Text(text))) => {
                        deliver(net, id, text.as_bytes());
                        continue;
                    }
                    Some(Ok(Message::Binary(bytes))) => {
                        deliver(net, id, &bytes);
                        continue;
                    }
                    Some(Ok(Message::Close(_))) | None => {
                        return Fault::network(format!("the server at {name} closed the connection"));
                    }
                    // The library answers pings itself.
                    Some(Ok(_)) => continue,
                    Some(Err(Error::Io(error))) => return Fault::of_io(&error, name),
                    Some(Err(error)) => {
                        return Fault::network(format!("the connection to {name} broke: {error}"));
                    }
                }
            }
            _ = ticks.tick() => {
                if heard.elapsed() >= DEAD_AFTER {
                    return silent();
                }
                Message::Ping(Vec::new().into())
            }
        };
        match timeout(DEAD_AFTER, socket.send(send)).await {
            Ok(Ok(())) => {}
            Ok(Err(Error::Io(error))) => return Fault::of_io(&error, name),
            Ok(Err(_)) => {
                return Fault::network(format!("the server at {name} closed the connection"));
            }
            Err(_) => return silent(),
        }
    }
}

/// SIP is UTF-8 text unless its body is not (RFC 7118 §5.2).
fn as_message(bytes: Vec<u8>) -> Message {
    match String::from_utf8(bytes) {
        Ok(text) => Message::text(text),
        Err(error) => Message::Binary(error.into_bytes().into()),
    }
}

fn deliver(net: &Net, id: FlowId, bytes: &[u8]) {
    if bytes.iter().all(|b| matches!(b, b'\r' | b'\n')) {
        return;
    }
    net.tell(FromNet::Received(id, bytes.to_vec()));
}
