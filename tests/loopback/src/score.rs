//! How much what was heard is like what was said, as listeners would judge: ViSQOL (speech mode), by the pure Rust port
//! `visqol-rs`.

use std::panic::{AssertUnwindSafe, catch_unwind};

use sidetone_media::SAMPLE_RATE;
use sidetone_media::offline::resampled;
use visqol_rs::AudioSignal;
use visqol_rs::constants::{DEFAULT_WINDOW_SIZE, NUM_BANDS_SPEECH};
use visqol_rs::variant::Variant;
use visqol_rs::visqol_manager::VisqolManager;

use crate::speech::Talk;

/// What ViSQOL's speech mode works on, Hz.
const RATE: u32 = 16_000;
/// Sound before and behind each speaker that is compared too, samples at 48 kHz.
const MARGIN: usize = SAMPLE_RATE as usize / 4;
/// Less than this of a speaker tells nothing, samples at 48 kHz.
const SHORTEST: usize = 3 * SAMPLE_RATE as usize;
/// Below this nothing was heard (mean square).
const QUIET: f32 = 1e-7;

/// The score of each speaker, from 1 to 5 (5: no difference); `None` where nothing can be compared. `delay_ms` is how
/// much later it was heard.
#[must_use]
pub fn visqol(talk: &Talk, heard: &[f32], delay_ms: f32) -> Vec<(&'static str, Option<f32>)> {
    let delay = (delay_ms * SAMPLE_RATE as f32 / 1_000.0) as usize;
    talk.parts
        .iter()
        .filter(|(_, part)| part.len() >= SHORTEST)
        .map(|(name, part)| {
            let from = part.start.saturating_sub(MARGIN);
            let until = (part.end + MARGIN).min(talk.samples.len());
            let heard = heard.get(from + delay..(until + delay).min(heard.len()));
            let score = heard.and_then(|heard| compare(&talk.samples[from..until], heard));
            (*name, score)
        })
        .collect()
}

fn compare(said: &[f32], heard: &[f32]) -> Option<f32> {
    let power = heard.iter().map(|sample| sample * sample).sum::<f32>() / heard.len().max(1) as f32;
    if power < QUIET {
        return None;
    }
    let mut said = signal(said);
    let mut heard = signal(heard);
    // A port that is young: should it panic over some sound, the other runs still count.
    let result = catch_unwind(AssertUnwindSafe(|| {
        VisqolManager::<NUM_BANDS_SPEECH>::new(
            Variant::Wideband {
                use_unscaled_mos_mapping: false,
            },
            DEFAULT_WINDOW_SIZE,
        )
        .compute_results(&mut said, &mut heard)
    }));
    let score = result.ok()?.ok()?.moslqo as f32;
    score.is_finite().then_some(score)
}

fn signal(sound: &[f32]) -> AudioSignal {
    let samples: Vec<f64> = resampled(sound, SAMPLE_RATE, RATE)
        .into_iter()
        .map(f64::from)
        .collect();
    AudioSignal::new(&samples, RATE)
}
