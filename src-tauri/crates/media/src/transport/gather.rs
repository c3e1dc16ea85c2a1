//! Our sockets and addresses: host addresses of the usable interfaces, and how the world sees them (STUN).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use ring::rand::{SecureRandom as _, SystemRandom};
use tokio::net::{UdpSocket, lookup_host};
use tokio::time::{Instant, timeout_at};

use super::relay::{Account, RelayLeg};
use crate::{IceServer, MediaError};

/// Time for the whole of gathering beyond opening sockets.
const LIMIT: Duration = Duration::from_millis(500);
/// Time for the other interfaces once one has its answer.
const GRACE: Duration = Duration::from_millis(60);
/// Most sockets that are opened.
const MOST_SOCKETS: usize = 8;
/// Tries to find an even port with a free one above it.
const PAIR_TRIES: usize = 32;
/// Answers of a STUN server never are longer.
const LONGEST_ANSWER: usize = 1500;
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

/// Asks STUN servers how they see these sockets, and TURN servers for addresses. Whoever does not answer in time is
/// left out; both together never take longer than half a second.
pub(crate) async fn ways(
    sockets: &[UdpSocket],
    servers: &[IceServer],
) -> (Vec<Reflexive>, Vec<RelayLeg>) {
    let began = Instant::now();
    // One after the other: they share the sockets.
    let relayed = servers
        .iter()
        .any(|server| server.username.is_some() && server.credential.is_some());
    let first = if relayed { LIMIT / 2 } else { LIMIT };
    let reflexive = reflexive(sockets, servers, began + first).await;
    let relays = relays(sockets, servers, began + LIMIT).await;
    (reflexive, relays)
}

/// Asks STUN servers how they see these sockets.
async fn reflexive(
    sockets: &[UdpSocket],
    servers: &[IceServer],
    deadline: Instant,
) -> Vec<Reflexive> {
    let mut targets = Vec::new();
    for url in servers.iter().flat_map(|server| &server.urls) {
        let Some(host) = stun_host(url) else { continue };
        match timeout_at(deadline, lookup_host(host)).await {
            Ok(Ok(addresses)) => targets.extend(addresses),
            Ok(Err(error)) => tracing::warn!(%url, %error, "STUN server not found"),
            Err(_) => tracing::warn!(%url, "STUN server not found in time"),
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

/// Asks the TURN servers for addresses, the first that answers for each kind of address; none when there are no
/// credentials. On the preferred socket.
async fn relays(sockets: &[UdpSocket], servers: &[IceServer], deadline: Instant) -> Vec<RelayLeg> {
    let mut found: Vec<RelayLeg> = Vec::new();
    for server in servers {
        let (Some(username), Some(credential)) = (&server.username, &server.credential) else {
            continue;
        };
        for url in server.urls.iter().filter(|url| url.starts_with("turn:")) {
            let Some(host) = stun_host(url) else { continue };
            let Ok(Ok(addresses)) = timeout_at(deadline, lookup_host(host)).await else {
                tracing::warn!(%url, "TURN server not found");
                continue;
            };
            for address in addresses {
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
                let account = Account {
                    server: address,
                    username: username.clone(),
                    credential: credential.clone(),
                };
                found.extend(RelayLeg::allocate(socket, &account, deadline).await);
            }
        }
    }
    found
}

/// Asks from all sockets at once: a dead interface must not keep the others waiting, nor us for long once one has its
/// answer.
async fn ask_all<'a>(
    asked: impl Iterator<Item = (&'a UdpSocket, SocketAddr, SocketAddr)>,
    deadline: Instant,
) -> Vec<Reflexive> {
    let mut asking: FuturesUnordered<_> =
        asked
            .enumerate()
            .map(|(index, (socket, base, target))| async move {
                (index, base, ask(socket, target).await)
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

/// Asks every 100 ms until the answer comes.
pub(crate) async fn ask(socket: &UdpSocket, server: SocketAddr) -> Option<SocketAddr> {
    let mut id = [0; 12];
    SystemRandom::new().fill(&mut id).ok()?;
    let mut request = vec![0, 1, 0, 0];
    request.extend_from_slice(&MAGIC_COOKIE);
    request.extend_from_slice(&id);
    let mut buffer = [0; LONGEST_ANSWER];
    loop {
        socket.send_to(&request, server).await.ok()?;
        let again = Instant::now() + Duration::from_millis(100);
        while let Ok(received) = timeout_at(again, socket.recv_from(&mut buffer)).await {
            let Ok((length, from)) = received else {
                continue;
            };
            if from == server
                && let Some(mapped) = mapped_address(&buffer[..length], &id)
            {
                return Some(mapped);
            }
        }
    }
}

/// XOR-MAPPED-ADDRESS of a binding success (RFC 8489 section 14.2).
fn mapped_address(answer: &[u8], id: &[u8; 12]) -> Option<SocketAddr> {
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

/// Host and port of a STUN URL (RFC 7064); TURN servers answer binding requests too.
pub(crate) fn stun_host(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once(':')?;
    let (host, query) = rest.split_once('?').unwrap_or((rest, ""));
    if !matches!(scheme, "stun" | "turn") || query.contains("transport=tcp") {
        return None;
    }
    let has_port = host
        .rsplit_once(':')
        .is_some_and(|(before, port)| !before.is_empty() && port.parse::<u16>().is_ok())
        && !host.ends_with(']');
    Some(if has_port {
        host.to_owned()
    } else {
        format!("{host}:3478")
    })
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
    fn stun_urls() {
        for (url, host) in [
            ("stun:stun.example.com", Some("stun.example.com:3478")),
            (
                "stun:stun.example.com:19302",
                Some("stun.example.com:19302"),
            ),
            ("turn:192.0.2.7:3478?transport=udp", Some("192.0.2.7:3478")),
            ("turn:192.0.2.7?transport=tcp", None),
            ("turns:turn.example.com", None),
            ("stun:[2001:db8::1]", Some("[2001:db8::1]:3478")),
            ("nonsense", None),
        ] {
            assert_eq!(stun_host(url).as_deref(), host, "{url}");
        }
    }

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
