//! SIP over UDP, both ends.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

use super::{FromNet, Link, Net};
use crate::api::FlowId;
use crate::core::{Fault, Flow, TransportKind, UdpBind};

/// Keeps address translators from forgetting us.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// How long a port that is taken is waited for, and how often it is tried.
const PORT_PATIENCE: Duration = Duration::from_millis(500);
const PORT_AGAIN: Duration = Duration::from_millis(20);
/// Remote addresses that a server keeps apart; the rest is dropped until some are forgotten.
const REMOTES: usize = 16 * 1024;

pub(super) async fn run_client(
    net: &Net,
    id: FlowId,
    remote: SocketAddr,
    bind: UdpBind,
    name: &str,
) -> Fault {
    let socket = match bound(bind, remote).await {
        Ok(socket) => socket,
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            return Fault::network(format!(
                "UDP port {} of this computer is used by another program; the phone is to be called there",
                bind.port
            ));
        }
        Err(error) => return Fault::of_io(&error, name),
    };
    let opened = async {
        socket.connect(remote).await?;
        socket.local_addr()
    };
    let local = match opened.await {
        Ok(local) => local,
        Err(error) => return Fault::of_io(&error, name),
    };
    let socket = Arc::new(socket);
    let flow = Flow {
        kind: TransportKind::Udp,
        local,
        remote,
        outgoing: true,
        invalid_host: None,
        gruu: None,
        rport: true,
    };
    net.tell(FromNet::Up(id, flow, Link::Udp(Arc::clone(&socket), None)));
    let mut ticks = interval(KEEP_ALIVE);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut buffer = vec![0; 65_536];
    loop {
        tokio::select! {
            received = socket.recv(&mut buffer) => match received {
                Ok(length) => deliver(net, id, &buffer[..length]),
                Err(error) => return Fault::of_io(&error, name),
            },
            // A keep-alive that cannot be sent is lost like any datagram.
            _ = ticks.tick() => drop(socket.try_send(b"\r\n\r\n")),
        }
    }
}

/// A socket at the wished port, or at another one where that does no harm.
async fn bound(wish: UdpBind, remote: SocketAddr) -> io::Result<UdpSocket> {
    let mut address = wish
        .address
        .filter(|b| b.is_ipv4() == remote.is_ipv4())
        .unwrap_or_else(|| any_port(remote));
    if wish.port == 0 {
        return UdpSocket::bind(address).await;
    }
    let any = address;
    address.set_port(wish.port);
    let end = Instant::now() + PORT_PATIENCE;
    loop {
        match UdpSocket::bind(address).await {
            // Most likely the phone's own socket of before, which is closing.
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && Instant::now() < end => {
                sleep(PORT_AGAIN).await;
            }
            Err(error) if !wish.fixed => {
                tracing::info!(port = wish.port, %error, "another UDP port is taken");
                return UdpSocket::bind(any).await;
            }
            done => return done,
        }
    }
}

/// Serves every remote address over one socket; each is a flow of its own.
pub(super) async fn run_server(net: Net, socket: UdpSocket) {
    let socket = Arc::new(socket);
    let mut flows: HashMap<SocketAddr, FlowId> = HashMap::new();
    let mut buffer = vec![0; 65_536];
    loop {
        let (length, remote) = match socket.recv_from(&mut buffer).await {
            Ok(received) => received,
            // An ICMP error of an earlier datagram: concerns one remote only.
            Err(error) => {
                tracing::debug!(%error, "datagram socket");
                continue;
            }
        };
        let datagram = &buffer[..length];
        if datagram.iter().all(|b| matches!(b, b'\r' | b'\n' | 0)) {
            continue;
        }
        if !flows.contains_key(&remote) {
            if flows.len() >= REMOTES {
                continue;
            }
            let id = net.next_accepted();
            let Ok(local) = local_towards(&socket, remote).await else {
                continue;
            };
            let flow = Flow {
                kind: TransportKind::Udp,
                local,
                remote,
                outgoing: false,
                invalid_host: None,
                gruu: None,
                rport: true,
            };
            flows.insert(remote, id);
            let link = Link::Udp(Arc::clone(&socket), Some(remote));
            net.tell(FromNet::Up(id, flow, link));
        }
        deliver(&net, flows[&remote], datagram);
    }
}

fn deliver(net: &Net, id: FlowId, datagram: &[u8]) {
    if !datagram.iter().all(|b| matches!(b, b'\r' | b'\n' | 0)) {
        net.tell(FromNet::Received(id, datagram.to_vec()));
    }
}

/// The address under which a remote sees this socket, also when it is bound to all.
async fn local_towards(socket: &UdpSocket, remote: SocketAddr) -> io::Result<SocketAddr> {
    let bound = socket.local_addr()?;
    if !bound.ip().is_unspecified() {
        return Ok(bound);
    }
    let probe = UdpSocket::bind(any_port(remote)).await?;
    probe.connect(remote).await?;
    Ok(SocketAddr::new(probe.local_addr()?.ip(), bound.port()))
}

fn any_port(remote: SocketAddr) -> SocketAddr {
    let ip: IpAddr = if remote.is_ipv4() {
        Ipv4Addr::UNSPECIFIED.into()
    } else {
        Ipv6Addr::UNSPECIFIED.into()
    };
    SocketAddr::new(ip, 0)
}
