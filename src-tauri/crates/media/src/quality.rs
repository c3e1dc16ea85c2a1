//! How good it sounds: the E-model (ITU-T G.107, wideband scale of G.107.1), from what one side can measure.

use sidetone_profile::Codec;

/// Best transmission rating on the narrowband scale with all of G.107's defaults, and on the wideband scale.
const NARROWBAND: f32 = 93.2;
const WIDEBAND: f32 = 129.0;

/// What a codec costs.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Impairment {
    /// Best rating on the codec's own scale.
    best: f32,
    /// Of the coding itself (G.113 appendices I and IV).
    equipment: f32,
    /// Robustness against loss with our concealment (G.113).
    robustness: f32,
    /// Sound that the codec looks ahead, ms.
    look_ahead_ms: f32,
}

/// What is known of one direction of a call.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Conditions {
    /// One way through the network, ms.
    pub network_ms: f32,
    /// In the jitter buffer, ms.
    pub buffer_ms: f32,
    /// In a packet, ms.
    pub packet_ms: f32,
    /// Packets that were lost or came too late, 0 to 1.
    pub loss: f32,
    /// How much losses cluster: 1 is at random (G.107 section 7.5).
    pub burst: f32,
}

/// How a call is rated.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rating {
    /// Transmission rating R, 0 to 100.
    pub r: f32,
    /// Mean opinion score of a conversation, 1 to 4.5.
    pub mos: f32,
    /// The same for somebody who only listens: delay costs nothing.
    pub listening: f32,
}

/// Rates what listeners would hear.
#[must_use]
pub fn rate(codec: Codec, conditions: &Conditions) -> Rating {
    let of = impairment(codec);
    let loss = conditions.loss.clamp(0.0, 1.0) * 100.0;
    let burst = conditions.burst.max(1.0);
    let equipment = of.equipment + (95.0 - of.equipment) * loss / (loss / burst + of.robustness);
    let delay = conditions.network_ms
        + conditions.buffer_ms
        + conditions.packet_ms
        + of.look_ahead_ms
        + DEVICES_MS;
    let listening = of.best - equipment;
    // The wideband scale is mapped to the one that scores are defined on (G.107.1 section 7.6).
    let scale = match of.best > 100.0 {
        true => 100.0 / WIDEBAND,
        false => 1.0,
    };
    let r = ((listening - delayed(delay)) * scale).clamp(0.0, 100.0);
    Rating {
        r,
        mos: score(r),
        listening: score(listening * scale),
    }
}

/// Delay of the sound devices on both sides together, ms.
const DEVICES_MS: f32 = 40.0;

const fn impairment(codec: Codec) -> Impairment {
    let (best, equipment, robustness, look_ahead_ms) = match codec {
        // G.113 table I.3: with the concealment of appendix I.
        Codec::Ulaw | Codec::Alaw => (NARROWBAND, 0.0, 25.1, 0.0),
        Codec::Gsm => (NARROWBAND, 20.0, 43.0, 0.0),
        Codec::G729 => (NARROWBAND, 11.0, 19.0, 5.0),
        // G.113 appendix IV.
        Codec::G722 => (WIDEBAND, 13.0, 4.9, 1.5),
        // No ITU values exist: those of AMR-WB at 23 kbit/s for the coding, and a robustness with redundancy.
        Codec::Opus => (WIDEBAND, 1.0, 14.0, 6.5),
    };
    Impairment {
        best,
        equipment,
        robustness,
        look_ahead_ms,
    }
}

/// Impairment by absolute delay (G.107 equations 7-27 and 7-28).
fn delayed(ms: f32) -> f32 {
    if ms <= 100.0 {
        return 0.0;
    }
    let x = (ms / 100.0).log2();
    let root = |value: f32| (1.0 + value.powi(6)).powf(1.0 / 6.0);
    25.0 * (root(x) - 3.0 * root(x / 3.0) + 2.0)
}

/// Rating to score (G.107 annex B).
fn score(rating: f32) -> f32 {
    match rating {
        r if r <= 0.0 => 1.0,
        r if r >= 100.0 => 4.5,
        r => (1.0 + 0.035 * r + r * (r - 60.0) * (100.0 - r) * 7e-6).max(1.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mos(codec: Codec, conditions: &Conditions) -> f32 {
        rate(codec, conditions).mos
    }

    const GOOD: Conditions = Conditions {
        network_ms: 5.0,
        buffer_ms: 30.0,
        packet_ms: 20.0,
        loss: 0.0,
        burst: 1.0,
    };

    #[test]
    fn a_good_line_scores_what_g107_says() {
        // G.107 with all defaults: R = 93.2, MOS = 4.41.
        assert!((mos(Codec::Ulaw, &GOOD) - 4.41).abs() < 0.01);
        // R = 73.2: 3.74.
        assert!((mos(Codec::Gsm, &GOOD) - 3.74).abs() < 0.02);
        assert!(mos(Codec::Opus, &GOOD) > mos(Codec::G722, &GOOD));
        assert!(mos(Codec::Opus, &GOOD) > 4.4);
    }

    #[test]
    fn loss_and_delay_cost_and_never_pay() {
        for codec in Codec::ALL {
            let mut last = 5.0;
            for percent in 0..=100_u8 {
                let score = mos(
                    codec,
                    &Conditions {
                        loss: f32::from(percent) / 100.0,
                        ..GOOD
                    },
                );
                assert!((1.0..=last).contains(&score), "{codec:?} at {percent} %");
                last = score;
            }
            assert!(last < 1.9, "{codec:?}: {last} without a packet");
            let far = mos(
                codec,
                &Conditions {
                    network_ms: 400.0,
                    ..GOOD
                },
            );
            assert!(far < mos(codec, &GOOD) - 0.3, "{codec:?}: {far}");
        }
        // Equation 7-27 worked by hand for Ta = 400 ms: X = 2.
        assert!((delayed(400.0) - 24.07).abs() < 0.01);
    }

    #[test]
    fn losses_that_cluster_sound_worse() {
        let loss = Conditions { loss: 0.05, ..GOOD };
        let burst = Conditions { burst: 3.0, ..loss };
        assert!(mos(Codec::Ulaw, &burst) < mos(Codec::Ulaw, &loss));
    }
}
