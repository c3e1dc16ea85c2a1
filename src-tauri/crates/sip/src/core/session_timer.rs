//! Session timers (RFC 4028): who refreshes, when, and when to give up.

use std::time::{Duration, Instant};

use super::Core;
use super::address::param;
use super::call::{Offer, Phase};
use super::message::Message;
use super::transaction::Owner;
use crate::api::{DialogEnd, DialogId};

/// Shortest session interval that we accept and ask for, in seconds (RFC 4028 §5).
pub(super) const LEAST: u32 = 90;
/// What we ask for unless told otherwise; the far end may want less.
pub(super) const WANTED: u32 = 1800;

/// The agreed session interval of a call.
pub(crate) struct SessionTimer {
    pub(super) interval: u32,
    pub(super) we_refresh: bool,
    /// When to refresh, or when to hang up because nobody did.
    pub(super) at: Instant,
    /// When the far end gives the call up unless it was refreshed.
    ends: Instant,
}

/// The interval to ask for when the request's is too small.
pub(super) fn too_small(request: &Message) -> Option<u32> {
    let asked = request.number("Session-Expires")?;
    (asked < LEAST && request.has_token("Supported", "timer")).then_some(LEAST)
}

impl SessionTimer {
    fn new(now: Instant, interval: u32, we_refresh: bool) -> Self {
        let interval = interval.max(LEAST);
        let whole = Duration::from_secs(u64::from(interval));
        let wait = if we_refresh {
            whole / 2
        } else {
            whole - (whole / 3).min(Duration::from_secs(32))
        };
        Self {
            interval,
            we_refresh,
            at: now + wait,
            ends: now + whole,
        }
    }

    /// A refresh of ours was taken.
    pub(super) fn refreshed(&mut self, now: Instant) {
        *self = Self::new(now, self.interval, self.we_refresh);
    }

    /// As a 2xx to our request sets it.
    pub(super) fn of_response(now: Instant, response: &Message) -> Option<Self> {
        let value = response.get("Session-Expires")?;
        let interval = response.number("Session-Expires")?;
        let we_refresh = param(value, "refresher").is_none_or(|r| r.eq_ignore_ascii_case("uac"));
        Some(Self::new(now, interval, we_refresh))
    }

    /// Answers their request for a session timer in our 2xx.
    pub(super) fn of_request(now: Instant, request: &Message, reply: &mut Message) -> Option<Self> {
        let value = request.get("Session-Expires")?;
        let interval = request.number("Session-Expires")?.max(LEAST);
        let they_can = request.has_token("Supported", "timer");
        let they_refresh = match param(value, "refresher") {
            Some(refresher) => refresher.eq_ignore_ascii_case("uac"),
            None => they_can,
        };
        let refresher = if they_refresh { "uac" } else { "uas" };
        reply.push(
            "Session-Expires",
            format!("{interval};refresher={refresher}"),
        );
        if they_refresh && they_can {
            reply.push("Require", "timer");
        }
        Some(Self::new(now, interval, !they_refresh))
    }

    pub(super) fn header(&self) -> String {
        let refresher = if self.we_refresh { "uac" } else { "uas" };
        format!("{};refresher={refresher}", self.interval)
    }
}

impl Core {
    pub(super) fn session_timeout(&mut self, now: Instant, dialog: DialogId) {
        let Some(call) = self.calls.get_mut(&dialog) else {
            return;
        };
        let Some(session) = &mut call.session else {
            return;
        };
        if session.at > now || !matches!(call.phase, Phase::Up) {
            return;
        }
        if session.we_refresh && now < session.ends {
            // Tried again in good time when this one fails, and given up with the interval.
            let rest = session.ends.saturating_duration_since(now);
            session.at = now + (rest / 2).max(Duration::from_secs(5)).min(rest);
            self.refresh_session(now, dialog);
        } else {
            let words = if session.we_refresh {
                "the call could not be refreshed"
            } else {
                "the far end stopped refreshing the call"
            };
            self.end(dialog, DialogEnd::Unreachable(words.to_owned()));
            self.bye(now, dialog, None);
        }
    }

    /// 422: the far end names the shortest interval that it takes. `false`: it is no help.
    pub(super) fn wants_longer_session(&mut self, dialog: DialogId, response: &Message) -> bool {
        let Some(call) = self.calls.get_mut(&dialog) else {
            return false;
        };
        let least = response.number("Min-SE").unwrap_or(0);
        if least <= call.least_session {
            return false;
        }
        call.least_session = least;
        if let Some(session) = &mut call.session {
            session.interval = session.interval.max(least);
        }
        true
    }

    /// Refreshes session and target without changing the media: UPDATE without SDP where it is understood,
    /// else a re-INVITE with what we offered or answered last.
    pub(super) fn refresh_session(&mut self, now: Instant, dialog: DialogId) {
        let Some(call) = self.calls.get_mut(&dialog) else {
            return;
        };
        let header = call.session.as_ref().map(SessionTimer::header);
        if call.far_end_takes_update {
            self.send_in_dialog(now, dialog, "UPDATE", Owner::Update(dialog), |update| {
                if let Some(header) = header {
                    update.push("Session-Expires", header);
                }
            });
            return;
        }
        if let (Offer::None, Some(sdp)) = (&call.offer, call.local_sdp.clone())
            && call.unacked.is_none()
        {
            self.send_offer(now, dialog, sdp, true);
        }
    }
}
