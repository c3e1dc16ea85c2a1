use serde::Deserialize;
use serde_json::{Map, Value};
use sidetone_profile::{Channel, ChannelPresence, PresenceReport};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::row::{flag, scalar};
use super::{bad, shortened};
use crate::fault::Fault;

/// The server's word on the agent's presence, and its clock.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Presence {
    /// With ages by the server's own clock.
    pub report: PresenceReport,
    /// The server's clock, in milliseconds since 1970.
    pub server_ms: u64,
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
    #[serde(default)]
    channels: Option<Map<String, Value>>,
}

impl PresenceDocument {
    /// Ages by the server's clock, so that a wrong clock here shows no wrong timer.
    pub(crate) fn into_presence(self) -> Result<Presence, Fault> {
        let now = instant("serverTime", &self.server_time)?;
        let age = |field, since: Option<&str>| -> Result<u64, Fault> {
            let Some(since) = since else { return Ok(0) };
            let ms = (now - instant(field, since)?).whole_milliseconds();
            Ok(u64::try_from(ms).unwrap_or(0))
        };
        let mut channels = Vec::new();
        for (name, state) in self.channels.iter().flatten() {
            let (Some(channel), Some(state)) = (channel_named(name), state.as_object()) else {
                tracing::debug!(channel = shortened(name), "unknown channel");
                continue;
            };
            let since = state.get("pausedSince").and_then(Value::as_str);
            channels.push(ChannelPresence {
                channel,
                paused: state.get("paused").and_then(flag).unwrap_or_default(),
                reason: state.get("pauseReason").and_then(scalar),
                paused_for_ms: age("pausedSince", since)?,
            });
        }
        channels.sort_by_key(|state| state.channel);
        channels.dedup_by_key(|state| state.channel);
        let report = PresenceReport {
            online_for_ms: age("onlineSince", self.online_since.as_deref())?,
            paused_for_ms: age("pausedSince", self.paused_since.as_deref())?,
            online: self.online,
            paused: self.paused,
            reason: self.pause_reason,
            channels,
        };
        Ok(Presence {
            report,
            server_ms: u64::try_from(now.unix_timestamp_nanos() / 1_000_000).unwrap_or(0),
        })
    }
}

fn instant(field: &str, text: &str) -> Result<OffsetDateTime, Fault> {
    OffsetDateTime::parse(text, &Rfc3339).map_err(|_| {
        let text = shortened(text);
        bad(
            "presence",
            format!("{field} is not a time (RFC 3339): {text}"),
        )
    })
}

/// The server's names of the channels.
const CHANNELS: [(Channel, &str); 7] = [
    (Channel::Voice, "voice"),
    (Channel::Chat, "chat"),
    (Channel::Email, "email"),
    (Channel::Sms, "sms"),
    (Channel::Openchannel, "openchannel"),
    (Channel::Fax, "fax"),
    (Channel::Whatsapp, "whatsapp"),
];

/// The channel of this name, however it is capitalised.
pub(super) fn channel_named(name: &str) -> Option<Channel> {
    CHANNELS
        .into_iter()
        .find(|(_, known)| known.eq_ignore_ascii_case(name.trim()))
        .map(|(channel, _)| channel)
}

/// The server's name of a channel.
#[must_use]
pub fn channel_name(channel: Channel) -> &'static str {
    CHANNELS
        .into_iter()
        .find(|(known, _)| *known == channel)
        .map_or("", |(_, name)| name)
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
        assert_eq!(got.report.online_for_ms, (2 * 3600 + 90) * 1000 + 750);
        assert_eq!(got.report.paused_for_ms, 90_500);
        assert_eq!(got.report.reason.as_deref(), Some("Lunch"));
        assert_eq!(got.server_ms, 1_935_396_090_750);
    }

    #[test]
    fn each_channel_has_its_own_pause() {
        let got = presence(
            r#"{"online":true,"paused":false,"serverTime":"2031-05-01T10:00:00Z","channels":{
                "chat":{"paused":true,"pauseReason":"Lunch","pausedSince":"2031-05-01T09:59:00Z"},
                "voice":{"paused":false,"pauseReason":null,"pausedSince":null},"pigeon":{"paused":true},"sms":7}}"#,
        )
        .unwrap();
        assert_eq!(
            got.report.channels,
            [
                ChannelPresence {
                    channel: Channel::Voice,
                    paused: false,
                    reason: None,
                    paused_for_ms: 0,
                },
                ChannelPresence {
                    channel: Channel::Chat,
                    paused: true,
                    reason: Some("Lunch".to_owned()),
                    paused_for_ms: 60_000,
                },
            ]
        );
    }

    #[test]
    fn a_pause_from_the_future_is_zero_old_and_a_bad_time_is_named() {
        let ahead = presence(
            r#"{"online":true,"paused":true,"pausedSince":"2031-05-01T10:00:01Z","serverTime":"2031-05-01T10:00:00Z"}"#,
        );
        assert_eq!(ahead.unwrap().report.paused_for_ms, 0);
        let bad = presence(r#"{"online":true,"paused":false,"serverTime":"noon"}"#).unwrap_err();
        assert!(bad.to_string().contains("serverTime"), "{bad}");
        assert!(bad.to_string().contains("noon"), "{bad}");
    }
}
