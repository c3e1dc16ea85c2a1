use super::Calls;
use crate::session::call::Call;
use crate::session::turn::Turn;
use crate::{CallState, Effect, Tone};

impl Calls {
    /// Brings ringing window and tone up to date; nothing else starts or stops them.
    pub(in crate::session) fn settle(&mut self, turn: &mut Turn<'_>) {
        self.settle_conference(turn);
        // The oldest stays in the window: a second call must not slide under the agent's pointer.
        let ringing = self.list.iter().find(|call| call.ringing());
        let shown = ringing.map(|call| {
            let notify = call.auto_answer.is_some_and(|countdown| countdown.notify);
            (call.id, notify)
        });
        if shown != self.shown {
            let gone = self
                .shown
                .filter(|(id, _)| shown.is_none_or(|(now_shown, _)| now_shown != *id));
            if let Some((call, _)) = gone {
                turn.act(Effect::HideRinging { call });
            }
            if let Some((call, notify)) = shown {
                turn.act(Effect::ShowRinging { call, notify });
            }
            self.shown = shown;
        }
        let tone = self.wanted_tone();
        if tone != self.tone {
            turn.act(Effect::Tone(tone));
            self.tone = tone;
        }
    }

    fn wanted_tone(&self) -> Option<Tone> {
        let ringing = self.list.iter().any(Call::ringing);
        let in_call = self
            .list
            .iter()
            .any(|call| call.engaged() && !call.ringing());
        let ringback = self
            .list
            .iter()
            .any(|call| call.state == CallState::RemoteRinging && !call.early_media);
        match (ringing, in_call) {
            (true, true) => Some(Tone::CallWaiting),
            (true, false) => Some(Tone::Ring),
            (false, _) if ringback => Some(Tone::Ringback),
            (false, _) => self.failure,
        }
    }
}
