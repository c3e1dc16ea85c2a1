//! A TCP connection to whichever of several addresses answers first (RFC 8305).

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::net::TcpStream;
use tokio::time::sleep;

use super::stream;
use crate::core::Fault;

/// Head start of one address before the next is tried beside it (RFC 8305 §5).
const HEAD_START: Duration = Duration::from_millis(300);
/// How often every address is tried anew while nobody answers: the system's own repetition doubles its waits, and a
/// way that comes back must be found within two seconds.
const ROUND: Duration = Duration::from_millis(1200);

/// Goes on asking until somebody answers, everybody refuses or it is stopped.
pub(super) async fn dial(addresses: &[SocketAddr], name: &str) -> Result<TcpStream, Fault> {
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

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use tokio::net::TcpListener;

    use super::*;

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
        let tcp = dial(&[refusing, answering], "two")
            .await
            .expect("connected");
        assert_eq!(tcp.peer_addr().expect("a peer"), answering);
        let fault = dial(&[refusing], "one").await.expect_err("refused");
        assert_eq!(fault.words, "the server at one refuses connections");
    }
}
