//! What measuring by the clock on the wall has in common, through devices and against a server.

use std::time::Duration;

use sidetone_media::{SessionEvent, SessionStats};
use tokio::sync::mpsc::UnboundedReceiver;

use crate::call::SET_UP;
use crate::delay;
use crate::line::Transit;
use crate::measure::{self, Measured, POINTS, mean, ms};
use crate::plan::Run;
use crate::result::{Numbers, Series};
use crate::speech::Talk;

/// Between two looks at a session.
pub const LOOK: Duration = Duration::from_millis(1_000 / POINTS as u64);

/// What came of a live call.
#[derive(Clone, Debug, Default)]
pub struct LiveOutcome {
    /// What was heard, at 48 kHz, from the moment on when the speech began to be said.
    pub heard: Vec<f32>,
    /// How much later than `said` each second of `heard` was heard, ms.
    pub heard_after_ms: Vec<Option<f32>>,
    /// How much later than it was begun the speech arrived at the phone's microphone, ms; counted off.
    pub mouth_after_ms: f32,
    /// What the listening session said about itself.
    pub watch: Watch,
    /// What became of the packets on a simulated network, since the speech began.
    pub transits: Option<Vec<Transit>>,
    /// How long path and keys took.
    pub set_up: Duration,
}

/// Looks at a session now and then, and at the delay of its devices.
#[derive(Clone, Debug, Default)]
pub struct Watch {
    buffer_ms: Vec<f32>,
    device_ms: Vec<f32>,
    network_ms: Vec<Option<f32>>,
    concealed: Vec<f32>,
    lost: Vec<f32>,
    looks: usize,
    first: Option<SessionStats>,
    second: SessionStats,
    last: SessionStats,
}

impl Watch {
    /// Call it every [`LOOK`]. `device_ms` is the delay of microphone and speaker together, where there are any.
    pub fn look(&mut self, stats: SessionStats, device_ms: Option<f32>) {
        if self.first.is_none() {
            self.first = Some(stats.clone());
            self.second = stats.clone();
        }
        self.buffer_ms.push(stats.buffer_ms);
        self.device_ms.extend(device_ms);
        self.last = stats;
        self.looks += 1;
        if self.looks.is_multiple_of(POINTS) {
            self.concealed.push(self.last.concealed);
            self.lost.push(loss(&self.second, &self.last));
            // The far end's reports tell the way there and back.
            self.network_ms.push(self.last.round_trip_ms);
            self.second = self.last.clone();
        }
    }
}

/// Share of the packets between two looks that never came.
fn loss(before: &SessionStats, after: &SessionStats) -> f32 {
    let lost = after.packets_lost.saturating_sub(before.packets_lost) as f32;
    let came = after
        .packets_received
        .saturating_sub(before.packets_received) as f32;
    match lost + came > 0.0 {
        true => lost / (lost + came),
        false => 0.0,
    }
}

/// Waits until path and keys are ready.
///
/// # Errors
/// A sentence.
pub(crate) async fn connected(events: &mut UnboundedReceiver<SessionEvent>) -> Result<(), String> {
    let ready = async {
        loop {
            match events.recv().await {
                Some(SessionEvent::Connected) => return Ok(()),
                Some(SessionEvent::Failed(error)) => return Err(error.to_string()),
                Some(_) => {}
                None => return Err("the media session ended".to_owned()),
            }
        }
    };
    tokio::time::timeout(SET_UP, ready)
        .await
        .unwrap_or_else(|_| {
            Err(format!(
                "path and keys were not ready after {} s",
                SET_UP.as_secs()
            ))
        })
}

/// The numbers of a live call, or why there are none.
#[must_use]
pub fn measured(
    run: &Run,
    said: &Talk,
    outcome: Result<LiveOutcome, String>,
    with_visqol: bool,
) -> Measured {
    let outcome = match outcome {
        Ok(outcome) => outcome,
        Err(fault) => return measure::failed(run, fault, Duration::ZERO),
    };
    let mut result = measure::empty(run);
    let watch = &outcome.watch;
    let delay_ms: Vec<Option<f32>> = outcome
        .heard_after_ms
        .iter()
        // What would be heard before it was said is alike by chance.
        .map(|delay| {
            delay
                .map(|delay| delay - outcome.mouth_after_ms)
                .filter(|delay| *delay >= 0.0)
        })
        .collect();
    if let (true, Some(after)) = (with_visqol, delay::median(&outcome.heard_after_ms)) {
        result.voices = measure::voices(said, &outcome.heard, after);
    }
    let settled = &watch.buffer_ms[watch.buffer_ms.len().min(POINTS)..];
    let range = delay::range(&delay_ms);
    let first = watch.first.clone().unwrap_or_default();
    let sent = watch
        .last
        .packets_received
        .saturating_sub(first.packets_received)
        + watch.last.packets_lost.saturating_sub(first.packets_lost);
    let late = watch.last.packets_late.saturating_sub(first.packets_late) as f32;
    let network_ms = match &outcome.transits {
        Some(transits) => transits.iter().filter_map(|t| t.took).min().map(ms),
        None => watch.network_ms.iter().copied().flatten().reduce(f32::min),
    };
    result.suite.clone_from(&watch.last.keying);
    result.numbers = Numbers {
        // The phone's own: it knows what it was told of the way.
        mos: watch.last.mos,
        mos_listening: None,
        visqol: mean(result.voices.iter().filter_map(|voice| voice.visqol)),
        delay_ms: delay::median(&delay_ms),
        delay_min_ms: range.map(|range| range.0),
        delay_max_ms: range.map(|range| range.1),
        device_ms: mean(watch.device_ms.iter().copied()),
        network_ms,
        buffer_ms: mean(settled.iter().copied()),
        buffer_max_ms: settled.iter().copied().reduce(f32::max),
        target_ms: None,
        concealed: mean(watch.concealed.iter().copied()),
        lost: Some(loss(&first, &watch.last)),
        late: Some(late / sent.max(1) as f32),
        burst: outcome.transits.as_deref().map(measure::burst),
        recovery_ms: None,
        set_up_ms: Some(ms(outcome.set_up)),
    };
    result.series = Series {
        step_ms: LOOK.as_millis() as u32,
        buffer_ms: watch.buffer_ms.clone(),
        target_ms: Vec::new(),
        delay_ms,
        network_ms: watch.network_ms.clone(),
        concealed: watch.concealed.clone(),
        lost: watch.lost.clone(),
    };
    let simulated = Duration::from_secs_f64(outcome.heard.len() as f64 / 48_000.0);
    Measured {
        result,
        heard: outcome.heard,
        simulated,
        took: Duration::ZERO,
    }
}
