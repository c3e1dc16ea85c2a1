//! A simulated network in real time: between two sessions with sockets of their own.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sidetone_media::offline::Datagram;
use tokio::net::UdpSocket;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use crate::line::{Line, Transit};
use crate::profile::Profile;

/// Room for any datagram.
const DATAGRAM: usize = 65_536;

/// A simulated network with an address for each of the two sessions; it ends when it is dropped.
#[derive(Debug)]
pub struct Wire {
    ends: [SocketAddr; 2],
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

struct Shared {
    /// From the first side to the second, and back.
    lines: Mutex<[Line; 2]>,
    began: Instant,
    changed: Notify,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared")
            .field("began", &self.began)
            .finish_non_exhaustive()
    }
}

impl Wire {
    /// Lays a wire on which nothing is disturbed yet.
    ///
    /// # Errors
    /// When no sockets can be had.
    pub async fn lay() -> io::Result<Self> {
        let first = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let second = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let ends = [first.local_addr()?, second.local_addr()?];
        let shared = Arc::new(Shared {
            lines: Mutex::new([Line::clean(), Line::clean()]),
            began: Instant::now(),
            changed: Notify::new(),
        });
        let task = tokio::spawn(carry(Arc::clone(&shared), [first, second]));
        Ok(Self { ends, shared, task })
    }

    /// A description of the first side's session, as the second is to see it.
    #[must_use]
    pub fn of_first(&self, sdp: &str) -> String {
        moved(sdp, self.ends[1])
    }

    /// A description of the second side's session, as the first is to see it.
    #[must_use]
    pub fn of_second(&self, sdp: &str) -> String {
        moved(sdp, self.ends[0])
    }

    /// Becomes the network of a profile, for at most so long; gives when.
    #[must_use]
    pub fn disturb(&self, profile: &Profile, seed: u64, length: Duration) -> Duration {
        let now = self.shared.began.elapsed();
        let mut lines = self.shared.lock();
        for (line, seed) in lines.iter_mut().zip([seed, !seed]) {
            line.disturb(profile, seed, now, length);
        }
        drop(lines);
        self.shared.changed.notify_one();
        now
    }

    /// What became of the first side's packets that were sent since `from`, and not so lately that they still fly.
    #[must_use]
    pub fn transits(&self, from: Duration) -> Vec<Transit> {
        let until = self.shared.began.elapsed().saturating_sub(FLIGHT);
        self.shared.lock()[0]
            .transits()
            .iter()
            .filter(|transit| (from..until).contains(&transit.sent))
            .map(|transit| Transit {
                sent: transit.sent.saturating_sub(from),
                ..*transit
            })
            .collect()
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The longest that a packet may be on its way.
const FLIGHT: Duration = Duration::from_millis(700);

impl Shared {
    fn lock(&self) -> MutexGuard<'_, [Line; 2]> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next(&self) -> Option<Instant> {
        let lines = self.lock();
        let next = lines.iter().filter_map(Line::poll_timeout).min()?;
        Some(self.began + next)
    }

    /// What has come out of the lines by now: for which side, and what.
    fn arrived(&self) -> Vec<(usize, Vec<u8>)> {
        let now = self.began.elapsed();
        let mut arrived = Vec::new();
        for (index, line) in self.lock().iter_mut().enumerate() {
            while let Some(datagram) = line.receive(now) {
                arrived.push((1 - index, datagram.bytes));
            }
        }
        arrived
    }
}

async fn carry(shared: Arc<Shared>, sockets: [UdpSocket; 2]) {
    // Learnt from what they send: both do so at once.
    let mut peers: [Option<SocketAddr>; 2] = [None; 2];
    let mut buffers = [vec![0; DATAGRAM], vec![0; DATAGRAM]];
    loop {
        let next = shared.next();
        let [first, second] = &mut buffers;
        let came = tokio::select! {
            came = sockets[0].recv_from(first) => came.ok().map(|(n, from)| (0, first[..n].to_vec(), from)),
            came = sockets[1].recv_from(second) => came.ok().map(|(n, from)| (1, second[..n].to_vec(), from)),
            () = shared.changed.notified() => None,
            () = until(next) => None,
        };
        if let Some((side, bytes, from)) = came {
            peers[side] = Some(from);
            let to = from;
            shared.lock()[side].send(shared.began.elapsed(), Datagram { from, to, bytes });
        }
        for (side, bytes) in shared.arrived() {
            if let Some(peer) = peers[side] {
                // A side that has closed takes nothing any more.
                let _ = sockets[side].send_to(&bytes, peer).await;
            }
        }
    }
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}

/// The same session at another port of this machine.
fn moved(sdp: &str, to: SocketAddr) -> String {
    let old = sdp
        .lines()
        .find_map(|line| line.strip_prefix("m=audio "))
        .and_then(|rest| rest.split(' ').next())
        .unwrap_or_default();
    sdp.replace(
        &format!("m=audio {old} "),
        &format!("m=audio {} ", to.port()),
    )
    .replace(&format!("a=rtcp:{old} "), &format!("a=rtcp:{} ", to.port()))
    .replace(
        &format!(" 127.0.0.1 {old} "),
        &format!(" 127.0.0.1 {} ", to.port()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_moves_with_its_candidates() {
        let sdp = "c=IN IP4 127.0.0.1\r\nm=audio 4000 RTP/AVP 8\r\na=rtcp:4000 IN IP4 127.0.0.1\r\n\
                   a=candidate:1 1 udp 99 127.0.0.1 4000 typ host\r\n";
        let moved = moved(sdp, ([127, 0, 0, 1], 5000).into());
        assert_eq!(moved, sdp.replace("4000", "5000"));
    }
}
