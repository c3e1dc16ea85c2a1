//! From a server's name to a TCP connection: addresses, and several attempts at once (RFC 8305).

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::{sleep, timeout};

use super::{CONNECT_PATIENCE, Net, stream};
use crate::core::Fault;

/// Head start of one address before the next is tried beside it (RFC 8305 §5).
const HEAD_START: Duration = Duration::from_millis(300);
/// How often every address is tried anew while nobody answers: the system's own repetition doubles its waits, and a
/// way that comes back must be found within two seconds.
const ROUND: Duration = Duration::from_millis(1200);
/// A name service that is slower than this does not keep us from trying the addresses of last time.
const NAME_PATIENCE: Duration = Duration::from_millis(500);

/// Addresses of servers as they were found last: a name service is often back later than the way to the server.
#[derive(Default)]
pub(crate) struct Known(Mutex<HashMap<(String, u16), Vec<SocketAddr>>>);

impl Known {
    fn get(&self, host: &str, port: u16) -> Option<Vec<SocketAddr>> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(&(host.to_owned(), port)).cloned()
    }

    fn set(&self, host: &str, port: u16, addresses: &[SocketAddr]) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert((host.to_owned(), port), addresses.to_vec());
    }
}

/// The addresses of a host, the two families taking turns.
pub(super) async fn resolve(net: &Net, host: &str, port: u16) -> Result<Vec<SocketAddr>, Fault> {
    let known = net.known.get(host, port);
    let patience = if known.is_some() {
        NAME_PATIENCE
    } else {
        CONNECT_PATIENCE
    };
    let found = match timeout(patience, lookup_host((host, port))).await {
        Ok(Ok(addresses)) => taking_turns(addresses.collect()),
        Ok(Err(_)) | Err(_) => Vec::new(),
    };
    if !found.is_empty() {
        net.known.set(host, port, &found);
        return Ok(found);
    }
    known.ok_or_else(|| Fault::network(format!("the server name {host} cannot be found")))
}

/// Connects to whichever address answers first, and goes on asking until it is stopped.
pub(super) async fn dial(net: &Net, host: &str, port: u16, name: &str) -> Result<TcpStream, Fault> {
    let addresses = resolve(net, host, port).await?;
    let mut attempts = FuturesUnordered::new();
    let mut next = 0;
    let mut failed = 0;
    loop {
        if next < addresses.len() {
            attempts.push(TcpStream::connect(addresses[next]));
        }
        let pause = if next + 1 < addresses.len() {
            HEAD_START
        } else {
            ROUND
        };
        next += 1;
        let answered = tokio::select! {
            answered = attempts.next(), if !attempts.is_empty() => answered,
            () = sleep(pause) => None,
        };
        match answered {
            Some(Ok(tcp)) => {
                stream::keep_alive(&tcp);
                return Ok(tcp);
            }
            Some(Err(error)) => {
                failed += 1;
                // Somebody said no for every address: that is an answer.
                if attempts.is_empty() && failed >= addresses.len() {
                    return Err(Fault::of_io(&error, name));
                }
            }
            None if next >= addresses.len() => next = 0,
            None => {}
        }
    }
}

/// IPv6 and IPv4 in turn, beginning with what the system prefers (RFC 8305 §4).
fn taking_turns(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let Some(first) = addresses.first().map(SocketAddr::is_ipv6) else {
        return addresses;
    };
    let (mut preferred, mut others): (Vec<SocketAddr>, Vec<SocketAddr>) =
        addresses.into_iter().partition(|a| a.is_ipv6() == first);
    preferred.reverse();
    others.reverse();
    let mut out = Vec::with_capacity(preferred.len() + others.len());
    while !preferred.is_empty() || !others.is_empty() {
        out.extend(preferred.pop());
        out.extend(others.pop());
    }
    out
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::sync::Arc;
    use std::sync::atomic::AtomicU64;

    use tokio::net::TcpListener;
    use tokio::sync::mpsc;

    use super::*;

    fn net() -> Net {
        let (events, _) = mpsc::unbounded_channel();
        Net {
            events,
            accepted: Arc::new(AtomicU64::new(1)),
            known: Arc::new(Known::default()),
        }
    }

    #[test]
    fn the_families_take_turns() {
        let list = |texts: &[&str]| -> Vec<SocketAddr> {
            texts
                .iter()
                .map(|t| t.parse().expect("an address"))
                .collect()
        };
        let found = list(&["[::1]:1", "[::2]:1", "[::3]:1", "192.0.2.1:1"]);
        let wanted = list(&["[::1]:1", "192.0.2.1:1", "[::2]:1", "[::3]:1"]);
        assert_eq!(taking_turns(found), wanted);
    }

    #[tokio::test]
    async fn a_name_that_is_not_found_any_more_keeps_its_addresses() {
        let net = net();
        let gone = resolve(&net, "no-such-host.invalid", 5060).await;
        assert!(gone.is_err());
        let known: SocketAddr = "192.0.2.1:5060".parse().expect("an address");
        net.known.set("no-such-host.invalid", 5060, &[known]);
        let found = resolve(&net, "no-such-host.invalid", 5060).await;
        assert_eq!(found, Ok(vec![known]));
    }

    #[tokio::test]
    async fn a_refusing_address_does_not_keep_from_the_next() {
        let closed = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .expect("a port");
        let refusing = closed.local_addr().expect("bound");
        drop(closed);
        let open = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .expect("a port");
        let answering = open.local_addr().expect("bound");
        let net = net();
        // The name service knows nothing of it, so the two known addresses are tried.
        net.known.set("two.invalid", 1, &[refusing, answering]);
        let tcp = dial(&net, "two.invalid", 1, "two")
            .await
            .expect("connected");
        assert_eq!(tcp.peer_addr().expect("a peer"), answering);
        net.known.set("one.invalid", 1, &[refusing]);
        let fault = dial(&net, "one.invalid", 1, "one")
            .await
            .expect_err("refused");
        assert_eq!(fault.words, "the server at one refuses connections");
    }
}
