//! How an endpoint is set up.

use std::net::SocketAddr;
use std::sync::Arc;

use sidetone_profile::Secret;

/// How an [`Endpoint`] is set up.
#[derive(Clone, Default)]
pub struct EndpointConfig {
    /// `User-Agent` (client) or `Server`.
    pub user_agent: String,
    /// This installation's own UUID (RFC 5626 §4.1), kept by the caller across starts so that a registrar knows the
    /// phone again and replaces its old binding. Anything else than a UUID: a new one at each start.
    pub instance: Option<String>,
    /// TLS settings of outgoing WSS and TLS connections. The configured host name is what is verified.
    pub tls: Option<Arc<rustls::ClientConfig>>,
    /// Local address of UDP signalling of a client; `None` lets the system choose.
    pub udp_bind: Option<SocketAddr>,
    /// Where a server listens; a phone over WSS listens nowhere.
    pub listen: Vec<Listen>,
    /// Server role: who may register and call. `None` accepts no REGISTER and does not challenge.
    pub authenticator: Option<Arc<dyn Authenticator>>,
    /// Session interval to ask for in calls that we place, seconds (RFC 4028 §4); `None` is half an hour. Less than the
    /// RFC's 90 is taken as that.
    pub session_interval_s: Option<u32>,
}

/// A listening transport of the server role.
#[derive(Clone)]
pub enum Listen {
    /// SIP over UDP.
    Udp(SocketAddr),
    /// SIP over TCP.
    Tcp(SocketAddr),
    /// SIP over TLS.
    Tls(SocketAddr, Arc<rustls::ServerConfig>),
    /// SIP over WebSocket (RFC 7118), any path.
    Ws(SocketAddr),
    /// SIP over secure WebSocket (RFC 7118), any path.
    Wss(SocketAddr, Arc<rustls::ServerConfig>),
}

/// The server role's knowledge of its users.
pub trait Authenticator: Send + Sync {
    /// Realm of the challenge.
    fn realm(&self) -> String;
    /// The secret of a user; `None` refuses it.
    fn secret(&self, user: &str) -> Option<Secret>;

    /// Digest algorithms to challenge with, the preferred one first (RFC 8760). Only MD5 unless said otherwise:
    /// many phones, baresip 1.0 among them, give up when they meet one that they do not know.
    fn algorithms(&self) -> &[&'static str] {
        &["MD5"]
    }
}
