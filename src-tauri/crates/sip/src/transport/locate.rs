//! From a configured server to the addresses to try, in order: NAPTR, SRV, A and AAAA (RFC 3263).

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use hickory_resolver::TokioResolver;
use hickory_resolver::proto::rr::{RData, RecordType};
use rand::Rng;
use tokio::net::lookup_host;
use tokio::time::timeout;

use super::CONNECT_PATIENCE;
use crate::api::ServerAddress;
use crate::core::{Fault, TransportKind};

/// A name service that is slower than this does not keep us from trying the addresses of last time.
const NAME_PATIENCE: Duration = Duration::from_millis(500);
/// How long NAPTR and SRV may take; without them the name's own addresses are tried.
const RECORD_PATIENCE: Duration = Duration::from_secs(3);

/// Where a server may be reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// UDP, TCP or TLS; a WebSocket counts as what is below it.
    pub(super) kind: TransportKind,
    /// To be tried in this order; never empty.
    pub(super) addresses: Vec<SocketAddr>,
}

/// Finds servers, and remembers where they were: a name service is often back later than the way to the server.
#[derive(Default)]
pub(crate) struct Locator {
    known: Mutex<HashMap<String, Vec<Found>>>,
    /// Asked instead of the system's name service.
    #[cfg(test)]
    name_server: Option<SocketAddr>,
}

/// A host and port that offer a transport.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    kind: TransportKind,
    host: String,
    port: u16,
}

impl Locator {
    /// The addresses of a server; `attempt` counts the failures since it was last reached, so that every place gets
    /// its turn.
    pub(super) async fn locate(
        &self,
        server: &ServerAddress,
        attempt: usize,
    ) -> Result<Found, Fault> {
        let name = match server {
            ServerAddress::WebSocket(url) => url.as_str().to_owned(),
            other => format!("{other:?}"),
        };
        let known = self.lock().get(&name).cloned();
        let patience = if known.is_some() {
            NAME_PATIENCE
        } else {
            CONNECT_PATIENCE
        };
        let all = match timeout(patience, self.look_up(server)).await {
            Ok(found) if !found.is_empty() => {
                self.lock().insert(name, found.clone());
                found
            }
            _ => known.unwrap_or_default(),
        };
        let mut found = match all.len() {
            0 => {
                let host = host_of(server);
                let words = format!("the server name {host} cannot be found");
                return Err(Fault::network(words));
            }
            kinds => all[attempt % kinds].clone(),
        };
        // A stream tries all addresses at once; a datagram cannot tell which one answers.
        if found.kind == TransportKind::Udp {
            let turn = (attempt / all.len()) % found.addresses.len();
            found.addresses.rotate_left(turn);
        }
        Ok(found)
    }

    /// One entry for each transport, the preferred one first.
    async fn look_up(&self, server: &ServerAddress) -> Vec<Found> {
        let mut found: Vec<Found> = Vec::new();
        for place in self.places(server).await {
            let Ok(addresses) = lookup_host((place.host.as_str(), place.port)).await else {
                continue;
            };
            let addresses = taking_turns(addresses.collect());
            match found.iter_mut().find(|f| f.kind == place.kind) {
                Some(found) => found.addresses.extend(addresses),
                None if addresses.is_empty() => {}
                None => found.push(Found {
                    kind: place.kind,
                    addresses,
                }),
            }
        }
        found
    }

    async fn places(&self, server: &ServerAddress) -> Vec<Place> {
        let place = |kind, port| Place {
            kind,
            host: host_of(server),
            port,
        };
        let (kind, port) = match server {
            ServerAddress::WebSocket(url) => {
                let port = url.port_or_known_default().unwrap_or(443);
                return vec![place(TransportKind::Tcp, port)];
            }
            ServerAddress::Domain(_) => return self.domain(&host_of(server)).await,
            ServerAddress::Udp(_, port) => (TransportKind::Udp, *port),
            ServerAddress::Tcp(_, port) => (TransportKind::Tcp, *port),
            ServerAddress::Tls(_, port) => (TransportKind::Tls, *port),
        };
        let host = host_of(server);
        if port != 0 || host.parse::<IpAddr>().is_ok() {
            let port = if port == 0 { default_port(kind) } else { port };
            return vec![place(kind, port)];
        }
        let places = self.services(kind, &service_name(kind, &host)).await;
        if places.is_empty() {
            return vec![place(kind, default_port(kind))];
        }
        places
    }

    /// RFC 3263 §4.1: the transport is the domain's choice too.
    async fn domain(&self, domain: &str) -> Vec<Place> {
        let plain = Place {
            kind: TransportKind::Udp,
            host: domain.to_owned(),
            port: 5060,
        };
        if domain.parse::<IpAddr>().is_ok() {
            return vec![plain];
        }
        let mut services = self.named_services(domain).await;
        if services.is_empty() {
            services = [TransportKind::Tls, TransportKind::Tcp, TransportKind::Udp]
                .map(|kind| (kind, service_name(kind, domain)))
                .to_vec();
        }
        let mut places = Vec::new();
        for (kind, name) in services {
            places.extend(self.services(kind, &name).await);
        }
        if places.is_empty() {
            places.push(plain);
        }
        places
    }

    /// Transports and service names of a domain's NAPTR records, the preferred one first.
    async fn named_services(&self, domain: &str) -> Vec<(TransportKind, String)> {
        let mut found: Vec<((u16, u16), TransportKind, String)> = self
            .records(domain, RecordType::NAPTR)
            .await
            .into_iter()
            .filter_map(|data| match data {
                RData::NAPTR(naptr) => {
                    let kind = match naptr.services.to_ascii_uppercase().as_slice() {
                        b"SIPS+D2T" => TransportKind::Tls,
                        b"SIP+D2T" => TransportKind::Tcp,
                        b"SIP+D2U" => TransportKind::Udp,
                        _ => return None,
                    };
                    let order = (naptr.order, naptr.preference);
                    Some((order, kind, naptr.replacement.to_utf8()))
                }
                _ => None,
            })
            .collect();
        found.sort_by_key(|(order, ..)| *order);
        found
            .into_iter()
            .map(|(_, kind, name)| (kind, name))
            .collect()
    }

    /// Hosts of an SRV name by priority, those of the same priority by chance and weight (RFC 2782).
    async fn services(&self, kind: TransportKind, name: &str) -> Vec<Place> {
        let mut found: Vec<(u16, f64, Place)> = self
            .records(name, RecordType::SRV)
            .await
            .into_iter()
            .filter_map(|data| match data {
                // A single dot: decidedly not offered.
                RData::SRV(srv) if !srv.target.is_root() => {
                    let place = Place {
                        kind,
                        host: srv.target.to_utf8().trim_end_matches('.').to_owned(),
                        port: srv.port,
                    };
                    let chance: f64 = rand::rng().random_range(f64::EPSILON..1.0);
                    let weight = f64::from(srv.weight) + 0.01;
                    Some((srv.priority, -chance.ln() / weight, place))
                }
                _ => None,
            })
            .collect();
        found.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
        found.into_iter().map(|(_, _, place)| place).collect()
    }

    async fn records(&self, name: &str, kind: RecordType) -> Vec<RData> {
        let Some(resolver) = self.resolver() else {
            return Vec::new();
        };
        // The dot keeps search domains out of it.
        let name = format!("{}.", name.trim_end_matches('.'));
        match timeout(RECORD_PATIENCE, resolver.lookup(name, kind)).await {
            Ok(Ok(found)) => found.answers().iter().map(|r| r.data.clone()).collect(),
            Ok(Err(_)) | Err(_) => Vec::new(),
        }
    }

    /// Made anew for each search: the system's name servers change with the network.
    fn resolver(&self) -> Option<TokioResolver> {
        #[cfg(test)]
        if let Some(server) = self.name_server {
            return tests::resolver_at(server);
        }
        TokioResolver::builder_tokio().ok()?.build().ok()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Vec<Found>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The configured host name, without the brackets of an IPv6 address.
pub(super) fn host_of(server: &ServerAddress) -> String {
    let host = match server {
        ServerAddress::WebSocket(url) => url.host_str().unwrap_or_default(),
        ServerAddress::Udp(host, _)
        | ServerAddress::Tcp(host, _)
        | ServerAddress::Tls(host, _)
        | ServerAddress::Domain(host) => host,
    };
    host.trim_matches(['[', ']']).to_owned()
}

fn service_name(kind: TransportKind, host: &str) -> String {
    match kind {
        TransportKind::Udp => format!("_sip._udp.{host}"),
        TransportKind::Tls | TransportKind::Wss => format!("_sips._tcp.{host}"),
        TransportKind::Tcp | TransportKind::Ws => format!("_sip._tcp.{host}"),
    }
}

const fn default_port(kind: TransportKind) -> u16 {
    match kind {
        TransportKind::Tls | TransportKind::Wss => 5061,
        TransportKind::Udp | TransportKind::Tcp | TransportKind::Ws => 5060,
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

    use hickory_resolver::config::{NameServerConfig, ResolverConfig};
    use hickory_resolver::net::runtime::TokioRuntimeProvider;
    use hickory_resolver::proto::op::Message;
    use hickory_resolver::proto::rr::rdata::{NAPTR, SRV};
    use hickory_resolver::proto::rr::{Name, Record};
    use tokio::net::UdpSocket;

    use super::*;

    pub(super) fn resolver_at(server: SocketAddr) -> Option<TokioResolver> {
        let mut at = NameServerConfig::udp(server.ip());
        for connection in &mut at.connections {
            connection.port = server.port();
        }
        let config = ResolverConfig::from_parts(None, Vec::new(), vec![at]);
        TokioResolver::builder_with_config(config, TokioRuntimeProvider::default())
            .build()
            .ok()
    }

    fn name(text: &str) -> Name {
        Name::from_utf8(text).expect("a name")
    }

    /// A name service with these records, for as long as the test runs.
    async fn locator(records: Vec<(&'static str, RData)>) -> Locator {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .expect("a port");
        let address = socket.local_addr().expect("bound");
        tokio::spawn(async move {
            let mut buffer = [0; 2048];
            while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
                let query = Message::from_vec(&buffer[..length]).expect("a query");
                let mut reply = Message::response(query.metadata.id, query.metadata.op_code);
                let asked = query.queries[0].clone();
                for (owner, data) in &records {
                    if name(owner) == *asked.name() && data.record_type() == asked.query_type() {
                        reply.add_answer(Record::from_rdata(name(owner), 60, data.clone()));
                    }
                }
                reply.add_query(asked);
                let bytes = reply.to_vec().expect("a reply");
                socket.send_to(&bytes, from).await.expect("sent");
            }
        });
        Locator {
            name_server: Some(address),
            ..Locator::default()
        }
    }

    fn srv(priority: u16, port: u16, target: &str) -> RData {
        RData::SRV(SRV::new(priority, 10, port, name(target)))
    }

    fn naptr(order: u16, service: &str, replacement: &str) -> RData {
        RData::NAPTR(NAPTR::new(
            order,
            10,
            b"s".to_vec().into(),
            service.as_bytes().to_vec().into(),
            Vec::new().into(),
            name(replacement),
        ))
    }

    fn ports(found: &Found) -> Vec<u16> {
        found.addresses.iter().map(SocketAddr::port).collect()
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
    async fn services_are_tried_by_priority_and_in_turn() {
        let locator = locator(vec![
            ("_sip._udp.cc.test.", srv(20, 7002, "127.0.0.1.")),
            ("_sip._udp.cc.test.", srv(10, 7001, "127.0.0.1.")),
            ("_sip._udp.cc.test.", srv(5, 7000, ".")),
        ])
        .await;
        let server = ServerAddress::Udp("cc.test".to_owned(), 0);
        let first = locator.locate(&server, 0).await.expect("found");
        assert_eq!(
            (first.kind, ports(&first)),
            (TransportKind::Udp, vec![7001, 7002])
        );
        let second = locator.locate(&server, 1).await.expect("found");
        assert_eq!(ports(&second), [7002, 7001], "after a failure the next");
        let third = locator.locate(&server, 2).await.expect("found");
        assert_eq!(ports(&third), [7001, 7002], "and back");
    }

    #[tokio::test]
    async fn a_domain_chooses_its_transports() {
        let locator = locator(vec![
            ("cc.test.", naptr(20, "SIP+D2U", "_sip._udp.cc.test.")),
            ("cc.test.", naptr(10, "SIPS+D2T", "_sips._tcp.cc.test.")),
            ("cc.test.", naptr(5, "E2U+mail", "mail.test.")),
            ("_sips._tcp.cc.test.", srv(1, 7443, "127.0.0.1.")),
            ("_sip._udp.cc.test.", srv(1, 7060, "127.0.0.1.")),
        ])
        .await;
        let server = ServerAddress::Domain("cc.test".to_owned());
        let first = locator.locate(&server, 0).await.expect("found");
        assert_eq!(
            (first.kind, ports(&first)),
            (TransportKind::Tls, vec![7443])
        );
        let second = locator.locate(&server, 1).await.expect("found");
        assert_eq!(
            (second.kind, ports(&second)),
            (TransportKind::Udp, vec![7060])
        );
    }

    #[tokio::test]
    async fn without_records_the_host_itself_is_tried_at_the_usual_port() {
        let locator = locator(Vec::new()).await;
        for (server, kind, port) in [
            (
                ServerAddress::Tls("localhost".to_owned(), 0),
                TransportKind::Tls,
                5061,
            ),
            (
                ServerAddress::Tcp("localhost".to_owned(), 0),
                TransportKind::Tcp,
                5060,
            ),
            (
                ServerAddress::Domain("localhost".to_owned()),
                TransportKind::Udp,
                5060,
            ),
            (
                ServerAddress::Udp("[::1]".to_owned(), 0),
                TransportKind::Udp,
                5060,
            ),
            (
                ServerAddress::Udp("127.0.0.1".to_owned(), 9),
                TransportKind::Udp,
                9,
            ),
        ] {
            let found = locator.locate(&server, 0).await.expect("found");
            assert_eq!(
                (found.kind, found.addresses[0].port()),
                (kind, port),
                "{server:?}"
            );
        }
    }

    #[tokio::test]
    async fn a_name_that_is_not_found_any_more_keeps_its_addresses() {
        let locator = Locator::default();
        let server = ServerAddress::Tcp("no-such-host.invalid".to_owned(), 5060);
        let fault = locator.locate(&server, 0).await.expect_err("unknown");
        assert_eq!(
            fault.words,
            "the server name no-such-host.invalid cannot be found"
        );
        let found = Found {
            kind: TransportKind::Tcp,
            addresses: vec!["192.0.2.1:5060".parse().expect("an address")],
        };
        let name = format!("{server:?}");
        locator.lock().insert(name, vec![found.clone()]);
        assert_eq!(locator.locate(&server, 0).await, Ok(found));
    }
}
