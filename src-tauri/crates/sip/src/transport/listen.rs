//! The listening sockets of the server role.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use super::{CONNECT_PATIENCE, FromNet, Link, Net, stream, udp, web_socket};
use crate::api::{Listen, SipError};
use crate::core::{Fault, Flow, TransportKind};

/// Opens one listening socket and serves it.
pub(crate) async fn listen(net: Net, on: Listen) -> Result<(SocketAddr, JoinHandle<()>), SipError> {
    let (address, kind, tls) = match on {
        Listen::Udp(address) => {
            let bad = |error: std::io::Error| SipError::Bind(address, error.to_string());
            let socket = UdpSocket::bind(address).await.map_err(bad)?;
            let local = socket.local_addr().map_err(bad)?;
            return Ok((local, tokio::spawn(udp::run_server(net, socket))));
        }
        Listen::Tcp(address) => (address, TransportKind::Tcp, None),
        Listen::Tls(address, config) => (address, TransportKind::Tls, Some(config)),
        Listen::Ws(address) => (address, TransportKind::Ws, None),
        Listen::Wss(address, config) => (address, TransportKind::Wss, Some(config)),
    };
    let bad = |error: std::io::Error| SipError::Bind(address, error.to_string());
    let listener = TcpListener::bind(address).await.map_err(bad)?;
    let local = listener.local_addr().map_err(bad)?;
    let acceptor = tls.map(TlsAcceptor::from);
    Ok((local, tokio::spawn(serve(net, listener, kind, acceptor))))
}

async fn serve(
    net: Net,
    listener: TcpListener,
    kind: TransportKind,
    acceptor: Option<TlsAcceptor>,
) {
    // Dropped with this task, so that no connection outlives its endpoint.
    let mut connections = JoinSet::new();
    loop {
        let (tcp, remote) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                // Out of descriptors, most likely: some will be free again.
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        while connections.try_join_next().is_some() {}
        stream::keep_alive(&tcp);
        let Ok(local) = tcp.local_addr() else {
            continue;
        };
        let flow = Flow {
            kind,
            local,
            remote,
            outgoing: false,
            invalid_host: None,
            gruu: None,
            rport: true,
        };
        connections.spawn(connection(net.clone(), tcp, flow, acceptor.clone()));
    }
}

async fn connection(net: Net, tcp: TcpStream, flow: Flow, acceptor: Option<TlsAcceptor>) {
    let Some(acceptor) = acceptor else {
        return carry(net, tcp, flow).await;
    };
    match timeout(CONNECT_PATIENCE, acceptor.accept(tcp)).await {
        Ok(Ok(stream)) => carry(net, stream, flow).await,
        Ok(Err(error)) => tracing::debug!(remote = %flow.remote, %error, "no TLS"),
        Err(_) => tracing::debug!(remote = %flow.remote, "no TLS in time"),
    }
}

async fn carry<S>(net: Net, stream: S, flow: Flow)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let name = flow.remote.to_string();
    let (queue, outgoing) = mpsc::unbounded_channel();
    let id = net.next_accepted();
    let fault = if matches!(flow.kind, TransportKind::Ws | TransportKind::Wss) {
        match timeout(CONNECT_PATIENCE, web_socket::accept(stream)).await {
            Ok(Ok(socket)) => {
                net.tell(FromNet::Up(id, flow, Link::Stream(queue)));
                web_socket::run(&net, id, socket, outgoing, &name).await
            }
            Ok(Err(error)) => {
                tracing::debug!(remote = %name, %error, "no WebSocket");
                return;
            }
            Err(_) => return,
        }
    } else {
        net.tell(FromNet::Up(id, flow, Link::Stream(queue)));
        stream::run(&net, id, stream, outgoing, &name, false).await
    };
    net.tell(FromNet::Down(id, Fault::network(fault.words)));
}
