//! Calls that nobody sees and no sound device takes part in: feature codes, and the echo test.

use std::time::Duration;

use sidetone_media::{MediaError, Session};
use sidetone_sip::{CallTarget, DialogEnd, DialogId, Event};

use super::{Message, Phone, Prepared};

/// How long the far end may take to answer.
const PATIENCE: Duration = Duration::from_secs(15);

/// What a silent call is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    FeatureCode,
    EchoTest,
}

impl Purpose {
    /// Why a call that nobody hung up ended, in words.
    fn why(self, end: &DialogEnd, answered: bool) -> String {
        let (who, what) = match self {
            Self::FeatureCode => ("the PBX", "the feature code"),
            Self::EchoTest => ("the echo test", "the call"),
        };
        match end {
            DialogEnd::Refused { status, reason } => {
                format!("{who} refused {what} ({status} {reason})")
            }
            DialogEnd::Unreachable(fault) => fault.clone(),
            _ if answered => format!("{who} hung up"),
            _ => format!("{who} did not answer {what}"),
        }
    }
}

/// One silent call.
#[derive(Debug)]
pub(super) struct SilentCall {
    /// Its own: an alarm of one call means nothing to the next.
    number: u64,
    purpose: Purpose,
    pub(super) target: String,
    pub(super) session: Option<Session>,
    dialog: Option<DialogId>,
    answered: bool,
}

impl Phone {
    /// Calls a number of the account's server.
    ///
    /// # Errors
    /// Why it cannot be called.
    pub(super) fn call_silently(
        &mut self,
        purpose: Purpose,
        target: String,
    ) -> Result<(), &'static str> {
        let Some(line) = &self.line else {
            return Err("the phone is not registered");
        };
        let config = line.media_from(self.sip.local_ip());
        self.silent_count += 1;
        let number = self.silent_count;
        self.silent_calls.push(SilentCall {
            number,
            purpose,
            target,
            session: None,
            dialog: None,
            answered: false,
        });
        let tell = self.tell.clone();
        tokio::spawn(async move {
            let made = Session::offer(config).await;
            let made = made.map(|(session, sdp, events)| Prepared {
                session,
                sdp,
                events,
            });
            let _ = tell.send(Message::SilentReady(number, made));
        });
        Ok(())
    }

    /// The call can be placed, or cannot be.
    pub(super) async fn silent_ready(&mut self, number: u64, made: Result<Prepared, MediaError>) {
        let Some(call) = self.silent_call(number) else {
            if let Ok(made) = made {
                made.session.close();
            }
            return;
        };
        let Prepared { session, sdp, .. } = match made {
            Ok(made) => made,
            Err(fault) => return self.silent_failed(number, &fault.to_string()),
        };
        call.session = Some(session);
        let target = CallTarget::Account(call.target.clone());
        match self.sip.invite(target, sdp, Vec::new()).await {
            Ok(dialog) => {
                if let Some(call) = self.silent_call(number) {
                    call.dialog = Some(dialog);
                }
                self.silent_later(number, false, PATIENCE);
            }
            Err(fault) => self.silent_failed(number, &fault.to_string()),
        }
    }

    /// Takes what happens to a silent call; `true` when the event was of one.
    pub(super) fn silent_event(&mut self, event: &Event) -> bool {
        let (Event::Provisional { dialog, .. }
        | Event::Answered { dialog, .. }
        | Event::Confirmed { dialog }
        | Event::Reoffer { dialog, .. }
        | Event::ReofferAnswered { dialog, .. }
        | Event::ReofferRefused { dialog, .. }
        | Event::Info { dialog, .. }
        | Event::ReferProgress { dialog, .. }
        | Event::Ended { dialog, .. }) = event
        else {
            return false;
        };
        let mut calls = self.silent_calls.iter_mut();
        let Some(call) = calls.find(|call| call.dialog == Some(*dialog)) else {
            return false;
        };
        let (number, purpose) = (call.number, call.purpose);
        match event {
            Event::Provisional { sdp, .. } | Event::Answered { sdp, .. } => {
                if let (Some(session), Some(sdp)) = (&call.session, sdp)
                    && let Err(fault) = session.apply_answer(sdp)
                {
                    tracing::debug!(%fault, "the answer to a silent call");
                    // What a feature code does is done whatever it sounds like.
                    if purpose == Purpose::EchoTest {
                        self.silent_failed(number, &fault.to_string());
                        return true;
                    }
                }
                if matches!(event, Event::Answered { .. })
                    && !std::mem::replace(&mut call.answered, true)
                {
                    self.silent_answered(number, purpose);
                }
            }
            Event::Reoffer { sdp, .. } => {
                let answer = match (&call.session, sdp) {
                    (Some(session), Some(offer)) => session.answer_reoffer(offer, false).ok(),
                    _ => None,
                };
                if let Err(fault) = self.sip.answer_reoffer(*dialog, answer) {
                    tracing::debug!(%fault, "an offer during a silent call");
                }
            }
            Event::Ended { end, .. } => self.silent_over(number, end),
            _ => {}
        }
        true
    }

    fn silent_answered(&mut self, number: u64, purpose: Purpose) {
        match purpose {
            Purpose::FeatureCode => {
                let listen = self.code_is_heard_for();
                self.silent_later(number, true, listen);
            }
            Purpose::EchoTest => {
                let session = self
                    .silent_call(number)
                    .and_then(|call| call.session.clone());
                if let Some(session) = session {
                    self.speak(number, session);
                }
            }
        }
    }

    fn silent_over(&mut self, number: u64, end: &DialogEnd) {
        let Some(call) = self.leave_silent(number, false) else {
            return;
        };
        let words = call.purpose.why(end, call.answered);
        match call.purpose {
            Purpose::FeatureCode if call.answered => self.code_was_dialled(),
            Purpose::FeatureCode => self.errand_failed(&words),
            Purpose::EchoTest => self.echo_failed(call.target, &words),
        }
    }

    fn silent_failed(&mut self, number: u64, words: &str) {
        let Some(call) = self.leave_silent(number, true) else {
            return;
        };
        match call.purpose {
            Purpose::FeatureCode => self.errand_failed(words),
            Purpose::EchoTest => self.echo_failed(call.target, words),
        }
    }

    /// Nobody answered in time, or an answered call has lasted long enough.
    pub(super) fn silent_time(&mut self, number: u64, answered: bool) {
        // The patience for an answer is over with the answer.
        let Some(call) = self
            .silent_call(number)
            .filter(|call| call.answered == answered)
        else {
            return;
        };
        match (call.purpose, call.dialog) {
            (Purpose::EchoTest, _) if answered => {
                if let Some(call) = self.leave_silent(number, true) {
                    self.echo_measured(&call);
                }
            }
            (Purpose::EchoTest, _) => self.silent_failed(number, "the echo test did not answer"),
            (Purpose::FeatureCode, Some(dialog)) => {
                if self.sip.hang_up(dialog, None).is_err() {
                    self.silent_over(number, &DialogEnd::Local);
                }
            }
            (Purpose::FeatureCode, None) => {}
        }
    }

    /// Reminds of a call in a while, if it is then as far as it is now.
    pub(super) fn silent_later(&self, number: u64, answered: bool, wait: Duration) {
        let tell = self.tell.clone();
        tokio::spawn(async move {
            tokio::time::sleep(wait).await;
            let _ = tell.send(Message::SilentTime(number, answered));
        });
    }

    /// Takes a call out, and hangs up where nobody did.
    fn leave_silent(&mut self, number: u64, hang_up: bool) -> Option<SilentCall> {
        let mut calls = self.silent_calls.iter();
        let at = calls.position(|call| call.number == number)?;
        let call = self.silent_calls.remove(at);
        if hang_up
            && let Some(dialog) = call.dialog
            && let Err(fault) = self.sip.hang_up(dialog, None)
        {
            tracing::debug!(%fault, "a silent call had ended");
        }
        if let Some(session) = &call.session {
            session.close();
        }
        Some(call)
    }

    fn silent_call(&mut self, number: u64) -> Option<&mut SilentCall> {
        let mut calls = self.silent_calls.iter_mut();
        calls.find(|call| call.number == number)
    }
}
