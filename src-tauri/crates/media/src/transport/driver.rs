//! The one task of a session: waits for datagrams and for the clock.

use std::future::poll_fn;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::time::sleep_until;

use super::Transmit;
use super::socket::MediaSocket;
use super::stream::RelayStream;
use crate::MediaError;
use crate::session::Inner;

/// Longest time between two looks at the clock.
pub(crate) const TICK: Duration = Duration::from_millis(100);
/// Longest datagram that is read.
const LONGEST: usize = 2048;

/// The sockets of a session.
#[derive(Debug)]
pub(crate) struct Sockets {
    sockets: Vec<(SocketAddr, Arc<MediaSocket>)>,
    /// To TURN servers.
    streams: Vec<Arc<RelayStream>>,
}

impl Sockets {
    /// Takes bound sockets and connections to TURN servers.
    ///
    /// # Errors
    /// [`MediaError::Socket`] when one does not know its own address.
    pub(crate) fn new(
        sockets: Vec<UdpSocket>,
        streams: Vec<RelayStream>,
    ) -> Result<Self, MediaError> {
        let sockets = sockets
            .into_iter()
            .map(|socket| {
                let socket = MediaSocket::new(socket)?;
                Ok((socket.local_addr()?, Arc::new(socket)))
            })
            .collect::<std::io::Result<Vec<_>>>()
            .map_err(|error| MediaError::Socket(error.to_string()))?;
        let streams = streams.into_iter().map(Arc::new).collect();
        Ok(Self { sockets, streams })
    }

    /// These and, of others, the one at an address that is still in use.
    pub(crate) fn with(mut self, others: &Self, in_use: Option<SocketAddr>) -> Self {
        let kept = others
            .sockets
            .iter()
            .filter(|(address, _)| Some(*address) == in_use);
        self.sockets.extend(kept.cloned());
        let kept = others
            .streams
            .iter()
            .filter(|stream| Some(stream.local()) == in_use);
        self.streams.extend(kept.cloned());
        self
    }

    /// Where datagrams can come to.
    pub(crate) fn addresses(&self) -> Vec<SocketAddr> {
        self.sockets.iter().map(|(address, _)| *address).collect()
    }

    /// Address of the preferred one.
    pub(crate) fn first(&self) -> SocketAddr {
        self.sockets
            .first()
            .map_or(SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), 0), |first| {
                first.0
            })
    }

    /// Sends without waiting. What the system does not take is lost, as on any network.
    pub(crate) fn send(&self, transmit: &Transmit) {
        let stream = self
            .streams
            .iter()
            .find(|stream| (stream.local(), stream.server()) == (transmit.local, transmit.to));
        if let Some(stream) = stream {
            return stream.send(transmit.bytes.clone());
        }
        let socket = self
            .sockets
            .iter()
            .find(|(address, _)| *address == transmit.local);
        let Some((_, socket)) = socket else { return };
        if let Err(error) = socket.try_send_to(&transmit.bytes, transmit.to) {
            tracing::trace!(to = %transmit.to, %error, "datagram not sent");
        }
    }

    /// Waits for a datagram on any of the sockets.
    async fn receive(
        &self,
        buffer: &mut [u8],
    ) -> (SocketAddr, std::io::Result<(usize, SocketAddr)>) {
        poll_fn(|context| {
            for (local, socket) in &self.sockets {
                if let Poll::Ready(received) = socket.poll_recv_from(context, buffer) {
                    return Poll::Ready((*local, received));
                }
            }
            for stream in &self.streams {
                if let Poll::Ready(message) = stream.poll_receive(context) {
                    // Longer than any of voice: nothing that we wait for.
                    let length = message.len().min(buffer.len());
                    buffer[..length].copy_from_slice(&message[..length]);
                    return Poll::Ready((stream.local(), Ok((length, stream.server()))));
                }
            }
            Poll::Pending
        })
        .await
    }
}

/// Runs a session until it is closed.
pub(crate) async fn run(inner: Arc<Inner>) {
    let mut buffer = vec![0; LONGEST];
    while let Some((next, sockets)) = inner.handle_timeout() {
        tokio::select! {
            (local, received) = sockets.receive(&mut buffer) => match received {
                Ok((length, from)) => inner.handle_datagram(local, from, &buffer[..length]),
                // Some systems report a refused datagram on the next receive; it says nothing of the call.
                Err(error) => {
                    tracing::trace!(%local, %error, "receive");
                    tokio::task::yield_now().await;
                }
            },
            () = inner.changed() => {}
            () = sleep_until(next.into()) => {}
        }
    }
    tracing::debug!("media session closed");
}
