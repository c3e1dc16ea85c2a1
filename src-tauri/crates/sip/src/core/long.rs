//! Requests that are too long for a datagram go over TCP to the same server, and as datagrams all the same when it
//! takes no TCP (RFC 3261 §18.1.1).

use std::time::{Duration, Instant};

use super::message::Message;
use super::transaction::TxKey;
use super::{Core, FlowId, Output, TransportKind};
use crate::api::ServerAddress;

/// Longest request, in bytes, that is sent as a datagram when nobody knows how long one may be.
pub(super) const LONGEST_DATAGRAM: usize = 1300;
/// How long a request waits for the connection: one lost segment and a way around the world.
const CONNECT_PATIENCE: Duration = Duration::from_secs(2);
/// How long a server that took no TCP is not asked again.
const SPARED: Duration = Duration::from_secs(300);

/// The TCP connection beside the datagrams of the account's flow.
pub(crate) enum Beside {
    Connecting {
        tcp: FlowId,
        until: Instant,
        waiting: Vec<TxKey>,
    },
    Up(FlowId),
    Refused {
        until: Instant,
    },
}

impl Beside {
    fn tcp(&self) -> Option<FlowId> {
        match self {
            Self::Connecting { tcp, .. } | Self::Up(tcp) => Some(*tcp),
            Self::Refused { .. } => None,
        }
    }
}

impl Core {
    /// Finds a way for a request that is too long for a datagram; `now` is when it was made.
    pub(super) fn send_long(&mut self, now: Instant, key: TxKey) {
        let Some((_, flow_id)) = self.tx.request(&key) else {
            return;
        };
        // Phones listen to no TCP: a server has nothing but the datagrams.
        let Some(flow) = self
            .flows
            .get(&flow_id)
            .filter(|flow| flow.outgoing && flow.kind == TransportKind::Udp)
        else {
            self.tx.by_datagram(now, &key);
            return;
        };
        match self.beside.get_mut(&flow_id) {
            Some(Beside::Up(tcp)) => self.tx.by_stream(&key, *tcp),
            Some(Beside::Connecting { waiting, .. }) => waiting.push(key),
            Some(Beside::Refused { until }) if *until > now => self.tx.by_datagram(now, &key),
            Some(Beside::Refused { .. }) | None => {
                let tcp = FlowId(self.next_flow);
                self.next_flow += 1;
                let server = ServerAddress::Tcp(flow.remote.ip().to_string(), flow.remote.port());
                let beside = Beside::Connecting {
                    tcp,
                    until: now + CONNECT_PATIENCE,
                    waiting: vec![key],
                };
                self.beside.insert(flow_id, beside);
                self.outputs.push_back(Output::Connect(tcp, server, 0));
            }
        }
    }

    /// Sends the ACK of a 2xx, which no transaction repeats. A long one takes the connection that is up: the INVITE,
    /// longer still, has asked for it.
    pub(super) fn send_ack(&mut self, flow: FlowId, mut ack: Message) {
        let tcp = match self.beside.get(&flow) {
            Some(Beside::Up(tcp)) => Some(*tcp),
            _ => None,
        };
        if let Some(tcp) = tcp.filter(|_| ack.to_bytes().len() > LONGEST_DATAGRAM) {
            ack.rename_transport("UDP", "TCP");
            self.tx.send_raw(tcp, ack.to_bytes());
        } else {
            self.tx.send_raw(flow, ack.to_bytes());
        }
    }

    /// Whether the connection that came up is one of these.
    pub(super) fn beside_up(&mut self, tcp: FlowId) -> bool {
        let Some(beside) = self.beside.values_mut().find(|b| b.tcp() == Some(tcp)) else {
            return false;
        };
        if let Beside::Connecting { waiting, .. } = std::mem::replace(beside, Beside::Up(tcp)) {
            for key in waiting {
                self.tx.by_stream(&key, tcp);
            }
        }
        true
    }

    /// Whether the connection that ended is one of these; what was on its way goes on as datagrams.
    pub(super) fn beside_down(&mut self, now: Instant, tcp: FlowId) -> bool {
        let Some(datagrams) = self.datagrams_beside(tcp) else {
            return false;
        };
        match self.beside.remove(&datagrams) {
            Some(Beside::Connecting { waiting, .. }) => {
                let until = now + SPARED;
                self.beside.insert(datagrams, Beside::Refused { until });
                for key in waiting {
                    self.tx.by_datagram(now, &key);
                }
            }
            _ => self.tx.stream_lost(now, tcp),
        }
        true
    }

    pub(super) fn beside_timeout(&self) -> Option<Instant> {
        let until = |beside: &Beside| match beside {
            Beside::Connecting { until, .. } => Some(*until),
            Beside::Up(_) | Beside::Refused { .. } => None,
        };
        self.beside.values().filter_map(until).min()
    }

    pub(super) fn beside_timeouts(&mut self, now: Instant) {
        while self.beside_timeout().is_some_and(|at| at <= now) {
            let silent = self.beside.values().find_map(|beside| match beside {
                Beside::Connecting { tcp, until, .. } if *until <= now => Some(*tcp),
                _ => None,
            });
            let Some(tcp) = silent else {
                return;
            };
            self.beside_down(now, tcp);
            self.close_flow(tcp);
        }
    }

    /// The datagrams are over, and with them the connection beside them.
    pub(super) fn leave_beside(&mut self, datagrams: FlowId) {
        if let Some(tcp) = self.beside.remove(&datagrams).and_then(|b| b.tcp()) {
            self.flows.remove(&tcp);
            self.outputs.push_back(Output::Close(tcp));
        }
    }

    /// The flow that calls stay with: what comes over the connection beside it belongs to it.
    pub(super) fn lasting_flow(&self, flow: FlowId) -> FlowId {
        self.datagrams_beside(flow).unwrap_or(flow)
    }

    fn datagrams_beside(&self, tcp: FlowId) -> Option<FlowId> {
        self.beside
            .iter()
            .find(|(_, beside)| beside.tcp() == Some(tcp))
            .map(|(datagrams, _)| *datagrams)
    }
}
