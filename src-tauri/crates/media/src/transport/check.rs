//! Whether STUN and TURN servers can be reached from here, for people who look for the reason of bad sound.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use tokio::net::{UdpSocket, lookup_host};
use tokio::time::{Instant, timeout_at};

use super::gather;
use super::relay::{Account, Carrier, RelayLeg};
use super::server_url::{Carriage, ServerUrl};
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

/// Asks each server once, usable outside of calls; takes up to six seconds for each that is silent. `tls` verifies
/// the servers that are reached over TLS.
pub async fn check_servers(
    servers: &[IceServer],
    tls: Option<&Arc<ClientConfig>>,
) -> Vec<ServerReport> {
    let mut reports = Vec::new();
    for server in servers {
        for url in &server.urls {
            let mut report = ServerReport {
                url: url.clone(),
                ..ServerReport::default()
            };
            report.fault = check(server, url, tls, &mut report).await.err();
            reports.push(report);
        }
    }
    reports
}

async fn check(
    server: &IceServer,
    url: &str,
    tls: Option<&Arc<ClientConfig>>,
    report: &mut ServerReport,
) -> Result<(), String> {
    let place = ServerUrl::parse(url)?;
    let name = (place.host.as_str(), place.port);
    let target = timeout_at(Instant::now() + PATIENCE, lookup_host(name))
        .await
        .ok()
        .and_then(Result::ok)
        .and_then(|mut addresses| addresses.next())
        .ok_or_else(|| format!("{} is not known to the name service", place.host))?;
    if place.carriage == Carriage::Udp {
        let any: SocketAddr = match target {
            SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
            SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
        };
        let socket = UdpSocket::bind(any)
            .await
            .map_err(|error| format!("no network socket: {error}"))?;
        return question(server, &place, Carrier::Socket(&socket), target, report).await;
    }
    let connecting = gather::connect(&place, target, tls);
    match timeout_at(Instant::now() + PATIENCE, connecting).await {
        Ok(Ok(stream)) => question(server, &place, Carrier::Stream(&stream), target, report).await,
        Ok(Err(fault)) => Err(format!("no connection: {fault}")),
        Err(_) => Err("no connection; a firewall may keep us from it".to_owned()),
    }
}

async fn question(
    server: &IceServer,
    place: &ServerUrl,
    carrier: Carrier<'_>,
    target: SocketAddr,
    report: &mut ServerReport,
) -> Result<(), String> {
    let began = Instant::now();
    report.seen_as = timeout_at(began + PATIENCE, gather::ask(carrier, target))
        .await
        .ok()
        .flatten();
    if report.seen_as.is_none() {
        return Err(match place.carriage {
            Carriage::Udp => "it does not answer; a firewall may keep UDP from it".to_owned(),
            Carriage::Tcp | Carriage::Tls => "it does not answer as a TURN server".to_owned(),
        });
    }
    report.round_trip_ms = Some(began.elapsed().as_secs_f32() * 1_000.0);
    let (Some(username), Some(credential), true) =
        (&server.username, &server.credential, place.turn)
    else {
        return Ok(());
    };
    report.relays = Some(false);
    let account = Account {
        server: target,
        username: username.clone(),
        credential: credential.clone(),
    };
    let asked = timeout_at(Instant::now() + PATIENCE, RelayLeg::ask(carrier, &account)).await;
    let mut relay = match asked {
        Ok(Ok(relay)) => relay,
        Ok(Err(fault)) => return Err(format!("it does not relay for us: {fault}")),
        Err(_) => return Err("it did not answer the request to relay".to_owned()),
    };
    report.relays = Some(true);
    relay.close(Instant::now().into_std());
    while let Some(transmit) = relay.poll_transmit() {
        // Unheard, the server forgets us after ten minutes by itself.
        let _ = carrier.send(&transmit.bytes, transmit.to).await;
    }
    Ok(())
}
