//! What the core knows of a connection or UDP remote address.

use std::net::SocketAddr;

use super::address::encoded_user;

/// Kind of transport, as it stands in Via.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TransportKind {
    Udp,
    Tcp,
    Tls,
    Ws,
    Wss,
}

impl TransportKind {
    pub(crate) const fn reliable(self) -> bool {
        !matches!(self, Self::Udp)
    }

    pub(crate) const fn via(self) -> &'static str {
        match self {
            Self::Udp => "UDP",
            Self::Tcp => "TCP",
            Self::Tls => "TLS",
            Self::Ws => "WS",
            Self::Wss => "WSS",
        }
    }

    const fn uri_param(self) -> &'static str {
        match self {
            Self::Udp => "",
            Self::Tcp => ";transport=tcp",
            Self::Tls => ";transport=tls",
            // RFC 7118 §5.2: also over TLS.
            Self::Ws | Self::Wss => ";transport=ws",
        }
    }
}

/// Where a client's datagrams leave from.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct UdpBind {
    /// This address; `None` is any.
    pub(crate) address: Option<SocketAddr>,
    /// This port; 0 is that of the address.
    pub(crate) port: u16,
    /// No other port will do.
    pub(crate) fixed: bool,
}

/// One connection, or one UDP remote address.
#[derive(Clone, Debug)]
pub(crate) struct Flow {
    pub(crate) kind: TransportKind,
    pub(crate) local: SocketAddr,
    pub(crate) remote: SocketAddr,
    /// We opened it; the account's registrar is at its end.
    pub(crate) outgoing: bool,
    /// Via host of a WebSocket client (RFC 7118 §5): it can't be reached by name or address.
    pub(crate) invalid_host: Option<String>,
    /// The address that the registrar gave this phone (RFC 5627).
    pub(crate) gruu: Option<String>,
    /// Requests ask for an answer to where they came from (RFC 3581).
    pub(crate) rport: bool,
}

impl Flow {
    pub(crate) fn host(&self) -> String {
        match &self.invalid_host {
            Some(host) => host.clone(),
            None => self.local.to_string(),
        }
    }

    pub(crate) fn via(&self, branch: &str) -> String {
        format!(
            "SIP/2.0/{} {};branch={branch}{}",
            self.kind.via(),
            self.host(),
            if self.rport { ";rport" } else { "" }
        )
    }

    /// Contact of calls: the GRUU, where the registrar gave one.
    pub(crate) fn contact(&self, user: &str) -> String {
        match &self.gruu {
            Some(gruu) => format!("<{gruu}>"),
            None => self.plain_contact(user),
        }
    }

    /// Contact of this connection.
    pub(crate) fn plain_contact(&self, user: &str) -> String {
        let user = encoded_user(user);
        let at = if user.is_empty() { "" } else { "@" };
        let ob = if self.outgoing { ";ob" } else { "" };
        format!(
            "<sip:{user}{at}{}{}{ob}>",
            self.host(),
            self.kind.uri_param()
        )
    }
}
