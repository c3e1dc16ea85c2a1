//! Thin tokio transports: bytes between sockets and the core, nothing decided here.

mod connect;
mod dial;
mod fault;
mod framing;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod listen;
mod locate;
mod stream;
mod udp;
mod web_socket;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};

pub(crate) use self::connect::connect;
pub(crate) use self::listen::listen;
pub(crate) use self::locate::Locator;
use crate::api::FlowId;
use crate::core::{Fault, Flow};

/// How often a quiet connection is asked for a sign of life.
const PING_EVERY: Duration = Duration::from_secs(3);
/// After this much silence a connection that answers pings is dead.
const DEAD_AFTER: Duration = Duration::from_secs(9);
/// How long setting up a connection may take.
const CONNECT_PATIENCE: Duration = Duration::from_secs(8);

/// What the sockets tell the driver.
pub(crate) enum FromNet {
    Up(FlowId, Flow, Link),
    Received(FlowId, Vec<u8>),
    Down(FlowId, Fault),
}

/// How to send over a flow.
pub(crate) enum Link {
    Stream(UnboundedSender<Vec<u8>>),
    /// A connected socket, or one that serves many remote addresses.
    Udp(Arc<UdpSocket>, Option<SocketAddr>),
}

impl Link {
    pub(crate) fn send(&self, bytes: Vec<u8>) {
        match self {
            // A closed queue: the flow's end is on its way to the driver.
            Self::Stream(queue) => drop(queue.send(bytes)),
            Self::Udp(socket, remote) => {
                let sent = match remote {
                    Some(remote) => socket.try_send_to(&bytes, *remote),
                    None => socket.try_send(&bytes),
                };
                if let Err(error) = sent {
                    // Lost like any datagram; the transaction repeats it.
                    tracing::debug!(%error, "datagram not sent");
                }
            }
        }
    }
}

/// What every transport task needs.
#[derive(Clone)]
pub(crate) struct Net {
    pub(crate) events: UnboundedSender<FromNet>,
    pub(crate) accepted: Arc<AtomicU64>,
    pub(crate) locator: Arc<Locator>,
}

impl Net {
    fn next_accepted(&self) -> FlowId {
        FlowId(self.accepted.fetch_add(1, Ordering::Relaxed))
    }

    fn tell(&self, event: FromNet) {
        // Without a driver nobody listens any more.
        drop(self.events.send(event));
    }
}

type Outgoing = UnboundedReceiver<Vec<u8>>;
