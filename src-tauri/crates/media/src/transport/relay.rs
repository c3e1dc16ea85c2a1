//! A place on a TURN server that passes packets on (RFC 8656), where no direct way exists.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::time::Instant;

use bytes::BytesMut;
use rtc_shared::{TransportContext, TransportMessage, TransportProtocol};
use rtc_turn::client::{Client, ClientConfig, Event};
use sansio::Protocol as _;
use sidetone_profile::Secret;
use tokio::net::UdpSocket;
use tokio::time::timeout_at;

use super::Transmit;
use super::stream::RelayStream;

/// Datagrams for one peer that wait until the server lets them through.
const MOST_WAITING: usize = 16;
/// Longest datagram of a server.
const LONGEST: usize = 2048;

/// A TURN server and who we are there.
#[derive(Clone, Debug)]
pub(crate) struct Account {
    pub(crate) server: SocketAddr,
    pub(crate) username: String,
    pub(crate) credential: Secret,
}

/// An address on a TURN server that is ours.
pub(crate) struct RelayLeg {
    client: Client,
    base: SocketAddr,
    server: SocketAddr,
    relayed: SocketAddr,
    /// What waits for the permission to reach a peer.
    waiting: HashMap<SocketAddr, VecDeque<BytesMut>>,
}

/// Where a relay is: what peers send to, and which socket of ours it belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RelayPlace {
    pub(crate) relayed: SocketAddr,
    pub(crate) base: SocketAddr,
}

/// What carries messages to a TURN server.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Carrier<'a> {
    Socket(&'a UdpSocket),
    Stream(&'a RelayStream),
}

impl Carrier<'_> {
    fn local(self) -> io::Result<SocketAddr> {
        match self {
            Self::Socket(socket) => socket.local_addr(),
            Self::Stream(stream) => Ok(stream.local()),
        }
    }

    const fn protocol(self) -> TransportProtocol {
        match self {
            Self::Socket(_) => TransportProtocol::UDP,
            Self::Stream(_) => TransportProtocol::TCP,
        }
    }

    pub(crate) async fn send(self, bytes: &[u8], to: SocketAddr) -> io::Result<()> {
        match self {
            Self::Socket(socket) => socket.send_to(bytes, to).await.map(drop),
            Self::Stream(stream) => {
                stream.send(BytesMut::from(bytes));
                Ok(())
            }
        }
    }

    /// The next message of this server.
    pub(crate) async fn receive(self, server: SocketAddr) -> Vec<u8> {
        match self {
            Self::Stream(stream) => stream.receive().await,
            Self::Socket(socket) => {
                let mut buffer = [0; LONGEST];
                loop {
                    match socket.recv_from(&mut buffer).await {
                        Ok((length, from)) if from == server => return buffer[..length].to_vec(),
                        Ok(_) => {}
                        // Some systems report a refused datagram on the next receive.
                        Err(_) => tokio::task::yield_now().await,
                    }
                }
            }
        }
    }
}

impl RelayLeg {
    /// Asks a server for an address; `None` when it refuses or does not answer in time.
    pub(crate) async fn allocate(
        carrier: Carrier<'_>,
        account: &Account,
        deadline: tokio::time::Instant,
    ) -> Option<Self> {
        let asked = timeout_at(deadline, Self::ask(carrier, account)).await;
        match asked {
            Ok(Ok(leg)) => Some(leg),
            Ok(Err(error)) => {
                tracing::warn!(server = %account.server, %error, "the TURN server refused");
                None
            }
            Err(_) => {
                tracing::warn!(server = %account.server, "no answer from the TURN server");
                None
            }
        }
    }

    /// The same without a limit of time; the error is in words.
    pub(crate) async fn ask(carrier: Carrier<'_>, account: &Account) -> Result<Self, String> {
        let words = |error: &dyn fmt::Display| error.to_string();
        let base = carrier.local().map_err(|error| words(&error))?;
        let mut client = asking(base, carrier.protocol(), account)?;
        loop {
            while let Some(message) = client.poll_write() {
                carrier
                    .send(&message.message, message.transport.peer_addr)
                    .await
                    .map_err(|error| words(&error))?;
            }
            while let Some(event) = client.poll_event() {
                match event {
                    Event::AllocateResponse(_, relayed) => {
                        return Ok(Self {
                            client,
                            base,
                            server: account.server,
                            relayed,
                            waiting: HashMap::new(),
                        });
                    }
                    Event::AllocateError(_, error) => return Err(words(&error)),
                    Event::TransactionTimeout(_) => return Err("no answer".to_owned()),
                    _ => {}
                }
            }
            let again = client
                .poll_timeout()
                .unwrap_or_else(|| clock() + std::time::Duration::from_millis(100));
            match timeout_at(again.into(), carrier.receive(account.server)).await {
                Ok(received) => {
                    let message = message(base, account.server, &received);
                    client.handle_read(message).map_err(|error| words(&error))?;
                }
                Err(_) => client
                    .handle_timeout(clock())
                    .map_err(|error| words(&error))?,
            }
        }
    }

    pub(crate) const fn place(&self) -> RelayPlace {
        RelayPlace {
            relayed: self.relayed,
            base: self.base,
        }
    }

    /// Whether a datagram is the server's.
    pub(crate) fn is_of_server(&self, local: SocketAddr, from: SocketAddr) -> bool {
        local == self.base && from == self.server
    }

    /// Sends through the server; waits for its permission where it is new to the peer.
    pub(crate) fn send(&mut self, now: Instant, to: SocketAddr, bytes: BytesMut) {
        let Ok(mut relay) = self.client.relay(self.relayed) else {
            return;
        };
        if let Err(error) = relay.create_permission(now, to) {
            tracing::debug!(%to, %error, "TURN permission");
            return;
        }
        if relay.send_to(now, &bytes, to).is_ok() {
            return;
        }
        let waiting = self.waiting.entry(to).or_default();
        if waiting.len() < MOST_WAITING {
            waiting.push_back(bytes);
        }
    }

    /// Takes a datagram of the server; gives what peers sent.
    pub(crate) fn handle(&mut self, now: Instant, datagram: &[u8]) -> Vec<(SocketAddr, BytesMut)> {
        if let Err(error) = self
            .client
            .handle_read(message(self.base, self.server, datagram))
        {
            tracing::trace!(%error, "datagram of the TURN server not used");
        }
        let mut received = Vec::new();
        while let Some(event) = self.client.poll_event() {
            match event {
                Event::DataIndicationOrChannelData(_, from, data) => received.push((from, data)),
                Event::CreatePermissionResponse(_, peer) => {
                    for bytes in self.waiting.remove(&peer).unwrap_or_default() {
                        self.send(now, peer, bytes);
                    }
                }
                Event::CreatePermissionError(_, error) => {
                    tracing::debug!(%error, "the TURN server does not pass on to this peer");
                }
                _ => {}
            }
        }
        received
    }

    pub(crate) fn poll_transmit(&mut self) -> Option<Transmit> {
        let message = self.client.poll_write()?;
        Some(Transmit {
            local: self.base,
            to: message.transport.peer_addr,
            bytes: message.message,
        })
    }

    pub(crate) fn poll_timeout(&mut self) -> Option<Instant> {
        self.client.poll_timeout()
    }

    /// Keeps address and permissions alive.
    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        if let Err(error) = self.client.handle_timeout(now) {
            tracing::debug!(%error, "TURN timer");
        }
    }

    /// Gives the address back.
    pub(crate) fn close(&mut self, now: Instant) {
        if let Ok(mut relay) = self.client.relay(self.relayed)
            && let Err(error) = relay.close(now)
        {
            tracing::debug!(%error, "TURN");
        }
    }
}

/// What a server's messages do, from the request for an address on. Each answers our last request, whatever its own
/// transaction is: nobody would guess that.
#[cfg(feature = "fuzzing")]
pub(crate) fn answered(
    now: Instant,
    base: SocketAddr,
    account: &Account,
    messages: impl Iterator<Item = Vec<u8>>,
) {
    let Ok(mut client) = asking(base, TransportProtocol::TCP, account) else {
        return;
    };
    let mut transaction = [0; 12];
    let mut leg: Option<RelayLeg> = None;
    let peer = SocketAddr::new([192, 0, 2, 50].into(), 4000);
    for mut answer in messages {
        let asker = leg.as_mut().map_or(&mut client, |leg| &mut leg.client);
        while let Some(sent) = asker.poll_write() {
            if let Some(id) = sent.message.get(8..20) {
                transaction.copy_from_slice(id);
            }
        }
        if let Some(id) = answer.get_mut(8..20) {
            id.copy_from_slice(&transaction);
        }
        if let Some(leg) = &mut leg {
            let _ = leg.handle(now, &answer);
            leg.send(now, peer, BytesMut::from(&b"voice"[..]));
            leg.handle_timeout(now);
            let _ = leg.poll_timeout();
            continue;
        }
        let _ = client.handle_read(message(base, account.server, &answer));
        while let Some(event) = client.poll_event() {
            let (Event::AllocateResponse(_, relayed), Ok(fresh)) =
                (event, asking(base, TransportProtocol::TCP, account))
            else {
                continue;
            };
            leg = Some(RelayLeg {
                client: std::mem::replace(&mut client, fresh),
                base,
                server: account.server,
                relayed,
                waiting: HashMap::new(),
            });
            break;
        }
    }
    if let Some(leg) = &mut leg {
        leg.close(now);
    }
}

impl fmt::Debug for RelayLeg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RelayLeg")
            .field("relayed", &self.relayed)
            .field("server", &self.server)
            .finish_non_exhaustive()
    }
}

/// The clock of the timers that answers are waited for with.
fn clock() -> Instant {
    tokio::time::Instant::now().into_std()
}

/// A client that has its request for an address to send.
fn asking(
    base: SocketAddr,
    protocol: TransportProtocol,
    account: &Account,
) -> Result<Client, String> {
    let words = |error: &dyn fmt::Display| error.to_string();
    let provider = rtc_ice::crypto::default_provider().map_err(|error| words(&error))?;
    let config = ClientConfig {
        turn_serv_addr: account.server.to_string(),
        local_addr: base,
        transport_protocol: protocol,
        username: account.username.clone(),
        password: account.credential.reveal().to_owned(),
        ..ClientConfig::default()
    };
    let mut client = Client::new(config, provider).map_err(|error| words(&error))?;
    client.allocate(clock()).map_err(|error| words(&error))?;
    Ok(client)
}

fn message(local: SocketAddr, from: SocketAddr, datagram: &[u8]) -> TransportMessage<BytesMut> {
    TransportMessage {
        now: clock(),
        transport: TransportContext {
            local_addr: local,
            peer_addr: from,
            ecn: None,
            transport_protocol: TransportProtocol::UDP,
        },
        message: BytesMut::from(datagram),
    }
}
