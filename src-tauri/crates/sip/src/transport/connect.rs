//! Opening the connection to a configured server.

use std::net::SocketAddr;
use std::sync::Arc;

use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::dial::dial;
use super::locate::host_of;
use super::{CONNECT_PATIENCE, FromNet, Link, Net, stream, udp, web_socket};
use crate::api::{FlowId, ServerAddress};
use crate::core::{Fault, FaultKind, Flow, TransportKind, UdpBind, server_name};

/// Runs one client connection from its set-up to its end; `attempt` counts the failures before it.
pub(crate) async fn connect(
    net: Net,
    id: FlowId,
    (server, attempt): (ServerAddress, usize),
    tls: Option<Arc<rustls::ClientConfig>>,
    udp_bind: UdpBind,
) {
    let fault = run(&net, id, (&server, attempt), tls, udp_bind).await;
    net.tell(FromNet::Down(id, fault));
}

async fn run(
    net: &Net,
    id: FlowId,
    (server, attempt): (&ServerAddress, usize),
    tls: Option<Arc<rustls::ClientConfig>>,
    udp_bind: UdpBind,
) -> Fault {
    // What is verified is the configured name, wherever the name service leads to.
    let host = host_of(server);
    let name = server_name(server);
    if host.is_empty() {
        return Fault::network("the address names no server");
    }
    let found = match net.locator.locate(server, attempt).await {
        Ok(found) => found,
        Err(fault) => return fault,
    };
    let silent = || Fault::network(format!("the server at {name} does not answer"));
    if found.kind == TransportKind::Udp {
        return udp::run_client(net, id, found.addresses[0], udp_bind, &name).await;
    }
    let tcp = match timeout(CONNECT_PATIENCE, dial(&found.addresses, &name)).await {
        Ok(Ok(tcp)) => tcp,
        Ok(Err(fault)) => return fault,
        Err(_) => return silent(),
    };
    let secure = match server {
        ServerAddress::WebSocket(url) => url.scheme() == "wss",
        _ => found.kind == TransportKind::Tls,
    };
    if !secure {
        return over(net, id, (server, secure), tcp, None, &name).await;
    }
    let Some(config) = tls else {
        return Fault {
            kind: FaultKind::Certificate,
            words: format!("no trusted certificates are configured to check {name} with"),
        };
    };
    let Ok(server_name) = ServerName::try_from(host.clone()) else {
        return Fault::network(format!("{host} is not a server name"));
    };
    let addresses = addresses_of(&tcp);
    let connector = TlsConnector::from(config);
    match timeout(CONNECT_PATIENCE, connector.connect(server_name, tcp)).await {
        Ok(Ok(stream)) => over(net, id, (server, secure), stream, addresses, &name).await,
        Ok(Err(error)) => Fault::of_io(&error, &name),
        Err(_) => silent(),
    }
}

/// A stream that may know its own addresses.
trait Addressed {
    fn addresses(&self) -> Option<(SocketAddr, SocketAddr)>;
}

impl Addressed for TcpStream {
    fn addresses(&self) -> Option<(SocketAddr, SocketAddr)> {
        addresses_of(self)
    }
}

impl Addressed for tokio_rustls::client::TlsStream<TcpStream> {
    fn addresses(&self) -> Option<(SocketAddr, SocketAddr)> {
        addresses_of(self.get_ref().0)
    }
}

fn addresses_of(tcp: &TcpStream) -> Option<(SocketAddr, SocketAddr)> {
    Some((tcp.local_addr().ok()?, tcp.peer_addr().ok()?))
}

async fn over<S>(
    net: &Net,
    id: FlowId,
    (server, secure): (&ServerAddress, bool),
    stream: S,
    addresses: Option<(SocketAddr, SocketAddr)>,
    name: &str,
) -> Fault
where
    S: AsyncRead + AsyncWrite + Addressed + Unpin + Send + 'static,
{
    let closed = || Fault::network(format!("the server at {name} closed the connection"));
    let Some((local, remote)) = addresses.or_else(|| stream.addresses()) else {
        return closed();
    };
    let up = |kind| {
        let flow = Flow {
            kind,
            local,
            remote,
            outgoing: true,
            invalid_host: None,
            gruu: None,
            rport: true,
        };
        let (queue, outgoing) = mpsc::unbounded_channel();
        net.tell(FromNet::Up(id, flow, Link::Stream(queue)));
        outgoing
    };
    match server {
        ServerAddress::WebSocket(url) => {
            let shaken = timeout(CONNECT_PATIENCE, web_socket::open(url, stream, name)).await;
            let socket = match shaken {
                Ok(Ok(socket)) => socket,
                Ok(Err(fault)) => return fault,
                Err(_) => return Fault::network(format!("the server at {name} does not answer")),
            };
            let kind = if url.scheme() == "wss" {
                TransportKind::Wss
            } else {
                TransportKind::Ws
            };
            let outgoing = up(kind);
            web_socket::run(net, id, socket, outgoing, name).await
        }
        _ => {
            let outgoing = up(if secure {
                TransportKind::Tls
            } else {
                TransportKind::Tcp
            });
            stream::run(net, id, stream, outgoing, name, true).await
        }
    }
}
