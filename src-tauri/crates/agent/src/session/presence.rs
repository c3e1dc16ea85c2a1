use std::time::Duration;

use crate::view::elapsed_ms;
use crate::{PresenceReport, PresenceState, PresenceView, Time};

/// After this long an unanswered request no longer holds up the button.
const PATIENCE: Duration = Duration::from_secs(15);

/// Ready or paused, by the server's word only.
#[derive(Debug)]
pub(super) struct Presence {
    report: PresenceReport,
    /// When the report came: the ages in it hold at this time.
    at: Time,
    /// What was asked for and when.
    asked: Option<Asked>,
}

#[derive(Debug)]
struct Asked {
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
            asked: None,
        }
    }

    pub(super) fn paused(&self) -> bool {
        self.report.online && self.report.paused
    }

    pub(super) fn asked_for(&mut self, now: Time, paused: bool) {
        self.asked = Some(Asked { paused, at: now });
    }

    /// The server's word; a report that says something else than what was asked for was made before it.
    pub(super) fn reported(&mut self, now: Time, report: PresenceReport) {
        if let Some(asked) = &self.asked
            && (asked.paused == report.paused || !report.online)
        {
            self.asked = None;
        }
        self.report = report;
        self.at = now;
    }

    /// No answer will come.
    pub(super) fn give_up(&mut self) {
        self.asked = None;
    }

    pub(super) fn view(&self, now: Time, stale: bool) -> PresenceView {
        let since_report = elapsed_ms(now, self.at);
        let pending = self
            .asked
            .as_ref()
            .is_some_and(|asked| now - asked.at < PATIENCE);
        let online = self.report.online;
        let paused = self.paused();
        PresenceView {
            state: match (online, paused) {
                (false, _) => PresenceState::Unknown,
                (true, true) => PresenceState::Paused,
                (true, false) => PresenceState::Ready,
            },
            reason: self.report.reason.clone().filter(|_| paused),
            pending,
            stale,
            online_for_ms: online.then(|| self.report.online_for_ms.saturating_add(since_report)),
            paused_for_ms: paused.then(|| self.report.paused_for_ms.saturating_add(since_report)),
            channels: Vec::new(),
        }
    }
}
