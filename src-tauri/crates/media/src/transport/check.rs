//! Whether STUN and TURN servers can be reached from here, for people who look for the reason of bad sound.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use tokio::net::{UdpSocket, lookup_host};
use tokio::time::{Instant, timeout_at};

use super::gather::{ask, stun_host};
use super::relay::{Account, RelayLeg};
use crate::IceServer;

/// Time for each question.
const PATIENCE: Duration = Duration::from_secs(2);

/// What a STUN or TURN server answered.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ServerReport {
    /// Which server, as it was configured.
    pub url: String,
    /// Time to its answer and back, ms; `None` when there was none.
    pub round_trip_ms: Option<f32>,
    /// How it sees this computer.
    pub seen_as: Option<SocketAddr>,
    /// Whether it relays for us; `None` when there are no credentials to ask with.
    pub relays: Option<bool>,
    /// What is wrong, in words.
    pub fault: Option<String>,
}

/// Asks each server once, usable outside of calls; takes up to four seconds for each that is silent.
pub async fn check_servers(servers: &[IceServer]) -> Vec<ServerReport> {
    let mut reports = Vec::new();
    for server in servers {
        for url in &server.urls {
            let mut report = ServerReport {
                url: url.clone(),
                ..ServerReport::default()
            };
            report.fault = check(server, url, &mut report).await.err();
            reports.push(report);
        }
    }
    reports
}

async fn check(server: &IceServer, url: &str, report: &mut ServerReport) -> Result<(), String> {
    let host = stun_host(url)
        .ok_or_else(|| "only STUN and TURN over UDP are used, not TCP or TLS".to_owned())?;
    let target = timeout_at(Instant::now() + PATIENCE, lookup_host(&host))
        .await
        .ok()
        .and_then(Result::ok)
        .and_then(|mut addresses| addresses.next())
        .ok_or_else(|| format!("{host} is not known to the name service"))?;
    let any: SocketAddr = match target {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let socket = UdpSocket::bind(any)
        .await
        .map_err(|error| format!("no network socket: {error}"))?;
    let began = Instant::now();
    report.seen_as = timeout_at(began + PATIENCE, ask(&socket, target))
        .await
        .ok()
        .flatten();
    if report.seen_as.is_none() {
        return Err("it does not answer; a firewall may keep UDP from it".to_owned());
    }
    report.round_trip_ms = Some(began.elapsed().as_secs_f32() * 1_000.0);
    let (Some(username), Some(credential)) = (&server.username, &server.credential) else {
        return Ok(());
    };
    if !url.starts_with("turn:") {
        return Ok(());
    }
    report.relays = Some(false);
    let account = Account {
        server: target,
        username: username.clone(),
        credential: credential.clone(),
    };
    let asked = timeout_at(Instant::now() + PATIENCE, RelayLeg::ask(&socket, &account)).await;
    let mut relay = match asked {
        Ok(Ok(relay)) => relay,
        Ok(Err(fault)) => return Err(format!("it does not relay for us: {fault}")),
        Err(_) => return Err("it did not answer the request to relay".to_owned()),
    };
    report.relays = Some(true);
    relay.close(Instant::now().into_std());
    while let Some(transmit) = relay.poll_transmit() {
        // Unheard, the server forgets us after ten minutes by itself.
        let _ = socket.send_to(&transmit.bytes, transmit.to).await;
    }
    Ok(())
}
