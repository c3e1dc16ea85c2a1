//! A connection to a TURN server over TCP or TLS (RFC 8656 section 3.1), for networks that let no UDP out.

use std::fmt;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::BytesMut;
use rtc_shared::turn_framing::TurnStreamDecoder;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

/// Messages that wait for the connection; older ones are of no use to a conversation.
const MOST_WAITING: usize = 64;
/// Longest part that is read at once.
const LONGEST: usize = 4096;
/// Time for the last messages and for closing.
const FAREWELL: Duration = Duration::from_secs(2);

/// A connection that carries whole TURN messages. What was sent before it is dropped still goes out.
pub(crate) struct RelayStream {
    local: SocketAddr,
    server: SocketAddr,
    out: mpsc::Sender<BytesMut>,
    received: Mutex<mpsc::Receiver<Vec<u8>>>,
}

impl RelayStream {
    /// Connects; with `tls` the server must have a certificate for this name or address. Errors are in words.
    pub(crate) async fn connect(
        server: SocketAddr,
        tls: Option<(&Arc<ClientConfig>, &str)>,
    ) -> Result<Self, String> {
        let words = |error: io::Error| error.to_string();
        let stream = TcpStream::connect(server).await.map_err(words)?;
        let local = stream.local_addr().map_err(words)?;
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "small packets may be held back");
        }
        let (out, to_send) = mpsc::channel(MOST_WAITING);
        let (tell, received) = mpsc::channel(MOST_WAITING);
        match tls {
            None => drop(tokio::spawn(carry(stream, to_send, tell))),
            Some((config, host)) => {
                let name = ServerName::try_from(host.to_owned())
                    .map_err(|_| format!("{host} is no name that a certificate can have"))?;
                let connector = TlsConnector::from(Arc::clone(config));
                let stream = connector.connect(name, stream).await.map_err(words)?;
                drop(tokio::spawn(carry(stream, to_send, tell)));
            }
        }
        Ok(Self {
            local,
            server,
            out,
            received: Mutex::new(received),
        })
    }

    pub(crate) const fn local(&self) -> SocketAddr {
        self.local
    }

    pub(crate) const fn server(&self) -> SocketAddr {
        self.server
    }

    /// Sends without waiting. What the connection does not take in time is lost, as on any network.
    pub(crate) fn send(&self, message: BytesMut) {
        if self.out.try_send(message).is_err() {
            tracing::trace!(server = %self.server, "message to the TURN server not sent");
        }
    }

    /// The next message; never ready again once the connection is gone.
    pub(crate) fn poll_receive(&self, context: &mut Context<'_>) -> Poll<Vec<u8>> {
        let mut received = self.received.lock().unwrap_or_else(PoisonError::into_inner);
        match received.poll_recv(context) {
            Poll::Ready(Some(message)) => Poll::Ready(message),
            Poll::Ready(None) | Poll::Pending => Poll::Pending,
        }
    }

    /// The next message; waits for ever once the connection is gone.
    pub(crate) async fn receive(&self) -> Vec<u8> {
        poll_fn(|context| self.poll_receive(context)).await
    }
}

impl fmt::Debug for RelayStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RelayStream")
            .field("local", &self.local)
            .field("server", &self.server)
            .finish_non_exhaustive()
    }
}

/// Carries messages both ways until either end is gone.
async fn carry(
    stream: impl AsyncRead + AsyncWrite,
    mut to_send: mpsc::Receiver<BytesMut>,
    received: mpsc::Sender<Vec<u8>>,
) {
    let (mut reader, mut writer) = tokio::io::split(stream);
    let sending = async {
        while let Some(message) = to_send.recv().await {
            writer.write_all(&message).await?;
            writer.flush().await?;
        }
        Ok(())
    };
    let receiving = async {
        let mut decoder = TurnStreamDecoder::new();
        let mut buffer = vec![0; LONGEST];
        loop {
            let length = reader.read(&mut buffer).await?;
            if length == 0 {
                return Err(io::Error::from(io::ErrorKind::UnexpectedEof));
            }
            decoder.extend_from_slice(&buffer[..length]);
            while let Some(message) = decoder.next_message().map_err(io::Error::other)? {
                // Nobody listens any more while the last messages go out.
                let _ = received.send(message).await;
            }
        }
    };
    let ended: io::Result<()> = tokio::select! {
        ended = sending => ended,
        ended = receiving => ended,
    };
    match ended {
        Ok(()) => drop(timeout(FAREWELL, writer.shutdown()).await),
        Err(error) => tracing::warn!(%error, "the connection to the TURN server is gone"),
    }
}
