//! The UDP socket of a running session: read by its task, written from wherever sound is made.
//!
//! A socket that tokio watches for both wakes its task after every datagram that has left, fifty times a second and
//! for nothing: on Unix this one is watched for what comes only.

use std::io;
use std::net::SocketAddr;
use std::task::{Context, Poll};

#[cfg(unix)]
use tokio::io::{Interest, unix::AsyncFd};
use tokio::net::UdpSocket;

/// A bound socket.
#[derive(Debug)]
pub(crate) struct MediaSocket {
    #[cfg(unix)]
    socket: AsyncFd<std::net::UdpSocket>,
    #[cfg(not(unix))]
    socket: UdpSocket,
}

impl MediaSocket {
    /// Takes a bound socket out of tokio's hands; call it inside a runtime.
    ///
    /// # Errors
    /// Those of the system.
    #[cfg(unix)]
    #[allow(unsafe_code)]
    pub(crate) fn new(socket: UdpSocket) -> io::Result<Self> {
        let socket = socket.into_std()?;
        // SAFETY: a socket of the standard library names one and the same descriptor as long as it lives, and it lives
        // in the `AsyncFd`, which lends it out shared only.
        let socket = unsafe { AsyncFd::register_with_interest(socket, Interest::READABLE)? };
        Ok(Self { socket })
    }

    /// Takes a bound socket.
    ///
    /// # Errors
    /// None here.
    #[cfg(not(unix))]
    pub(crate) fn new(socket: UdpSocket) -> io::Result<Self> {
        Ok(Self { socket })
    }

    /// Its own address.
    ///
    /// # Errors
    /// Those of the system.
    pub(crate) fn local_addr(&self) -> io::Result<SocketAddr> {
        #[cfg(unix)]
        return self.socket.get_ref().local_addr();
        #[cfg(not(unix))]
        return self.socket.local_addr();
    }

    /// Sends a datagram without waiting.
    ///
    /// # Errors
    /// Those of the system, also [`io::ErrorKind::WouldBlock`].
    pub(crate) fn try_send_to(&self, datagram: &[u8], to: SocketAddr) -> io::Result<usize> {
        #[cfg(unix)]
        return self.socket.get_ref().send_to(datagram, to);
        #[cfg(not(unix))]
        return self.socket.try_send_to(datagram, to);
    }

    /// Reads a datagram into `buffer`; gives its length and where it came from.
    #[cfg(unix)]
    pub(crate) fn poll_recv_from(
        &self,
        context: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<(usize, SocketAddr)>> {
        loop {
            let mut ready = std::task::ready!(self.socket.poll_read_ready(context))?;
            // What would block is not ready after all: the next look waits for it.
            if let Ok(received) = ready.try_io(|socket| socket.get_ref().recv_from(buffer)) {
                return Poll::Ready(received);
            }
        }
    }

    /// Reads a datagram into `buffer`; gives its length and where it came from.
    #[cfg(not(unix))]
    pub(crate) fn poll_recv_from(
        &self,
        context: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<(usize, SocketAddr)>> {
        let mut read = tokio::io::ReadBuf::new(buffer);
        let received = std::task::ready!(self.socket.poll_recv_from(context, &mut read));
        let length = read.filled().len();
        Poll::Ready(received.map(|from| (length, from)))
    }
}
