//! SIP over TCP and TLS, both ends.

use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use super::framing::{Frame, Framer};
use super::{DEAD_AFTER, FromNet, Net, Outgoing, PING_EVERY};
use crate::api::FlowId;
use crate::core::Fault;

/// Lets the operating system notice a dead path.
pub(super) fn keep_alive(tcp: &TcpStream) {
    // Best effort: without these the refresh of the registration finds out.
    drop(tcp.set_nodelay(true));
    let socket = SockRef::from(tcp);
    let probes = TcpKeepalive::new()
        .with_time(PING_EVERY)
        .with_interval(PING_EVERY);
    drop(socket.set_tcp_keepalive(&probes));
    #[cfg(target_os = "linux")]
    drop(socket.set_tcp_user_timeout(Some(DEAD_AFTER)));
}

/// Carries messages until either side closes. `pings`: the client's side of RFC 5626 §4.4.1.
pub(super) async fn run<S>(
    net: &Net,
    id: FlowId,
    stream: S,
    mut outgoing: Outgoing,
    name: &str,
    pings: bool,
) -> Fault
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let (mut reader, mut writer) = tokio::io::split(stream);
    let mut framer = Framer::default();
    let mut buffer = vec![0; 16 * 1024];
    let mut ticks = interval(PING_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut heard = Instant::now();
    // Only a server that has answered a ping once can be missed when it does not.
    let mut answers_pings = false;
    let silent = || Fault::network(format!("the server at {name} does not answer any more"));
    loop {
        let mut send = Vec::new();
        tokio::select! {
            message = outgoing.recv() => match message {
                Some(bytes) => send = bytes,
                None => {
                    // We close; whether the farewell arrives does not matter.
                    drop(timeout(PING_EVERY, writer.shutdown()).await);
                    return Fault::network("closed");
                }
            },
            received = reader.read(&mut buffer) => {
                heard = Instant::now();
                match received {
                    Ok(0) => {
                        return Fault::network(format!("the server at {name} closed the connection"));
                    }
                    Ok(length) => framer.push(&buffer[..length]),
                    Err(error) => return Fault::of_io(&error, name),
                }
                loop {
                    match framer.next() {
                        Ok(Some(Frame::Message(bytes))) => net.tell(FromNet::Received(id, bytes)),
                        Ok(Some(Frame::Ping)) => send.extend_from_slice(b"\r\n"),
                        Ok(Some(Frame::Pong)) => answers_pings = true,
                        Ok(None) => break,
                        Err(_) => {
                            return Fault::server(format!("the server at {name} does not speak SIP"));
                        }
                    }
                }
            }
            _ = ticks.tick(), if pings => {
                if answers_pings && heard.elapsed() >= DEAD_AFTER {
                    return silent();
                }
                send.extend_from_slice(b"\r\n\r\n");
            }
        }
        if send.is_empty() {
            continue;
        }
        let written = async {
            writer.write_all(&send).await?;
            writer.flush().await
        };
        match timeout(DEAD_AFTER, written).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return Fault::of_io(&error, name),
            Err(_) => return silent(),
        }
    }
}
