//! Transfers that the far end asks us for: REFER to us, and telling how it goes (RFC 3515 §2.4.4).

use std::time::Instant;

use super::Core;
use super::address::{name_addr, percent_decoded, uri_of};
use super::call::Phase;
use super::message::{Message, reason_phrase};
use super::transaction::{Answer, Owner, TxKey};
use crate::api::{DialogId, Event, ReferRequest, SipError};

/// A REFER that waits for the decision of those above.
pub(crate) struct Referred {
    key: TxKey,
    request: Message,
}

/// To whom a call of ours that a REFER asked for is reported.
#[derive(Clone, Copy)]
pub(crate) struct Report {
    to: DialogId,
    /// CSeq of the REFER, which tells several transfers in one dialog apart.
    seq: u32,
}

impl Core {
    pub(crate) fn allow_transfers(&mut self, allowed: bool) {
        self.transfers = allowed;
    }

    /// A REFER in a call.
    pub(super) fn referred(
        &mut self,
        now: Instant,
        dialog: DialogId,
        key: &TxKey,
        request: Message,
    ) {
        let Some(call) = self.calls.get(&dialog) else {
            return;
        };
        // Only whom the registrar, or our own challenge, vouches for may make this phone call somebody.
        let trusted = call.account || self.authenticator.is_some();
        if !self.transfers || !trusted || call.ended {
            self.refuse(now, key, &request, 603);
            return;
        }
        if call.referred.is_some() {
            self.refuse(now, key, &request, 491);
            return;
        }
        let targets = request.list("Refer-To");
        let [target] = targets.as_slice() else {
            let reply = request.reply(400);
            let words = "Bad Request: exactly one Refer-To is needed";
            self.reply(now, key, reply.with_reason(words));
            return;
        };
        let uri = uri_of(target);
        let (target, asked) = uri.split_once('?').unwrap_or((uri, ""));
        let mut headers: Vec<(String, String)> = asked
            .split('&')
            .filter_map(|field| field.split_once('='))
            // Nothing else may be put into our INVITE by the far end.
            .filter(|(name, _)| name.eq_ignore_ascii_case("Replaces"))
            .map(|(_, value)| ("Replaces".to_owned(), percent_decoded(value)))
            .collect();
        let by = request.get("Referred-By").map(str::to_owned);
        let replaces = headers
            .first()
            .and_then(|(_, value)| self.named_by_replaces(value));
        let referred_by = name_addr(by.as_deref().unwrap_or(&call.remote));
        headers.extend(by.map(|by| ("Referred-By".to_owned(), by)));
        let wish = ReferRequest {
            dialog,
            target: target.to_owned(),
            headers,
            referred_by,
            replaces,
        };
        if let Some(call) = self.calls.get_mut(&dialog) {
            call.referred = Some(Box::new(Referred {
                key: key.clone(),
                request,
            }));
        }
        self.event(Event::Referred(wish));
    }

    pub(crate) fn answer_refer(
        &mut self,
        now: Instant,
        dialog: DialogId,
        placed: Option<DialogId>,
    ) -> Result<(), SipError> {
        let call = self.calls.get_mut(&dialog).ok_or(SipError::NoSuchDialog)?;
        let Some(referred) = call.referred.take() else {
            return Err(SipError::WrongState("no transfer was asked for"));
        };
        let Referred { key, request } = *referred;
        let Some(placed) = placed else {
            self.refuse(now, &key, &request, 603);
            return Ok(());
        };
        let mut reply = self.call_reply(dialog, &request, 202);
        let wanted = request
            .get("Refer-Sub")
            .is_none_or(|v| !v.trim_start().to_ascii_lowercase().starts_with("false"));
        if !wanted {
            reply.push("Refer-Sub", "false");
        }
        self.reply(now, &key, reply);
        if wanted {
            let report = Report {
                to: dialog,
                seq: request.seq(),
            };
            self.report(now, report, 100, reason_phrase(100));
            match self.calls.get_mut(&placed) {
                Some(call) if matches!(call.phase, Phase::Up) => {
                    self.report(now, report, 200, reason_phrase(200));
                }
                Some(call) => call.report = Some(report),
                None => self.report(now, report, 503, reason_phrase(503)),
            }
        }
        Ok(())
    }

    /// Tells whoever asked for this call how it goes.
    pub(super) fn report_call(&mut self, now: Instant, placed: DialogId, status: u16) {
        let Some(call) = self.calls.get_mut(&placed) else {
            return;
        };
        let report = if status >= 200 {
            call.report.take()
        } else {
            call.report
        };
        if let Some(report) = report {
            self.report(now, report, status, reason_phrase(status));
        }
    }

    fn report(&mut self, now: Instant, report: Report, status: u16, reason: &str) {
        let state = if status >= 200 {
            "terminated;reason=noresource"
        } else {
            "active;expires=180"
        };
        let owner = Owner::Notify(report.to);
        self.send_in_dialog(now, report.to, "NOTIFY", owner, |notify| {
            notify.push("Event", format!("refer;id={}", report.seq));
            notify.push("Subscription-State", state);
            notify.push("Content-Type", "message/sipfrag;version=2.0");
            notify.body = format!("SIP/2.0 {status} {reason}\r\n").into_bytes();
        });
    }

    /// Final answers to NOTIFY, INFO and PRACK matter only when they ask for credentials.
    pub(super) fn notify_answered(&mut self, now: Instant, answer: &Answer, response: &Message) {
        if matches!(response.status(), 401 | 407) {
            // Without credentials that fit, the far end does without.
            let _ = self.send_authorized(now, answer, response);
        }
    }
}
