//! How a call sounds, once a second.

use std::sync::atomic::Ordering;

use sidetone_agent::{CallId, Input, OneWay};
use sidetone_media::SessionStats;

use super::Phone;
use crate::api::MediaView;

/// What had been counted a second ago.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counted {
    received: u64,
    missing: u64,
}

impl Counted {
    fn of(stats: &SessionStats) -> Self {
        Self {
            received: stats.packets_received,
            missing: stats.packets_lost + stats.packets_late,
        }
    }

    /// Share of what should have come since then that did not come in time, 0 to 1.
    fn loss(self, now: Self) -> f32 {
        let received = now.received.saturating_sub(self.received);
        // What was lost may still come: the sum can go down.
        let missing = now.missing.saturating_sub(self.missing);
        match received + missing {
            0 => 0.0,
            expected => missing as f32 / expected as f32,
        }
    }
}

impl Phone {
    /// The numbers of a second.
    pub(super) fn measured(&mut self, id: CallId, stats: SessionStats) {
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        let counted = Counted::of(&stats);
        let loss = std::mem::replace(&mut call.counted, counted).loss(counted);
        let one_way = stats.one_way.map(one_way);
        // Who has no microphone on purpose needs not to be told.
        let fault = one_way.filter(|fault| !(self.silent && *fault == OneWay::MicrophoneSilent));
        if std::mem::replace(&mut call.one_way, fault) != fault {
            self.handle(Input::OneWay { call: id, fault });
        }
        if !self.heard.contains(&id) {
            return;
        }
        self.show_processing();
        let clipping = self.clipped.swap(false, Ordering::Relaxed);
        self.media = Some(MediaView {
            call: id,
            codec: stats.codec,
            keying: stats.keying,
            packets_sent: stats.packets_sent,
            packets_received: stats.packets_received,
            packets_lost: stats.packets_lost,
            packets_late: stats.packets_late,
            loss,
            jitter_ms: stats.jitter_ms,
            network_ms: stats.round_trip_ms.map(|trip| trip / 2.0),
            buffer_ms: stats.buffer_ms,
            device_ms: self.voice.device_delay_ms(),
            round_trip_ms: stats.round_trip_ms,
            concealed: stats.concealed,
            level_in_dbov: stats.level_in_dbov,
            level_out_dbov: stats.level_out_dbov,
            clipping,
            mos: stats.mos,
            remote_mos: stats.remote_mos,
            one_way,
        });
    }
}

fn one_way(fault: sidetone_media::OneWay) -> OneWay {
    match fault {
        sidetone_media::OneWay::MicrophoneSilent => OneWay::MicrophoneSilent,
        sidetone_media::OneWay::NotArriving => OneWay::NotArriving,
        sidetone_media::OneWay::NothingReceived => OneWay::NothingReceived,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loss_is_that_of_the_last_second() {
        let counted = |received, missing| Counted { received, missing };
        for (before, now, loss) in [
            (counted(0, 0), counted(50, 0), 0.0),
            (counted(1_000, 100), counted(1_040, 110), 0.2),
            (counted(1_000, 100), counted(1_000, 100), 0.0),
            (counted(1_000, 100), counted(1_000, 150), 1.0),
            (counted(1_000, 100), counted(1_052, 98), 0.0),
        ] {
            assert!((before.loss(now) - loss).abs() < 1e-6, "{before:?} {now:?}");
        }
    }
}
