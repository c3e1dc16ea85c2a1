//! From a run to its numbers.

use std::time::Duration;

use sidetone_media::offline::{Conditions, rate};

use crate::call::{self, Outcome};
use crate::effort::Effort;
use crate::line::Transit;
use crate::plan::Run;
use crate::profile::Hold;
use crate::result::{Numbers, RunResult, Series, VoiceScore};
use crate::speech::Talk;
use crate::{delay, score};

/// Points of the buffer's curve in a second.
pub(crate) const POINTS: usize = 5;
/// Length of a packet, ms: what the phone offers.
const PACKET_MS: f32 = 20.0;
/// The delay is as before when it is this near, ms.
const AS_BEFORE_MS: f32 = 15.0;

/// A run, with what was heard.
#[derive(Clone, Debug)]
pub struct Measured {
    /// Numbers and curves.
    pub result: RunResult,
    /// At 48 kHz; empty when the call failed.
    pub heard: Vec<f32>,
    /// Virtual time that was simulated.
    pub simulated: Duration,
    /// What the call took of one core, without its scores.
    pub took: Duration,
}

/// Makes the call of a run and measures what came of it.
#[must_use]
pub fn measure(run: &Run, said: &Talk, seed: u64, with_visqol: bool) -> Measured {
    // The same network for every codec and keying, so that they can be compared.
    let seed = seed_of(seed, run.profile.name);
    let effort = Effort::begin();
    let outcome = call::make(run, said, seed);
    let took = effort.took();
    let mut result = empty(run);
    match outcome {
        Err(error) => failed(run, error.to_string(), took),
        Ok(outcome) => {
            fill(&mut result, run, said, &outcome, with_visqol);
            let simulated = Duration::from_secs_f64(outcome.received.len() as f64 / 48_000.0);
            Measured {
                result,
                heard: outcome.received,
                simulated: simulated + outcome.set_up,
                took,
            }
        }
    }
}

/// A run whose call failed.
pub(crate) fn failed(run: &Run, fault: String, took: Duration) -> Measured {
    Measured {
        result: RunResult {
            failed: Some(fault),
            ..empty(run)
        },
        heard: Vec::new(),
        simulated: Duration::ZERO,
        took,
    }
}

/// What is known of a run before it was made.
pub(crate) fn empty(run: &Run) -> RunResult {
    RunResult {
        name: run.name(),
        profile: run.profile.name.to_owned(),
        codec: run.codec_name.to_owned(),
        keying: run.keying.name.to_owned(),
        failed: None,
        suite: String::new(),
        numbers: Numbers::default(),
        voices: Vec::new(),
        series: Series::default(),
    }
}

/// ViSQOL's score of each speaker.
pub(crate) fn voices(said: &Talk, heard: &[f32], delay_ms: f32) -> Vec<VoiceScore> {
    score::visqol(said, heard, delay_ms)
        .into_iter()
        .map(|(voice, visqol)| VoiceScore {
            voice: voice.to_owned(),
            visqol,
        })
        .collect()
}

fn fill(result: &mut RunResult, run: &Run, said: &Talk, outcome: &Outcome, with_visqol: bool) {
    let series = series(run, said, outcome);
    let delay_ms = delay::median(&series.delay_ms);
    let range = delay::range(&series.delay_ms);
    if let (true, Some(delay_ms)) = (with_visqol, delay_ms) {
        result.voices = voices(said, &outcome.received, delay_ms);
    }
    let sent = outcome.transits.len().max(1) as f32;
    let lost = outcome.transits.iter().filter(|t| t.took.is_none()).count() as f32 / sent;
    let late = outcome.late as f32 / sent;
    let shortest = outcome.transits.iter().filter_map(|t| t.took).min();
    let network_ms = shortest.map(ms);
    // The first second has no delay yet: the buffer is still being filled.
    let settled = &outcome.buffer[outcome.buffer.len().min(POINTS)..];
    let buffer_ms = mean(settled.iter().map(|point| point[0]));
    let burst = burst(&outcome.transits);
    let rating = rate(
        run.codec,
        &Conditions {
            network_ms: network_ms.unwrap_or_default(),
            buffer_ms: buffer_ms.unwrap_or_default(),
            packet_ms: PACKET_MS,
            loss: lost + late,
            burst,
        },
    );
    result.suite.clone_from(&outcome.stats.keying);
    result.numbers = Numbers {
        mos: Some(rating.mos),
        mos_listening: Some(rating.listening),
        visqol: mean(result.voices.iter().filter_map(|v| v.visqol)),
        delay_ms,
        delay_min_ms: range.map(|range| range.0),
        delay_max_ms: range.map(|range| range.1),
        device_ms: None,
        network_ms,
        buffer_ms,
        buffer_max_ms: settled.iter().map(|point| point[0]).reduce(f32::max),
        target_ms: mean(settled.iter().map(|point| point[1])),
        concealed: mean(series.concealed.iter().copied()),
        lost: Some(lost),
        late: Some(late),
        burst: Some(burst),
        recovery_ms: recovery(run.profile.hold, &series),
        set_up_ms: Some(ms(outcome.set_up)),
    };
    result.series = series;
}

fn series(run: &Run, said: &Talk, outcome: &Outcome) -> Series {
    let rate = 1.0 + run.profile.drift_ppm * 1e-6;
    // A clock that runs fast says things before their time.
    let early_ms = |second: usize| (second as f64 * (1.0 - 1.0 / rate) * 1_000.0) as f32;
    let delay_ms = delay::per_second(&said.samples, &outcome.received)
        .into_iter()
        .enumerate()
        .map(|(second, delay)| delay.map(|delay| delay + early_ms(second)))
        .collect();
    let seconds = outcome.concealed.len();
    let sent_in = |second: usize| {
        outcome
            .transits
            .iter()
            .filter(move |transit| transit.sent.as_secs() == second as u64)
    };
    Series {
        step_ms: 1_000 / POINTS as u32,
        buffer_ms: outcome.buffer.iter().map(|point| point[0]).collect(),
        target_ms: outcome.buffer.iter().map(|point| point[1]).collect(),
        delay_ms,
        network_ms: (0..seconds)
            .map(|second| mean(sent_in(second).filter_map(|t| t.took).map(ms)))
            .collect(),
        concealed: outcome.concealed.clone(),
        lost: (0..seconds)
            .map(|second| {
                mean(sent_in(second).map(|t| f32::from(u8::from(t.took.is_none()))))
                    .unwrap_or_default()
            })
            .collect(),
    }
}

/// G.107 section 7.5: mean length of the gaps against the mean length that the same loss has at random.
pub(crate) fn burst(transits: &[Transit]) -> f32 {
    let lost = transits.iter().filter(|t| t.took.is_none()).count();
    let gaps = transits
        .windows(2)
        .filter(|pair| pair[0].took.is_some() && pair[1].took.is_none())
        .count()
        + usize::from(transits.first().is_some_and(|t| t.took.is_none()));
    if gaps == 0 {
        return 1.0;
    }
    let share = lost as f32 / transits.len() as f32;
    (lost as f32 / gaps as f32 * (1.0 - share)).max(1.0)
}

/// From the end of a single stall to the last moment at which delay or concealment were not as before it.
fn recovery(hold: Hold, series: &Series) -> Option<f32> {
    let Hold::Once { at_ms, for_ms } = hold else {
        return None;
    };
    let step = u64::from(series.step_ms);
    let (from, until) = (at_ms / step, (at_ms + for_ms).div_ceil(step));
    let before = mean(
        series
            .buffer_ms
            .iter()
            .take(from as usize)
            .skip(POINTS)
            .copied(),
    )?;
    // Of the buffer each point stands for the moment at the end of its step.
    let unsettled = series
        .buffer_ms
        .iter()
        .enumerate()
        .skip(until as usize)
        .filter(|(_, delay)| **delay > before + AS_BEFORE_MS)
        .map(|(index, _)| (index as u64 + 1) * step)
        .max();
    let concealing = series
        .concealed
        .iter()
        .enumerate()
        // The second of the stall and the one it ends in are its own.
        .filter(|(second, share)| *second as u64 > (at_ms + for_ms) / 1_000 && **share > 0.0)
        .map(|(second, _)| (second as u64 + 1) * 1_000)
        .max();
    let end = at_ms + for_ms;
    let last = unsettled.into_iter().chain(concealing).max().unwrap_or(end);
    Some(last.saturating_sub(end) as f32)
}

pub(crate) fn seed_of(seed: u64, name: &str) -> u64 {
    // FNV-1a: the same on every machine and with every compiler.
    name.bytes()
        .fold(seed ^ 0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        })
}

pub(crate) fn ms(time: Duration) -> f32 {
    time.as_secs_f32() * 1_000.0
}

pub(crate) fn mean(values: impl Iterator<Item = f32>) -> Option<f32> {
    let (sum, count) = values.fold((0.0_f64, 0_u32), |(sum, count), value| {
        (sum + f64::from(value), count + 1)
    });
    (count > 0).then(|| (sum / f64::from(count)) as f32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn losses_in_a_row_count_as_a_burst() {
        let transits = |came: &[bool]| -> Vec<Transit> {
            came.iter()
                .map(|came| Transit {
                    sent: Duration::ZERO,
                    took: came.then_some(Duration::ZERO),
                })
                .collect()
        };
        assert_eq!(burst(&transits(&[true; 8])), 1.0);
        let alone = transits(&[true, false, true, true, false, true, true, true]);
        assert_eq!(burst(&alone), 1.0);
        let together = transits(&[true, true, false, false, false, false, true, true]);
        assert_eq!(burst(&together), 2.0);
    }

    #[test]
    fn recovery_ends_with_the_last_moment_that_is_not_as_before() {
        let mut series = Series {
            step_ms: 200,
            buffer_ms: vec![30.0; 50],
            concealed: vec![0.0; 10],
            ..Series::default()
        };
        let hold = Hold::Once {
            at_ms: 4_000,
            for_ms: 300,
        };
        assert_eq!(recovery(hold, &series), Some(0.0));
        // At 5.2 s, the end of point 25, it is still far from what it was.
        series.buffer_ms[20..=25].fill(200.0);
        assert_eq!(recovery(hold, &series), Some(900.0));
        assert_eq!(recovery(Hold::Never, &series), None);
    }
}
