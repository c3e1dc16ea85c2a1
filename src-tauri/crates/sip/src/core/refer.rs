//! Transfers that we ask for: REFER and the subscription that it opens (RFC 3515, RFC 3891, RFC 4488, RFC 5589).

use std::time::{Duration, Instant};

use super::Core;
use super::address::{param, percent_encoded, uri_of, write_name_addr};
use super::call::Phase;
use super::invite_client::request_uri;
use super::message::{Message, Start, reason_phrase};
use super::transaction::{Answer, Owner, PATIENCE, TxKey};
use crate::api::{DialogId, Event, SipError};

/// How long a transfer may go on when its NOTIFY names no time.
const TRANSFER_PATIENCE: Duration = Duration::from_secs(180);

/// A transfer under way.
pub(crate) struct Refer {
    /// The consultation call that it joins to this one.
    other: Option<DialogId>,
    /// What the far end told last.
    status: u16,
    /// The far end counts as silent then.
    pub(super) at: Instant,
}

impl Core {
    pub(crate) fn refer(
        &mut self,
        now: Instant,
        dialog: DialogId,
        target: &str,
        replaces: Option<DialogId>,
    ) -> Result<(), SipError> {
        let call = self.answered_call(dialog)?;
        if call.orphaned.is_some() {
            return Err(SipError::WrongState("the connection is lost"));
        }
        if call.refer.is_some() {
            return Err(SipError::WrongState("a transfer is under way"));
        }
        let mut uri = match replaces {
            Some(other) if target.is_empty() => {
                uri_of(&self.answered_call(other)?.remote).to_owned()
            }
            _ => request_uri(target, &self.domain_of(dialog))?,
        };
        if let Some(other) = replaces {
            let other = self.answered_call(other)?;
            // Named as the one who is called will see it: its own tag is the to-tag (RFC 3891 §3).
            let value = format!(
                "{};to-tag={};from-tag={}",
                other.call_id, other.leg.tag, other.local_tag
            );
            uri.push(if uri.contains('?') { '&' } else { '?' });
            uri.push_str("Replaces=");
            uri.push_str(&percent_encoded(&value));
        }
        let by = write_name_addr("", uri_of(&call.local));
        let sent = self.send_in_dialog(now, dialog, "REFER", Owner::Refer(dialog), |refer| {
            refer.push("Refer-To", format!("<{uri}>"));
            refer.push("Referred-By", by);
        });
        if sent.is_none() {
            return Err(SipError::WrongState("the connection is lost"));
        }
        if let Some(call) = self.calls.get_mut(&dialog) {
            call.refer = Some(Refer {
                other: replaces,
                status: 100,
                at: now + PATIENCE,
            });
        }
        Ok(())
    }

    pub(super) fn refer_answered(
        &mut self,
        now: Instant,
        dialog: DialogId,
        answer: &Answer,
        response: &Message,
    ) {
        let status = response.status();
        match status {
            ..=199 => {}
            200..=299 => {
                // RFC 4488: the far end tells nothing of how it goes on.
                let silent = response
                    .get("Refer-Sub")
                    .is_some_and(|v| v.split(';').next().unwrap_or_default().trim() == "false");
                if silent {
                    self.refer_done(now, dialog, status, response.reason());
                } else if let Some(refer) = self.refer_of(dialog) {
                    refer.at = refer.at.max(now + PATIENCE);
                }
            }
            401 | 407 if self.send_authorized(now, answer, response).is_some() => {}
            _ => {
                self.refer_done(now, dialog, status, response.reason());
                if status == 481 {
                    self.dialog_lost(now, dialog, status);
                }
            }
        }
    }

    pub(super) fn refer_expired(&mut self, now: Instant, dialog: DialogId, flow_lost: bool) {
        let status = if flow_lost { 503 } else { 408 };
        self.refer_done(now, dialog, status, reason_phrase(status).to_owned());
    }

    /// Nothing was told in time.
    pub(super) fn refer_timeout(&mut self, now: Instant, dialog: DialogId) {
        self.refer_expired(now, dialog, false);
    }

    /// NOTIFY of the subscription that our REFER opened.
    pub(super) fn refer_notified(
        &mut self,
        now: Instant,
        dialog: DialogId,
        key: &TxKey,
        request: &Message,
    ) {
        let over = self
            .calls
            .get(&dialog)
            .is_none_or(|call| call.refer.is_none());
        // One that comes after the end is acknowledged all the same, or it would be repeated.
        self.refuse(now, key, request, 200);
        if over {
            return;
        }
        let state = request.get("Subscription-State").unwrap_or_default();
        let kind = state.split(';').next().unwrap_or_default().trim();
        let terminated = kind.eq_ignore_ascii_case("terminated");
        let told = sipfrag(request);
        let lasts = param(state, "expires").and_then(|s| s.parse().ok());
        let Some(refer) = self.refer_of(dialog) else {
            return;
        };
        let lasts = lasts.map_or(TRANSFER_PATIENCE, |s: u32| {
            Duration::from_secs(u64::from(s)).clamp(PATIENCE, TRANSFER_PATIENCE * 4)
        });
        refer.at = now + lasts;
        let (status, reason) =
            told.unwrap_or_else(|| (refer.status, reason_phrase(refer.status).to_owned()));
        let news = std::mem::replace(&mut refer.status, status) != status;
        if terminated || status >= 200 {
            self.refer_done(now, dialog, status, reason);
        } else if news || status == 100 {
            self.event(Event::ReferProgress {
                dialog,
                status,
                reason,
                done: false,
            });
        }
    }

    /// Tells the end of a transfer, once, and hangs up when the far end is with somebody else now.
    fn refer_done(&mut self, now: Instant, dialog: DialogId, status: u16, reason: String) {
        let Some(refer) = self
            .calls
            .get_mut(&dialog)
            .and_then(|call| call.refer.take())
        else {
            return;
        };
        self.event(Event::ReferProgress {
            dialog,
            status,
            reason,
            done: true,
        });
        if (200..300).contains(&status) {
            for over in [Some(dialog), refer.other].into_iter().flatten() {
                // The far end's BYE may have been faster.
                let _ = self.hang_up(now, over, None);
            }
        }
    }

    fn refer_of(&mut self, dialog: DialogId) -> Option<&mut Refer> {
        self.calls.get_mut(&dialog)?.refer.as_mut()
    }

    pub(super) fn answered_call(&self, dialog: DialogId) -> Result<&super::call::Call, SipError> {
        let call = self.calls.get(&dialog).filter(|call| !call.ended);
        let call = call.ok_or(SipError::NoSuchDialog)?;
        match call.phase {
            Phase::Up => Ok(call),
            _ => Err(SipError::WrongState("the call is not answered")),
        }
    }

    /// The domain that a plain number belongs to when it is named within this call.
    pub(super) fn domain_of(&self, dialog: DialogId) -> String {
        let call = self.calls.get(&dialog);
        match (&self.registration, call) {
            (Some(registration), Some(call)) if call.account => registration.account.domain.clone(),
            (_, Some(call)) => super::address::host_of(uri_of(&call.local)).to_owned(),
            _ => String::new(),
        }
    }
}

/// Status and reason of a `message/sipfrag` body (RFC 3420).
pub(super) fn sipfrag(notify: &Message) -> Option<(u16, String)> {
    let kind = notify.get("Content-Type")?.to_ascii_lowercase();
    if !kind.starts_with("message/sipfrag") {
        return None;
    }
    let body = String::from_utf8_lossy(&notify.body);
    match Start::parse(body.lines().next()?.trim_end())? {
        Start::Response { status, reason } if reason.is_empty() => {
            Some((status, reason_phrase(status).to_owned()))
        }
        Start::Response { status, reason } => Some((status, reason)),
        Start::Request { .. } => None,
    }
}
