use serde::Deserialize;
use sidetone_profile::Secret;

/// The agent's SIP account.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SipCredentials {
    /// SIP user.
    pub user: String,
    /// Digest secret.
    pub secret: Secret,
    /// Domain of the address of record.
    pub domain: String,
    /// Display name of From.
    #[serde(default)]
    pub display_name: Option<String>,
    /// SIP WebSocket of typology webrtc.
    #[serde(default)]
    pub wss_url: Option<String>,
    /// STUN and TURN servers.
    #[serde(default)]
    pub ice_servers: Vec<IceServer>,
    /// Transport of typology phonebar.
    #[serde(default)]
    pub transport: Option<SipTransport>,
    /// Registrar of typology phonebar; the domain when missing.
    #[serde(default)]
    pub host: Option<String>,
    /// Its port; 5060 (5061 for TLS) when missing.
    #[serde(default)]
    pub port: Option<u16>,
}

/// Transport of SIP without WebSocket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SipTransport {
    /// UDP.
    Udp,
    /// TCP.
    Tcp,
    /// TLS.
    Tls,
}

/// A STUN or TURN server.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct IceServer {
    /// Its addresses.
    pub urls: Vec<String>,
    /// TURN user.
    #[serde(default)]
    pub username: Option<String>,
    /// TURN secret.
    #[serde(default)]
    pub credential: Option<Secret>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_of_the_sip_account_do_not_show() {
        let account: SipCredentials = serde_json::from_str(
            r#"{"user":"1001","secret":"hunter2","domain":"cc.example","wssUrl":"wss://cc.example:8089/ws",
                "iceServers":[{"urls":["turn:t.example"],"username":"u","credential":"hunter3"}]}"#,
        )
        .unwrap();
        let shown = format!("{account:?}");
        assert!(!shown.contains("hunter"), "{shown}");
        assert_eq!(account.secret.reveal(), "hunter2");
    }
}
