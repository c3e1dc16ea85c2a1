//! Who registers where.

use sidetone_profile::Secret;

/// Where the registrar is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServerAddress {
    /// SIP over (secure) WebSocket; the URL with its path, `wss://host:port/ws`.
    WebSocket(url::Url),
    /// SIP over UDP to host and port; port 0 asks the name service for the host's SRV records (RFC 3263).
    Udp(String, u16),
    /// SIP over TCP to host and port; port 0 as above.
    Tcp(String, u16),
    /// SIP over TLS to host and port; port 0 as above.
    Tls(String, u16),
    /// The servers of a domain, over the transport that its NAPTR and SRV records name; without any, UDP at port 5060.
    Domain(String),
}

/// A SIP account of the client role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// User part of the address of record.
    pub user: String,
    /// Domain of the address of record.
    pub domain: String,
    /// Display name of From; may be empty.
    pub display_name: String,
    /// Name and secret for digest authentication.
    pub credentials: Credentials,
    /// Where the registrar is.
    pub server: ServerAddress,
    /// Where else it is, tried in this order when the one before fails; `server` is gone back to.
    pub fallbacks: Vec<ServerAddress>,
    /// Registration expiry asked for, in seconds.
    pub expires_s: u32,
    /// `false`: do not register, only connect (fixed-host agents).
    pub register: bool,
    /// The UDP port at which the phone is to be reached; 0 is any. Who registers takes another while this one is
    /// taken; who does not register would be called in vain there, so that is a fault.
    pub local_port: u16,
    /// Requests ask for an answer to the port that they came from (RFC 3581), as a phone behind a NAT must.
    pub rport: bool,
}

impl Account {
    /// An account whose digest name is its user: it registers at this server alone for two minutes at a time, from any
    /// port, and as behind a NAT.
    #[must_use]
    pub fn new(user: &str, domain: &str, secret: Secret, server: ServerAddress) -> Self {
        Self {
            user: user.to_owned(),
            domain: domain.to_owned(),
            display_name: String::new(),
            credentials: Credentials {
                user: user.to_owned(),
                secret,
            },
            server,
            fallbacks: Vec::new(),
            expires_s: 120,
            register: true,
            local_port: 0,
            rport: true,
        }
    }
}

/// Name and secret for digest authentication.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// Digest user name.
    pub user: String,
    /// Digest secret.
    pub secret: Secret,
}

/// A display name and a URI, as in From and To.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NameAddr {
    /// Display name, unquoted; may be empty.
    pub display_name: String,
    /// User part, percent-decoded; may be empty.
    pub user: String,
    /// The whole URI.
    pub uri: String,
}
