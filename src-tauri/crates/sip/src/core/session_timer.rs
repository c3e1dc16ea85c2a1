//! Session timers (RFC 4028): who refreshes, when, and when to give up.

use std::time::{Duration, Instant};

use super::Core;
use super::address::param;
use super::call::{Offer, Phase};
use super::message::Message;
use super::transaction::Owner;
use crate::api::{DialogEnd, DialogId};

/// Shortest session interval that we accept, in seconds (RFC 4028 §5).
const LEAST: u32 = 90;

/// The agreed session interval of a call.
pub(crate) struct SessionTimer {
    pub(super) interval: u32,
    pub(super) we_refresh: bool,
    /// When to refresh, or when to hang up because nobody did.
    pub(super) at: Instant,
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
        }
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
        if session.we_refresh {
            session.at = now + Duration::from_secs(u64::from(session.interval)) / 2;
            self.refresh_session(now, dialog);
        } else {
            let words = "the far end stopped refreshing the call".to_owned();
            self.end(dialog, DialogEnd::Unreachable(words));
            self.bye(now, dialog, None);
        }
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
