use serde::Deserialize;
use sidetone_profile::Secret;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::fault::Fault;

/// The server's word on the agent's presence, with ages by the server's own clock.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Presence {
    /// Signed in to the queues.
    pub online: bool,
    /// Paused on every queue.
    pub paused: bool,
    /// Reason of the pause.
    pub reason: Option<String>,
    /// Milliseconds since the agent signed in.
    pub online_for_ms: u64,
    /// Milliseconds since the pause began.
    pub paused_for_ms: u64,
}

/// A reason to pause for.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct PauseReason {
    /// The server's identifier.
    pub id: i64,
    /// Shown to the agent.
    pub name: String,
}

/// One queue of the agent.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Queue {
    /// The server's identifier.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// Customers waiting, when the server says so.
    #[serde(default)]
    pub waiting: Option<u32>,
}

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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
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

/// A list: `{count, rows}`, or a bare array.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum List<T> {
    Rows { rows: Vec<T> },
    Bare(Vec<T>),
}

impl<T> List<T> {
    pub(crate) fn into_rows(self) -> Vec<T> {
        match self {
            Self::Rows { rows } | Self::Bare(rows) => rows,
        }
    }
}

/// The answer to a sign-in.
#[derive(Debug, Deserialize)]
pub(crate) struct Token {
    pub(crate) token: Secret,
    /// Seconds; absent when it holds until the server says otherwise.
    #[serde(default, rename = "expiresIn")]
    pub(crate) expires_in: Option<u64>,
}

/// An error document (RFC 9457).
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Problem {
    #[serde(default)]
    pub(crate) code: String,
    #[serde(default)]
    pub(crate) title: String,
    #[serde(default)]
    pub(crate) detail: String,
}

impl Problem {
    /// The server's sentence, or its title when it has none.
    pub(crate) fn sentence(self) -> String {
        if self.detail.is_empty() {
            self.title
        } else {
            self.detail
        }
    }
}

/// The presence object as it is on the wire.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PresenceDocument {
    online: bool,
    paused: bool,
    #[serde(default)]
    pause_reason: Option<String>,
    #[serde(default)]
    online_since: Option<String>,
    #[serde(default)]
    paused_since: Option<String>,
    server_time: String,
}

impl PresenceDocument {
    /// Ages by the server's clock, so that a wrong clock here shows no wrong timer.
    pub(crate) fn into_presence(self) -> Result<Presence, Fault> {
        let now = instant("serverTime", &self.server_time)?;
        let age = |field, since: Option<&String>| -> Result<u64, Fault> {
            let Some(since) = since else { return Ok(0) };
            let ms = (now - instant(field, since)?).whole_milliseconds();
            Ok(u64::try_from(ms).unwrap_or(0))
        };
        Ok(Presence {
            online_for_ms: age("onlineSince", self.online_since.as_ref())?,
            paused_for_ms: age("pausedSince", self.paused_since.as_ref())?,
            online: self.online,
            paused: self.paused,
            reason: self.pause_reason,
        })
    }
}

fn instant(field: &str, text: &str) -> Result<OffsetDateTime, Fault> {
    OffsetDateTime::parse(text, &Rfc3339).map_err(|_| Fault::BadJson {
        job: "presence",
        line: 1,
        column: 1,
        fault: format!("{field} is not a time (RFC 3339): {}", shortened(text)),
    })
}

/// At most 60 characters of what a server sent.
pub(crate) fn shortened(text: &str) -> String {
    let mut short: String = text.chars().take(60).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    fn presence(json: &str) -> Result<Presence, Fault> {
        serde_json::from_str::<PresenceDocument>(json)
            .unwrap()
            .into_presence()
    }

    #[test]
    fn ages_follow_the_servers_clock_and_any_offset() {
        let got = presence(
            r#"{"online":true,"paused":true,"pauseReason":"Lunch","onlineSince":"2031-05-01T08:00:00Z",
                "pausedSince":"2031-05-01T12:00:00.250+02:00","serverTime":"2031-05-01T10:01:30.750Z","channels":{}}"#,
        )
        .unwrap();
        assert_eq!(got.online_for_ms, (2 * 3600 + 90) * 1000 + 750);
        assert_eq!(got.paused_for_ms, 90_500);
        assert_eq!(got.reason.as_deref(), Some("Lunch"));
    }

    #[test]
    fn a_pause_from_the_future_is_zero_old_and_a_bad_time_is_named() {
        let ahead = presence(
            r#"{"online":true,"paused":true,"pausedSince":"2031-05-01T10:00:01Z","serverTime":"2031-05-01T10:00:00Z"}"#,
        );
        assert_eq!(ahead.unwrap().paused_for_ms, 0);
        let bad = presence(r#"{"online":true,"paused":false,"serverTime":"noon"}"#).unwrap_err();
        assert!(bad.to_string().contains("serverTime"), "{bad}");
        assert!(bad.to_string().contains("noon"), "{bad}");
    }

    #[test]
    fn lists_come_wrapped_or_bare() {
        for json in [
            r#"{"count":1,"rows":[{"id":3,"name":"Lunch"}]}"#,
            r#"[{"id":3,"name":"Lunch"}]"#,
        ] {
            let rows = serde_json::from_str::<List<PauseReason>>(json)
                .unwrap()
                .into_rows();
            assert_eq!(rows[0].name, "Lunch");
        }
    }

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
