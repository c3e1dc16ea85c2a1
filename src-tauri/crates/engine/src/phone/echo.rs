//! A silent call to an echo test, to measure the network's way there and back.

use std::time::Duration;

use sidetone_media::{BLOCK, Block, SAMPLE_RATE, Session};
use tokio::time::MissedTickBehavior;

use super::silent::{Purpose, SilentCall};
use super::{Message, Phone};
use crate::api::EchoCheckView;

/// Blocks of 10 ms that are said: enough for a report of the far end, too.
const SAID: u32 = 700;
/// What is said, Hz.
const TONE: f32 = 440.0;

impl Phone {
    /// A call of the agent's, or one that is offered.
    pub(crate) fn in_call(&self) -> bool {
        !self.calls.is_empty()
    }

    /// Calls the echo test.
    pub(crate) fn call_echo(&mut self, number: String) {
        let called = match self.in_call() {
            true => Err("a call came in the meantime"),
            false => self.call_silently(Purpose::EchoTest, number.clone()),
        };
        if let Err(fault) = called {
            self.echo_failed(number, fault);
        }
    }

    pub(super) fn echo_failed(&mut self, number: String, fault: &str) {
        tracing::info!(fault, "the echo test");
        self.network_checked(Some(EchoCheckView {
            number,
            fault: Some(fault.to_owned()),
            ..EchoCheckView::default()
        }));
    }

    /// Everything was said: what came back?
    pub(super) fn echo_measured(&mut self, call: &SilentCall) {
        let mut view = EchoCheckView {
            number: call.target.clone(),
            ..EchoCheckView::default()
        };
        if let Some(session) = &call.session {
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
        self.network_checked(Some(view));
    }

    /// Says a tone for some seconds; no sound device takes part.
    pub(super) fn speak(&self, number: u64, session: Session) {
        let tell = self.tell.clone();
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
            let _ = tell.send(Message::SilentTime(number, true));
        });
    }
}
