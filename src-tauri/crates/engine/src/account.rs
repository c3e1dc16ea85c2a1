use std::net::IpAddr;

use sidetone_media::{IceServer, KeyingPlan, MediaConfig};
use sidetone_motion::{SipCredentials, SipTransport};
use sidetone_profile::{Encryption, Host, Nat, Profile, Typology};
use sidetone_sip::{Account, Credentials, ServerAddress};
use url::Url;

/// What the phone needs to be reached and to make sound, from the profile and the SIP account.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    /// For `sip`.
    pub(crate) account: Account,
    /// For `media`, with no address to bind to yet.
    pub(crate) media: MediaConfig,
}

impl Line {
    /// Puts profile and SIP account together, or says in words what cannot work.
    pub(crate) fn of(profile: &Profile, sip: &SipCredentials) -> Result<Self, String> {
        let server = match profile.account.typology {
            Typology::Webrtc => websocket(profile, sip)?,
            Typology::Phonebar => socket(profile, sip),
            Typology::External | Typology::Mobile => {
                return Err("this kind of phone is not on this computer".to_owned());
            }
        };
        let user = if sip.user.is_empty() {
            profile.account.internal.clone()
        } else {
            sip.user.clone()
        };
        if user.is_empty() {
            return Err("the server gives neither a SIP user nor an extension".to_owned());
        }
        if sip.domain.is_empty() {
            return Err("the server gives no SIP domain".to_owned());
        }
        let display_name = profile
            .voice
            .caller_id
            .as_ref()
            .map(|id| id.name.clone())
            .filter(|name| !name.is_empty())
            .or_else(|| sip.display_name.clone())
            .unwrap_or_else(|| profile.account.full_name.clone());
        // A connection to the server comes from any port; only datagrams are answered where the phone listens.
        let local_port = match server {
            ServerAddress::Udp(..) => profile.voice.listen_port,
            _ => 0,
        };
        let account = Account {
            credentials: Credentials {
                user: user.clone(),
                secret: sip.secret.clone(),
            },
            user,
            domain: sip.domain.clone(),
            display_name,
            server,
            fallbacks: Vec::new(),
            expires_s: profile.voice.expires_s,
            register: profile.voice.host == Host::Dynamic,
            local_port,
            // Whoever is not told that there is a NAT is answered at the address that the Via names. `no` lets the
            // far end ask for `rport`, which is always answered; `never`, `route` and `comedia` do not send it either.
            rport: matches!(profile.voice.nat, Nat::Yes | Nat::ForceRport),
        };
        let plan = match (profile.account.typology, profile.voice.encryption) {
            (Typology::Phonebar, Encryption::No) => KeyingPlan::Plain,
            (Typology::Phonebar, Encryption::Yes) => KeyingPlan::Sdes,
            _ => KeyingPlan::Webrtc,
        };
        let media = MediaConfig {
            codecs: profile.voice.codecs.clone(),
            plan,
            ice_servers: sip.ice_servers.iter().map(ice_server).collect(),
            tls: None,
            bind: Vec::new(),
            latch: matches!(profile.voice.nat, Nat::Yes | Nat::Comedia),
        };
        Ok(Self { account, media })
    }

    /// The media settings once it is known from which address the registrar is reached.
    ///
    /// A registrar on this machine is reached over loopback, which ICE leaves out by itself; plain RTP must be
    /// received where SIP is.
    pub(crate) fn media_from(&self, local: Option<IpAddr>) -> MediaConfig {
        let mut media = self.media.clone();
        if let Some(local) = local
            && (local.is_loopback() || media.plan != KeyingPlan::Webrtc)
        {
            media.bind = vec![local];
        }
        media
    }
}

fn websocket(profile: &Profile, sip: &SipCredentials) -> Result<ServerAddress, String> {
    let text = match sip.wss_url.as_deref() {
        Some(url) if !url.is_empty() => url.to_owned(),
        _ => {
            let host = sip.host.as_deref().unwrap_or(&sip.domain);
            format!("wss://{host}:{}/ws", profile.webrtc.wss_port)
        }
    };
    match Url::parse(&text) {
        Ok(url) if url.scheme() == "wss" && url.has_host() => Ok(ServerAddress::WebSocket(url)),
        Ok(url) if url.scheme() == "ws" => Err(format!(
            "{text} would send calls unencrypted; the address must begin with wss://"
        )),
        _ => Err(format!(
            "{text} is not the address of a SIP WebSocket (wss://host:port/ws)"
        )),
    }
}

/// The outbound proxy takes everything where there is one; the addresses in the messages stay those of the domain.
fn socket(profile: &Profile, sip: &SipCredentials) -> ServerAddress {
    let (host, port) = match profile.voice.outbound_proxy.as_deref() {
        Some(proxy) => host_and_port(proxy),
        None => (sip.host.as_deref().unwrap_or(&sip.domain), sip.port),
    };
    let host = host.to_owned();
    match sip.transport.unwrap_or(SipTransport::Udp) {
        SipTransport::Udp => ServerAddress::Udp(host, port.unwrap_or(5060)),
        SipTransport::Tcp => ServerAddress::Tcp(host, port.unwrap_or(5060)),
        SipTransport::Tls => ServerAddress::Tls(host, port.unwrap_or(5061)),
    }
}

/// `host`, `host:port`, `[2001:db8::1]:port` or an IPv6 address alone.
fn host_and_port(address: &str) -> (&str, Option<u16>) {
    let (host, port) = match address.rsplit_once(':') {
        Some((host, digits)) if !host.contains(':') || host.ends_with(']') => {
            match digits.parse() {
                Ok(port) => (host, Some(port)),
                Err(_) => (address, None),
            }
        }
        _ => (address, None),
    };
    (host.trim_matches(['[', ']']), port)
}

fn ice_server(server: &sidetone_motion::IceServer) -> IceServer {
    IceServer {
        urls: server.urls.clone(),
        username: server.username.clone(),
        credential: server.credential.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sidetone_profile::wire;

    use super::*;

    fn profile(more: serde_json::Value) -> Profile {
        let mut document = json!({
            "id": 7, "name": "anna", "fullname": "Anna Example", "internal": "1001",
            "allow": ["opus", "alaw"], "wssPort": 8090,
        });
        let fields = document.as_object_mut().unwrap();
        fields.extend(more.as_object().unwrap().clone());
        wire::read(&document).unwrap().0
    }

    fn sip(more: serde_json::Value) -> SipCredentials {
        let mut document = json!({ "user": "1001", "secret": "s", "domain": "cc.example" });
        let fields = document.as_object_mut().unwrap();
        fields.extend(more.as_object().unwrap().clone());
        serde_json::from_value(document).unwrap()
    }

    #[test]
    fn each_kind_of_phone_has_its_transport_and_keying() {
        let cases = [
            (
                json!({}),
                json!({ "wssUrl": "wss://edge.example:7443/ws" }),
                ServerAddress::WebSocket("wss://edge.example:7443/ws".parse().unwrap()),
                KeyingPlan::Webrtc,
            ),
            (
                json!({}),
                json!({}),
                ServerAddress::WebSocket("wss://cc.example:8090/ws".parse().unwrap()),
                KeyingPlan::Webrtc,
            ),
            (
                json!({ "typology": "phonebar", "encryption": "no" }),
                json!({ "transport": "tcp", "host": "pbx.example", "port": 5070 }),
                ServerAddress::Tcp("pbx.example".to_owned(), 5070),
                KeyingPlan::Plain,
            ),
            (
                json!({ "typology": "phonebar", "encryption": "yes" }),
                json!({ "transport": "tls" }),
                ServerAddress::Tls("cc.example".to_owned(), 5061),
                KeyingPlan::Sdes,
            ),
        ];
        for (agent, account, server, plan) in cases {
            let line = Line::of(&profile(agent), &sip(account)).unwrap();
            assert_eq!(line.account.server, server);
            assert_eq!(line.media.plan, plan);
            assert!(line.account.register);
        }
    }

    #[test]
    fn each_kind_of_nat_has_its_signalling_and_its_sound() {
        for (nat, rport, latch) in [
            ("yes", true, true),
            ("force_rport", true, false),
            ("comedia", false, true),
            ("no", false, false),
            ("never", false, false),
            ("route", false, false),
        ] {
            let line = Line::of(&profile(json!({ "nat": nat })), &sip(json!({}))).unwrap();
            assert_eq!(line.account.rport, rport, "{nat}");
            assert_eq!(line.media.latch, latch, "{nat}");
        }
        let unset = Line::of(&profile(json!({})), &sip(json!({}))).unwrap();
        assert!(unset.account.rport, "by default");
    }

    #[test]
    fn the_outbound_proxy_takes_the_place_of_the_server() {
        for (proxy, host, port) in [
            ("proxy.example", "proxy.example", 5060),
            ("proxy.example:5070", "proxy.example", 5070),
            ("192.0.2.7:5070", "192.0.2.7", 5070),
            ("[2001:db8::7]:5070", "2001:db8::7", 5070),
            ("2001:db8::7", "2001:db8::7", 5060),
        ] {
            let agent = json!({ "typology": "phonebar", "phoneBarOutboundProxy": proxy });
            let account = json!({ "host": "pbx.example", "port": 5090 });
            let line = Line::of(&profile(agent), &sip(account)).unwrap();
            let server = ServerAddress::Udp(host.to_owned(), port);
            assert_eq!(line.account.server, server, "{proxy}");
            assert_eq!(line.account.domain, "cc.example");
        }
    }

    #[test]
    fn an_agent_at_a_fixed_address_does_not_register() {
        let line = Line::of(&profile(json!({ "host": "192.0.2.7" })), &sip(json!({}))).unwrap();
        assert!(!line.account.register);
        assert_eq!(line.account.local_port, 0, "a WebSocket is not called");
        let agent = json!({ "typology": "phonebar", "encryption": "no", "host": "192.0.2.7",
            "phoneBarListenPort": 5170 });
        let line = Line::of(&profile(agent), &sip(json!({ "transport": "udp" }))).unwrap();
        assert!(!line.account.register);
        assert_eq!(line.account.local_port, 5170);
    }

    #[test]
    fn what_cannot_work_is_said() {
        for (agent, account, word) in [
            (
                json!({}),
                json!({ "wssUrl": "ws://edge.example/ws" }),
                "unencrypted",
            ),
            (json!({}), json!({ "wssUrl": "edge" }), "not the address"),
            (
                json!({}),
                json!({ "domain": "", "wssUrl": "wss://e.example/ws" }),
                "domain",
            ),
            (
                json!({ "internal": "" }),
                json!({ "user": "" }),
                "extension",
            ),
        ] {
            let fault = Line::of(&profile(agent), &sip(account)).unwrap_err();
            assert!(fault.contains(word), "{fault}");
        }
    }

    #[test]
    fn a_registrar_on_this_machine_is_met_on_loopback() {
        let line = Line::of(&profile(json!({})), &sip(json!({}))).unwrap();
        let loopback: IpAddr = "127.0.0.1".parse().unwrap();
        let lan: IpAddr = "192.0.2.9".parse().unwrap();
        assert_eq!(line.media_from(Some(loopback)).bind, [loopback]);
        assert!(line.media_from(Some(lan)).bind.is_empty());
        let plain = Line::of(&profile(json!({ "typology": "phonebar" })), &sip(json!({}))).unwrap();
        assert_eq!(plain.media_from(Some(lan)).bind, [lan]);
    }
}
