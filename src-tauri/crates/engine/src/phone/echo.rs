//! A silent call to an echo test, to measure the network's way there and back.

use std::time::Duration;

use sidetone_media::{BLOCK, Block, MediaError, SAMPLE_RATE, Session};
use sidetone_sip::{CallTarget, DialogEnd, DialogId, Event};
use tokio::time::MissedTickBehavior;

use super::{Message, Phone, Prepared};
use crate::api::EchoCheckView;

/// How long the echo test may take to answer.
const PATIENCE: Duration = Duration::from_secs(15);
/// Blocks of 10 ms that are said: enough for a report of the far end, too.
const SAID: u32 = 700;
/// What is said, Hz.
const TONE: f32 = 440.0;

/// The call under way.
#[derive(Debug)]
pub(super) struct EchoCall {
    check: u64,
    number: String,
    session: Option<Session>,
    dialog: Option<DialogId>,
    answered: bool,
}

impl Phone {
    /// A call of the agent's, or one that is offered.
    pub(crate) fn in_call(&self) -> bool {
        !self.calls.is_empty()
    }

    /// Calls the echo test.
    pub(crate) fn call_echo(&mut self, number: String) {
        self.check_count += 1;
        self.echo = Some(EchoCall {
            check: self.check_count,
            number,
            session: None,
            dialog: None,
            answered: false,
        });
        let Some(line) = &self.line else {
            return self.echo_failed("the phone is not registered");
        };
        if self.in_call() {
            return self.echo_failed("a call came in the meantime");
        }
        let config = line.media_from(self.sip.local_ip());
        let tell = self.tell.clone();
        tokio::spawn(async move {
            let made = Session::offer(config).await;
            let made = made.map(|(session, sdp, events)| Prepared {
                session,
                sdp,
                events,
            });
            let _ = tell.send(Message::EchoReady(made));
        });
    }

    /// The call can be placed, or cannot be.
    pub(super) async fn echo_ready(&mut self, made: Result<Prepared, MediaError>) {
        let Some(echo) = &mut self.echo else {
            return;
        };
        let Prepared { session, sdp, .. } = match made {
            Ok(made) => made,
            Err(fault) => return self.echo_failed(&fault.to_string()),
        };
        echo.session = Some(session);
        let (check, target) = (echo.check, CallTarget::Account(echo.number.clone()));
        match self.sip.invite(target, sdp, Vec::new()).await {
            Ok(dialog) => {
                if let Some(echo) = &mut self.echo {
                    echo.dialog = Some(dialog);
                }
                self.echo_later(check, PATIENCE);
            }
            Err(fault) => self.echo_failed(&fault.to_string()),
        }
    }

    /// Takes what happens to the call; `true` when the event was its own.
    pub(super) fn echo_event(&mut self, event: &Event) -> bool {
        let (Event::Provisional { dialog, .. }
        | Event::Answered { dialog, .. }
        | Event::Confirmed { dialog }
        | Event::Reoffer { dialog, .. }
        | Event::Info { dialog, .. }
        | Event::Ended { dialog, .. }) = event
        else {
            return false;
        };
        let Some(echo) = &mut self.echo else {
            return false;
        };
        if echo.dialog != Some(*dialog) {
            return false;
        }
        match event {
            Event::Answered { sdp, .. } | Event::Provisional { sdp, .. } => {
                let (Some(session), Some(sdp)) = (&echo.session, sdp) else {
                    return true;
                };
                if let Err(fault) = session.apply_answer(sdp) {
                    let fault = fault.to_string();
                    self.echo_failed(&fault);
                } else if matches!(event, Event::Answered { .. }) && !echo.answered {
                    echo.answered = true;
                    self.speak();
                }
            }
            Event::Reoffer { sdp, .. } => {
                let answer = match (&echo.session, sdp) {
                    (Some(session), Some(offer)) => session.answer_reoffer(offer, false).ok(),
                    _ => None,
                };
                if let Err(fault) = self.sip.answer_reoffer(*dialog, answer) {
                    tracing::debug!(%fault, "an offer of the echo test");
                }
            }
            Event::Ended { end, .. } => {
                echo.dialog = None;
                let fault = match end {
                    DialogEnd::Refused { status, reason } => {
                        format!("the echo test refused the call ({status} {reason})")
                    }
                    DialogEnd::Unreachable(fault) => fault.clone(),
                    _ => "the echo test hung up".to_owned(),
                };
                self.echo_failed(&fault);
            }
            _ => {}
        }
        true
    }

    /// Nobody answered in time, or enough was said.
    pub(super) fn echo_time(&mut self, check: u64) {
        let Some(echo) = self.echo.take_if(|echo| echo.check == check) else {
            return;
        };
        let mut view = EchoCheckView {
            number: echo.number.clone(),
            ..EchoCheckView::default()
        };
        match &echo.session {
            Some(session) if echo.answered => {
                let stats = session.stats();
                let missing = stats.packets_lost + stats.packets_late;
                let expected = stats.packets_received + stats.packets_lost;
                view.packets_received = stats.packets_received;
                if expected > 0 {
                    view.loss = missing as f32 / expected as f32;
                    view.jitter_ms = stats.jitter_ms;
                    view.round_trip_ms = stats.round_trip_ms;
                    view.mos = stats.mos;
                } else {
                    view.fault = Some("no sound came back".to_owned());
                }
            }
            _ => view.fault = Some("the echo test did not answer".to_owned()),
        }
        self.leave_echo(&echo);
        self.network_checked(Some(view));
    }

    fn echo_failed(&mut self, fault: &str) {
        let Some(echo) = self.echo.take() else {
            return;
        };
        tracing::info!(fault, "the echo test");
        self.leave_echo(&echo);
        self.network_checked(Some(EchoCheckView {
            number: echo.number,
            fault: Some(fault.to_owned()),
            ..EchoCheckView::default()
        }));
    }

    fn leave_echo(&self, echo: &EchoCall) {
        if let Some(session) = &echo.session {
            session.close();
        }
        if let Some(dialog) = echo.dialog
            && let Err(fault) = self.sip.hang_up(dialog, None)
        {
            tracing::debug!(%fault, "the echo test had ended");
        }
    }

    /// Says a tone for some seconds; no sound device takes part.
    fn speak(&self) {
        let Some(echo) = &self.echo else { return };
        let Some(session) = echo.session.clone() else {
            return;
        };
        let (check, tell) = (echo.check, self.tell.clone());
        tokio::spawn(async move {
            let mut clock = tokio::time::interval(Duration::from_millis(10));
            clock.set_missed_tick_behavior(MissedTickBehavior::Burst);
            let mut heard: Block = [0.0; BLOCK];
            let mut at = 0_u32;
            for _ in 0..SAID {
                clock.tick().await;
                let said: Block = std::array::from_fn(|_| {
                    at = (at + 1) % SAMPLE_RATE;
                    let turns = TONE * at as f32 / SAMPLE_RATE as f32;
                    0.1 * (turns * std::f32::consts::TAU).sin()
                });
                session.exchange(&said, &mut heard);
            }
            let _ = tell.send(Message::EchoTime(check));
        });
    }

    fn echo_later(&self, check: u64, wait: Duration) {
        let tell = self.tell.clone();
        tokio::spawn(async move {
            tokio::time::sleep(wait).await;
            let _ = tell.send(Message::EchoTime(check));
        });
    }
}
