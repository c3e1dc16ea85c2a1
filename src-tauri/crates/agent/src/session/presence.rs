use std::time::Duration;

use sidetone_profile::Channel;

use crate::view::elapsed_ms;
use crate::{ChannelPresenceView, PresenceReport, PresenceState, PresenceView, Time};

/// After this long an unanswered request no longer holds up the button.
const PATIENCE: Duration = Duration::from_secs(15);

/// Ready or paused, by the server's word only.
#[derive(Debug)]
pub(super) struct Presence {
    report: PresenceReport,
    /// When the report came: the ages in it hold at this time.
    at: Time,
    /// What was asked for and is not confirmed.
    asked: Vec<Asked>,
}

#[derive(Debug)]
struct Asked {
    /// `None` is every queue.
    channel: Option<Channel>,
    paused: bool,
    at: Time,
}

/// Nothing is known.
pub(super) fn unknown() -> PresenceView {
    PresenceView {
        state: PresenceState::Unknown,
        reason: None,
        pending: false,
        stale: false,
        online_for_ms: None,
        paused_for_ms: None,
        channels: Vec::new(),
    }
}

impl Presence {
    pub(super) fn new(now: Time, report: PresenceReport) -> Self {
        Self {
            report,
            at: now,
            asked: Vec::new(),
        }
    }

    /// Paused for work of this channel: on every queue, or on this channel alone.
    pub(super) fn paused_on(&self, channel: Channel) -> bool {
        self.report.online
            && (self.report.paused
                || self
                    .report
                    .channels
                    .iter()
                    .any(|known| known.channel == channel && known.paused))
    }

    /// The server lists this channel as one that can be paused alone.
    pub(super) fn has(&self, channel: Channel) -> bool {
        self.report
            .channels
            .iter()
            .any(|known| known.channel == channel)
    }

    pub(super) fn asked_for(&mut self, now: Time, channel: Option<Channel>, paused: bool) {
        self.asked.retain(|asked| asked.channel != channel);
        self.asked.push(Asked {
            channel,
            paused,
            at: now,
        });
    }

    /// The server's word; a report that says something else than what was asked for was made before it.
    pub(super) fn reported(&mut self, now: Time, report: PresenceReport) {
        self.asked.retain(|asked| {
            let said = match asked.channel {
                None => Some(report.paused),
                Some(channel) => report
                    .channels
                    .iter()
                    .find(|known| known.channel == channel)
                    .map(|known| known.paused),
            };
            report.online && said.is_some_and(|said| said != asked.paused)
        });
        self.report = report;
        self.at = now;
    }

    /// No answer will come.
    pub(super) fn give_up(&mut self) {
        self.asked.clear();
    }

    /// `partial`: the server lets channels be paused one by one.
    pub(super) fn view(&self, now: Time, stale: bool, partial: bool) -> PresenceView {
        let since_report = elapsed_ms(now, self.at);
        let online = self.report.online;
        let paused = online && self.report.paused;
        PresenceView {
            state: match (online, paused) {
                (false, _) => PresenceState::Unknown,
                (true, true) => PresenceState::Paused,
                (true, false) => PresenceState::Ready,
            },
            reason: self.report.reason.clone().filter(|_| paused),
            pending: self.pending(now, None),
            stale,
            online_for_ms: online.then(|| self.report.online_for_ms.saturating_add(since_report)),
            paused_for_ms: paused.then(|| self.report.paused_for_ms.saturating_add(since_report)),
            channels: if online && partial {
                self.channels(now, since_report)
            } else {
                Vec::new()
            },
        }
    }

    fn channels(&self, now: Time, since_report: u64) -> Vec<ChannelPresenceView> {
        let shown = self
            .report
            .channels
            .iter()
            .map(|known| ChannelPresenceView {
                channel: known.channel,
                paused: known.paused,
                reason: known.reason.clone().filter(|_| known.paused),
                pending: self.pending(now, Some(known.channel)),
                paused_for_ms: known
                    .paused
                    .then(|| known.paused_for_ms.saturating_add(since_report)),
            });
        shown.collect()
    }

    fn pending(&self, now: Time, channel: Option<Channel>) -> bool {
        self.asked
            .iter()
            .any(|asked| asked.channel == channel && now - asked.at < PATIENCE)
    }
}
