//! Addresses of STUN and TURN servers as they are configured (RFC 7064, RFC 7065).

/// How packets get to a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Carriage {
    Udp,
    Tcp,
    Tls,
}

/// A STUN or TURN server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ServerUrl {
    /// Name or address, without the brackets of IPv6.
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) carriage: Carriage,
    /// Whether it relays; otherwise it only tells addresses.
    pub(crate) turn: bool,
}

impl ServerUrl {
    /// Reads `stun:`, `turn:` and `turns:`; what we cannot speak is an error in words.
    pub(crate) fn parse(url: &str) -> Result<Self, &'static str> {
        const UNKNOWN: &str = "it is not the address of a STUN or TURN server";
        let (scheme, rest) = url.split_once(':').ok_or(UNKNOWN)?;
        let (authority, query) = rest.split_once('?').unwrap_or((rest, ""));
        let transport = query
            .split('&')
            .find_map(|pair| pair.strip_prefix("transport="));
        let (carriage, turn) = match (scheme.to_ascii_lowercase().as_str(), transport) {
            ("stun", None) => (Carriage::Udp, false),
            ("turn", None | Some("udp")) => (Carriage::Udp, true),
            ("turn", Some("tcp")) => (Carriage::Tcp, true),
            ("turns", None | Some("tcp")) => (Carriage::Tls, true),
            ("turns", Some("udp")) => return Err("TURN over DTLS is not used, only over TLS"),
            ("stuns", _) => return Err("STUN over TLS is not used, only over UDP"),
            _ => return Err(UNKNOWN),
        };
        let default = if carriage == Carriage::Tls {
            5349
        } else {
            3478
        };
        let (host, port) = if let Some(address) = authority.strip_prefix('[') {
            let (host, port) = address.split_once(']').ok_or(UNKNOWN)?;
            (host, port.strip_prefix(':'))
        } else if authority.matches(':').count() > 1 {
            // An IPv6 address without brackets is no URL, but what is meant is clear.
            (authority, None)
        } else {
            match authority.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (authority, None),
            }
        };
        let port = match port {
            Some(port) => port.parse().map_err(|_| "its port is not a number")?,
            None => default,
        };
        if host.is_empty() {
            return Err(UNKNOWN);
        }
        Ok(Self {
            host: host.to_owned(),
            port,
            carriage,
            turn,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_address_is_read() {
        use Carriage::{Tcp, Tls, Udp};
        for (url, host, port, carriage, turn) in [
            (
                "stun:stun.example.com",
                "stun.example.com",
                3478,
                Udp,
                false,
            ),
            (
                "stun:stun.example.com:19302",
                "stun.example.com",
                19302,
                Udp,
                false,
            ),
            ("STUN:[2001:db8::1]", "2001:db8::1", 3478, Udp, false),
            (
                "turn:192.0.2.7:80?transport=udp",
                "192.0.2.7",
                80,
                Udp,
                true,
            ),
            ("turn:192.0.2.7?transport=tcp", "192.0.2.7", 3478, Tcp, true),
            (
                "turn:[2001:db8::1]:443?transport=tcp",
                "2001:db8::1",
                443,
                Tcp,
                true,
            ),
            (
                "turns:turn.example.com",
                "turn.example.com",
                5349,
                Tls,
                true,
            ),
            (
                "turns:turn.example.com:443?transport=tcp",
                "turn.example.com",
                443,
                Tls,
                true,
            ),
            ("turn:2001:db8::1", "2001:db8::1", 3478, Udp, true),
        ] {
            let expected = ServerUrl {
                host: host.to_owned(),
                port,
                carriage,
                turn,
            };
            assert_eq!(ServerUrl::parse(url), Ok(expected), "{url}");
        }
    }

    #[test]
    fn what_cannot_be_used_is_said() {
        for url in [
            "",
            "nonsense",
            "stun:",
            "turn:host:port",
            "turn:host:70000",
            "turn:[2001:db8::1",
            "turn:host?transport=sctp",
            "turns:host?transport=udp",
            "stuns:host",
            "https://host",
        ] {
            assert!(ServerUrl::parse(url).is_err(), "{url}");
        }
    }
}
