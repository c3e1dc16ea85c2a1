//! Our sockets and addresses: host addresses of the usable interfaces, and how the world sees them (STUN).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::future::{Either, select};
use futures_util::stream::FuturesUnordered;
use ring::rand::{SecureRandom as _, SystemRandom};
use rustls::ClientConfig;
use sidetone_profile::Secret;
use tokio::net::{UdpSocket, lookup_host};
use tokio::time::{Instant, timeout_at};

use super::relay::{Account, Carrier, RelayLeg};
use super::server_url::{Carriage, ServerUrl};
use super::stream::RelayStream;
use crate::{IceServer, MediaError};

/// Time for the whole of gathering beyond opening sockets.
const LIMIT: Duration = Duration::from_millis(500);
/// Time for the other interfaces once one has its answer.
const GRACE: Duration = Duration::from_millis(60);
/// Most sockets that are opened.
const MOST_SOCKETS: usize = 8;
/// Tries to find an even port with a free one above it.
const PAIR_TRIES: usize = 32;
/// Expedited forwarding (RFC 4594, DSCP 46) in the place of the type of service.
const EXPEDITED: u32 = 46 << 2;
const MAGIC_COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];

/// An address that a STUN server sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reflexive {
    pub(crate) mapped: SocketAddr,
    pub(crate) base: SocketAddr,
}

impl Reflexive {
    /// As it stands in SDP after `candidate:` (RFC 8839).
    pub(crate) fn candidate(&self, index: usize) -> String {
        let preference = 65_535 - index.min(1000);
        let priority = (100_u32 << 24) | ((preference as u32) << 8) | 255;
        format!(
            "srflx{index} 1 udp {priority} {} {} typ srflx raddr {} rport {}",
            self.mapped.ip(),
            self.mapped.port(),
            self.base.ip(),
            self.base.port()
        )
    }
}

/// Opens a socket for each usable address, the one with the default route first.
///
/// # Errors
/// [`MediaError::Socket`] when none can be opened.
pub(crate) async fn sockets(
    bind: &[IpAddr],
    with_loopback: bool,
) -> Result<Vec<UdpSocket>, MediaError> {
    let addresses = if bind.is_empty() {
        usable_addresses(with_loopback)
    } else {
        bind.to_vec()
    };
    let mut sockets = Vec::new();
    let mut fault = "this computer has no usable network address".to_owned();
    for address in addresses.into_iter().take(MOST_SOCKETS) {
        match UdpSocket::bind(SocketAddr::new(address, 0)).await {
            Ok(socket) => {
                settle(&socket).await;
                sockets.push(socket);
            }
            Err(error) => fault = format!("{address}: {error}"),
        }
    }
    if sockets.is_empty() {
        return Err(MediaError::Socket(fault));
    }
    Ok(sockets)
}

/// Opens a socket for RTP on an even port and one for RTCP on the next (RFC 3550 section 11).
///
/// # Errors
/// [`MediaError::Socket`].
pub(crate) async fn pair(
    bind: &[IpAddr],
    with_loopback: bool,
) -> Result<(UdpSocket, UdpSocket), MediaError> {
    let addresses = if bind.is_empty() {
        usable_addresses(with_loopback)
    } else {
        bind.to_vec()
    };
    let address = addresses.first().copied().ok_or_else(|| {
        MediaError::Socket("this computer has no usable network address".to_owned())
    })?;
    let mut fault = String::new();
    for _ in 0..PAIR_TRIES {
        match try_pair(address).await {
            Ok(Some(pair)) => return Ok(pair),
            Ok(None) => {}
            Err(error) => fault = format!("{address}: {error}"),
        }
    }
    Err(MediaError::Socket(if fault.is_empty() {
        format!("{address}: no two free ports next to each other")
    } else {
        fault
    }))
}

async fn try_pair(address: IpAddr) -> std::io::Result<Option<(UdpSocket, UdpSocket)>> {
    let rtp = UdpSocket::bind(SocketAddr::new(address, 0)).await?;
    let port = rtp.local_addr()?.port();
    if port % 2 != 0 {
        return Ok(None);
    }
    let rtcp = UdpSocket::bind(SocketAddr::new(address, port + 1)).await?;
    settle(&rtp).await;
    settle(&rtcp).await;
    Ok(Some((rtp, rtcp)))
}

/// Marks the socket's packets as voice, and waits until it is known to be writable, so that the voice thread can send
/// without waiting.
async fn settle(socket: &UdpSocket) {
    if socket.local_addr().is_ok_and(|address| address.is_ipv4())
        && let Err(error) = socket2::SockRef::from(socket).set_tos_v4(EXPEDITED)
    {
        tracing::debug!(%error, "packets cannot be marked as voice");
    }
    if let Err(error) = socket.writable().await {
        tracing::debug!(%error, "a new socket is not writable");
    }
}

/// The ways to us beside the sockets' own addresses.
#[derive(Debug, Default)]
pub(crate) struct Ways {
    /// How STUN servers see our sockets.
    pub(crate) reflexive: Vec<Reflexive>,
    /// Our addresses on TURN servers.
    pub(crate) relays: Vec<RelayLeg>,
    /// The connections that some of these need.
    pub(crate) streams: Vec<RelayStream>,
}

/// Asks STUN servers how they see these sockets, and TURN servers for addresses. Whoever does not answer in time is
/// left out; all together never take longer than half a second.
pub(crate) async fn ways(
    sockets: &[UdpSocket],
    servers: &[IceServer],
    tls: Option<&Arc<ClientConfig>>,
) -> Ways {
    let began = Instant::now();
    let deadline = began + LIMIT;
    let accounts = accounts(servers);
    // One after the other: they share the sockets.
    let by_datagram = async {
        let first = match accounts.is_empty() {
            true => LIMIT,
            false => LIMIT / 2,
        };
        let reflexive = reflexive(sockets, servers, began + first).await;
        let relays = relays(sockets, &accounts, deadline).await;
        (reflexive, relays)
    };
    let by_stream = stream_relay(&accounts, tls, deadline);
    let ((reflexive, mut relays), streamed) = match select(pin!(by_datagram), pin!(by_stream)).await
    {
        Either::Right((streamed, by_datagram)) => (by_datagram.await, streamed),
        Either::Left((found, by_stream)) => {
            // A relay over UDP is the better one: the other is not waited for much longer.
            let until = match found.1.is_empty() {
                true => deadline,
                false => deadline.min(Instant::now() + GRACE),
            };
            let streamed = timeout_at(until, by_stream).await;
            (found, streamed.ok().flatten())
        }
    };
    let mut streams = Vec::new();
    if let Some((stream, relay)) = streamed {
        streams.push(stream);
        relays.push(relay);
    }
    Ways {
        reflexive,
        relays,
        streams,
    }
}

/// A TURN server and who we are there.
#[derive(Debug)]
struct ServerAccount<'a> {
    url: &'a str,
    server: ServerUrl,
    username: &'a str,
    credential: &'a Secret,
}

impl ServerAccount<'_> {
    async fn addresses(&self, deadline: Instant) -> Vec<SocketAddr> {
        addresses(self.url, &self.server, deadline).await
    }

    fn at(&self, address: SocketAddr) -> Account {
        Account {
            server: address,
            username: self.username.to_owned(),
            credential: self.credential.clone(),
        }
    }
}

/// The TURN servers that we can ask.
fn accounts(servers: &[IceServer]) -> Vec<ServerAccount<'_>> {
    let mut accounts = Vec::new();
    for server in servers {
        for url in &server.urls {
            match (ServerUrl::parse(url), &server.username, &server.credential) {
                (Err(fault), ..) => {
                    tracing::warn!(%url, fault, "a STUN or TURN server is left out")
                }
                (Ok(parsed), Some(username), Some(credential)) if parsed.turn => {
                    accounts.push(ServerAccount {
                        url,
                        server: parsed,
                        username,
                        credential,
                    });
                }
                _ => {}
            }
        }
    }
    accounts
}

async fn addresses(url: &str, server: &ServerUrl, deadline: Instant) -> Vec<SocketAddr> {
    match timeout_at(deadline, lookup_host((server.host.as_str(), server.port))).await {
        Ok(Ok(addresses)) => return addresses.collect(),
        Ok(Err(error)) => tracing::warn!(%url, %error, "STUN or TURN server not found"),
        Err(_) => tracing::warn!(%url, "STUN or TURN server not found in time"),
    }
    Vec::new()
}

/// Asks STUN servers how they see these sockets; TURN servers answer binding requests too.
async fn reflexive(
    sockets: &[UdpSocket],
    servers: &[IceServer],
    deadline: Instant,
) -> Vec<Reflexive> {
    let mut targets = Vec::new();
    for url in servers.iter().flat_map(|server| &server.urls) {
        if let Ok(server) = ServerUrl::parse(url)
            && server.carriage == Carriage::Udp
        {
            targets.extend(addresses(url, &server, deadline).await);
        }
    }
    let asked = sockets.iter().filter_map(|socket| {
        let base = socket.local_addr().ok()?;
        let target = targets
            .iter()
            .find(|target| target.is_ipv4() == base.is_ipv4())
            .filter(|_| !base.ip().is_loopback())?;
        Some((socket, base, *target))
    });
    ask_all(asked, deadline).await
}

/// Asks the TURN servers for addresses over UDP, the first that answers for each kind of address. On the preferred
/// socket.
async fn relays(
    sockets: &[UdpSocket],
    accounts: &[ServerAccount<'_>],
    deadline: Instant,
) -> Vec<RelayLeg> {
    let mut found: Vec<RelayLeg> = Vec::new();
    for account in accounts {
        if account.server.carriage != Carriage::Udp {
            continue;
        }
        for address in account.addresses(deadline).await {
            let known = found
                .iter()
                .any(|leg| leg.place().base.is_ipv4() == address.is_ipv4());
            let socket = sockets.iter().find(|socket| {
                socket
                    .local_addr()
                    .is_ok_and(|base| base.is_ipv4() == address.is_ipv4())
            });
            let (Some(socket), false) = (socket, known) else {
                continue;
            };
            let carrier = Carrier::Socket(socket);
            found.extend(RelayLeg::allocate(carrier, &account.at(address), deadline).await);
        }
    }
    found
}

/// Asks the TURN servers that are reached over TCP or TLS for an address, all at once; the first that answers.
async fn stream_relay(
    accounts: &[ServerAccount<'_>],
    tls: Option<&Arc<ClientConfig>>,
    deadline: Instant,
) -> Option<(RelayStream, RelayLeg)> {
    let over_streams = accounts
        .iter()
        .filter(|account| account.server.carriage != Carriage::Udp);
    let mut asking: FuturesUnordered<_> = over_streams
        .map(|account| async move {
            let addresses = account.addresses(deadline).await;
            let mut asking: FuturesUnordered<_> = addresses
                .into_iter()
                .map(|address| over_stream(account, address, tls, deadline))
                .collect();
            while let Some(found) = asking.next().await {
                if found.is_some() {
                    return found;
                }
            }
            None
        })
        .collect();
    while let Some(found) = asking.next().await {
        if found.is_some() {
            return found;
        }
    }
    None
}

async fn over_stream(
    account: &ServerAccount<'_>,
    address: SocketAddr,
    tls: Option<&Arc<ClientConfig>>,
    deadline: Instant,
) -> Option<(RelayStream, RelayLeg)> {
    match timeout_at(deadline, connect(&account.server, address, tls)).await {
        Ok(Ok(stream)) => {
            let account = account.at(address);
            let relay = RelayLeg::allocate(Carrier::Stream(&stream), &account, deadline).await?;
            Some((stream, relay))
        }
        Ok(Err(error)) => {
            tracing::warn!(url = account.url, %address, error, "no connection to the TURN server");
            None
        }
        Err(_) => {
            tracing::warn!(url = account.url, %address, "no connection to the TURN server in time");
            None
        }
    }
}

/// A connection to a TURN server; its certificate must be for the name that is configured. Errors are in words.
pub(crate) async fn connect(
    server: &ServerUrl,
    address: SocketAddr,
    tls: Option<&Arc<ClientConfig>>,
) -> Result<RelayStream, String> {
    let tls = match (server.carriage, tls) {
        (Carriage::Tls, Some(config)) => Some((config, server.host.as_str())),
        (Carriage::Tls, None) => {
            return Err("there is nothing to verify its certificate by".to_owned());
        }
        (Carriage::Udp | Carriage::Tcp, _) => None,
    };
    RelayStream::connect(address, tls).await
}

/// Asks from all sockets at once: a dead interface must not keep the others waiting, nor us for long once one has its
/// answer.
async fn ask_all<'a>(
    asked: impl Iterator<Item = (&'a UdpSocket, SocketAddr, SocketAddr)>,
    deadline: Instant,
) -> Vec<Reflexive> {
    let mut asking: FuturesUnordered<_> = asked
        .enumerate()
        .map(|(index, (socket, base, target))| async move {
            (index, base, ask(Carrier::Socket(socket), target).await)
        })
        .collect();
    let mut found = Vec::new();
    let mut until = deadline;
    while let Ok(Some((index, base, mapped))) = timeout_at(until, asking.next()).await {
        if mapped.is_some() {
            until = until.min(Instant::now() + GRACE);
        }
        if let Some(mapped) = mapped.filter(|mapped| *mapped != base) {
            found.push((index, Reflexive { mapped, base }));
        }
    }
    if !asking.is_empty() {
        tracing::debug!(
            silent = asking.len(),
            "interfaces without an answer from a STUN server"
        );
    }
    found.sort_by_key(|(index, _)| *index);
    found.into_iter().map(|(_, reflexive)| reflexive).collect()
}

/// Asks until the answer comes, every 100 ms where datagrams may be lost.
pub(crate) async fn ask(carrier: Carrier<'_>, server: SocketAddr) -> Option<SocketAddr> {
    let mut id = [0; 12];
    SystemRandom::new().fill(&mut id).ok()?;
    let mut request = vec![0, 1, 0, 0];
    request.extend_from_slice(&MAGIC_COOKIE);
    request.extend_from_slice(&id);
    loop {
        carrier.send(&request, server).await.ok()?;
        let again = Instant::now() + Duration::from_millis(100);
        while let Ok(answer) = timeout_at(again, carrier.receive(server)).await {
            if let Some(mapped) = mapped_address(&answer, &id) {
                return Some(mapped);
            }
        }
    }
}

/// XOR-MAPPED-ADDRESS of a binding success (RFC 8489 section 14.2).
pub(crate) fn mapped_address(answer: &[u8], id: &[u8; 12]) -> Option<SocketAddr> {
    let (header, mut attributes) = answer.split_first_chunk::<20>()?;
    if header[..2] != [1, 1] || header[4..8] != MAGIC_COOKIE || &header[8..] != id {
        return None;
    }
    while let Some((head, rest)) = attributes.split_first_chunk::<4>() {
        let kind = u16::from_be_bytes([head[0], head[1]]);
        let length = usize::from(u16::from_be_bytes([head[2], head[3]]));
        let value = rest.get(..length)?;
        if kind == 0x0020 {
            return unmask(value, &header[4..20]);
        }
        attributes = rest.get(length.next_multiple_of(4)..)?;
    }
    None
}

fn unmask(value: &[u8], mask: &[u8]) -> Option<SocketAddr> {
    let (head, address) = value.split_first_chunk::<4>()?;
    let port = u16::from_be_bytes([head[2] ^ mask[0], head[3] ^ mask[1]]);
    let octets: Vec<u8> = address.iter().zip(mask).map(|(a, b)| a ^ b).collect();
    let ip = match head[1] {
        1 => IpAddr::V4(Ipv4Addr::from(*octets.first_chunk::<4>()?)),
        2 => IpAddr::V6(Ipv6Addr::from(*octets.first_chunk::<16>()?)),
        _ => return None,
    };
    Some(SocketAddr::new(ip, port))
}

/// Addresses of this machine that media can use, the best first.
fn usable_addresses(with_loopback: bool) -> Vec<IpAddr> {
    let interfaces = if_addrs::get_if_addrs().unwrap_or_default();
    let mut addresses: Vec<IpAddr> = interfaces
        .iter()
        .filter(|interface| interface.is_oper_up() && !interface.is_link_local())
        .map(|interface| interface.ip())
        .collect();
    addresses.sort_by_key(|address| address.is_ipv6());
    addresses.dedup();
    let (loopback, mut usable): (Vec<_>, Vec<_>) = addresses
        .into_iter()
        .partition(|address| address.is_loopback());
    if let Some(default) = default_route()
        && let Some(at) = usable.iter().position(|address| *address == default)
    {
        usable[..=at].rotate_right(1);
    }
    if with_loopback {
        // The far end is on this machine: its own way is the surest.
        let mut first: Vec<_> = loopback;
        first.append(&mut usable);
        return first;
    }
    if usable.is_empty() { loopback } else { usable }
}

/// Addresses of this machine that calls can use now, the best first: when they change, calls should
/// [`restart`](crate::Session::restart).
#[must_use]
pub fn network_addresses() -> Vec<IpAddr> {
    usable_addresses(false)
}

/// Our address on the way to the world. Connecting a UDP socket sends nothing.
fn default_route() -> Option<IpAddr> {
    let socket = std::net::UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
    // An address for documentation (RFC 5737).
    socket.connect((Ipv4Addr::new(192, 0, 2, 1), 9)).ok()?;
    Some(socket.local_addr().ok()?.ip())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mapped_address_of_the_test_vectors_of_rfc_5769() {
        let id = [
            0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86, 0xfa, 0x87, 0xdf, 0xae,
        ];
        let mut answer = vec![1, 1, 0, 12];
        answer.extend_from_slice(&MAGIC_COOKIE);
        answer.extend_from_slice(&id);
        answer.extend_from_slice(&[0, 0x20, 0, 8, 0, 1, 0xa1, 0x47, 0xe1, 0x12, 0xa6, 0x43]);
        let mapped = "192.0.2.1:32853".parse().expect("an address");
        assert_eq!(mapped_address(&answer, &id), Some(mapped));
        for length in 0..answer.len() {
            assert_eq!(mapped_address(&answer[..length], &id), None);
        }
        assert_eq!(mapped_address(&answer, &[0; 12]), None);
    }

    #[tokio::test]
    async fn interfaces_that_are_dead_cost_no_time() {
        let bind = [IpAddr::V4(Ipv4Addr::LOCALHOST); 4];
        let sockets = sockets(&bind, false).await.expect("sockets");
        let server = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .expect("a server");
        let target = server.local_addr().expect("its address");
        // Only the last of the four gets an answer; the server sees it as 192.0.2.1:32853.
        let alive = sockets[3].local_addr().expect("an address");
        let answering = tokio::spawn(async move {
            let mut buffer = [0; 100];
            loop {
                let Ok((_, from)) = server.recv_from(&mut buffer).await else {
                    continue;
                };
                if from != alive {
                    continue;
                }
                let mut answer = vec![1, 1, 0, 12];
                answer.extend_from_slice(&buffer[4..20]);
                answer.extend_from_slice(&[0, 0x20, 0, 8, 0, 1, 0xa1, 0x47]);
                answer.extend_from_slice(&[0xe1, 0x12, 0xa6, 0x43]);
                let _ = server.send_to(&answer, from).await;
            }
        });
        let began = Instant::now();
        let asked = sockets
            .iter()
            .map(|socket| (socket, socket.local_addr().expect("an address"), target));
        let found = ask_all(asked, began + LIMIT).await;
        let took = began.elapsed();
        answering.abort();
        let mapped = "192.0.2.1:32853".parse().expect("an address");
        assert_eq!(
            found,
            [Reflexive {
                mapped,
                base: alive
            }]
        );
        assert!(took < LIMIT - Duration::from_millis(100), "{took:?}");
    }

    #[tokio::test]
    async fn rtcp_has_the_port_after_an_even_one() {
        let bind = [IpAddr::V4(Ipv4Addr::LOCALHOST)];
        let (rtp, rtcp) = pair(&bind, false).await.expect("two sockets");
        let rtp = rtp.local_addr().expect("an address").port();
        let rtcp = rtcp.local_addr().expect("an address").port();
        assert_eq!((rtp % 2, rtcp), (0, rtp + 1));
    }
}
