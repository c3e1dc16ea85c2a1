//! Which calls are made: networks, codecs and keyings, and the set that is run unless something else is asked for.

use sidetone_media::{Enhancer, KeyingPlan, OpusTuning};
use sidetone_profile::Codec;

use crate::profile::{PROFILES, Profile};

/// Every codec that the phone has, with its name on the command line.
pub const CODECS: [(&str, Codec); 5] = [
    ("opus", Codec::Opus),
    ("pcmu", Codec::Ulaw),
    ("pcma", Codec::Alaw),
    ("g722", Codec::G722),
    ("gsm", Codec::Gsm),
];

/// Opus with its neural parts one by one, without the transform, and with libopus's own settings, to measure what each
/// is worth; run only where they are named.
pub const OPUS_WAYS: [(&str, OpusTuning); 7] = [
    (
        "opus-classic",
        OpusTuning {
            neural_concealment: false,
            ..NEURAL
        },
    ),
    ("opus-neural", NEURAL),
    (
        "opus-deep",
        OpusTuning {
            deep_redundancy: true,
            ..NEURAL
        },
    ),
    (
        "opus-light",
        OpusTuning {
            enhancer: Enhancer::Light,
            ..NEURAL
        },
    ),
    (
        "opus-full",
        OpusTuning {
            enhancer: Enhancer::Full,
            ..NEURAL
        },
    ),
    (
        "opus-speech",
        OpusTuning {
            transform: false,
            ..NEURAL
        },
    ),
    (
        "opus-thorough",
        OpusTuning {
            transform: false,
            encoding: 9,
            ..NEURAL
        },
    ),
];

const NEURAL: OpusTuning = OpusTuning {
    neural_concealment: true,
    deep_redundancy: false,
    enhancer: Enhancer::Off,
    encoding: 5,
    transform: true,
};

/// A way of keying.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keying {
    /// As on the command line.
    pub name: &'static str,
    /// What the session is told.
    pub plan: KeyingPlan,
    /// The one suite that is left of an SDES offer.
    pub suite: Option<&'static str>,
}

/// Every keying: plain RTP, SDES with each suite that the phone offers, and ICE with DTLS-SRTP.
pub const KEYINGS: [Keying; 6] = [
    Keying {
        name: "plain",
        plan: KeyingPlan::Plain,
        suite: None,
    },
    sdes("sdes-aes128-80", "AES_CM_128_HMAC_SHA1_80"),
    sdes("sdes-aes128-32", "AES_CM_128_HMAC_SHA1_32"),
    sdes("sdes-aes256-80", "AES_256_CM_HMAC_SHA1_80"),
    sdes("sdes-aes256-gcm", "AEAD_AES_256_GCM"),
    DTLS,
];

const DTLS: Keying = Keying {
    name: "dtls",
    plan: KeyingPlan::Webrtc,
    suite: None,
};

const fn sdes(name: &'static str, suite: &'static str) -> Keying {
    Keying {
        name,
        plan: KeyingPlan::Sdes,
        suite: Some(suite),
    }
}

/// One call to be made.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Run {
    /// Through which network.
    pub profile: &'static Profile,
    /// Name of the codec.
    pub codec_name: &'static str,
    /// Codec.
    pub codec: Codec,
    /// What Opus may spend, where it is not what the phone does.
    pub tuning: Option<OpusTuning>,
    /// Keying.
    pub keying: Keying,
}

impl Run {
    /// For people and for `--compare`; also begins the names of its files.
    #[must_use]
    pub fn name(&self) -> String {
        format!(
            "{}_{}_{}",
            self.profile.name, self.codec_name, self.keying.name
        )
    }
}

/// The calls for these names; what is empty takes its default. With nothing named at all it is the usual set: every
/// network with Opus over DTLS-SRTP, every codec on a good and on a lossy network, every keying once.
#[must_use]
pub fn runs(profiles: &[String], codecs: &[String], keyings: &[String]) -> Vec<Run> {
    let wanted = |names: &[String], name: &str, otherwise: bool| match names {
        [] => otherwise,
        names => names.iter().any(|wanted| wanted == "all" || wanted == name),
    };
    let usual = profiles.is_empty() && codecs.is_empty() && keyings.is_empty();
    let as_it_is = CODECS.map(|(name, codec)| (name, codec, None));
    let ways = OPUS_WAYS
        .into_iter()
        .filter(|(name, _)| codecs.iter().any(|wanted| wanted == name))
        .map(|(name, tuning)| (name, Codec::Opus, Some(tuning)));
    let coded: Vec<_> = as_it_is.into_iter().chain(ways).collect();
    let mut runs = Vec::new();
    for profile in &PROFILES {
        for &(codec_name, codec, tuning) in &coded {
            for keying in KEYINGS {
                let is_opus = codec == Codec::Opus;
                let is_dtls = keying == DTLS;
                let take = if usual {
                    match (is_opus, is_dtls) {
                        (true, true) => true,
                        (false, true) => matches!(profile.name, "pristine" | "loss-5"),
                        (true, false) => profile.name == "pristine",
                        (false, false) => false,
                    }
                } else {
                    wanted(profiles, profile.name, true)
                        && wanted(codecs, codec_name, is_opus)
                        && wanted(keyings, keying.name, is_dtls)
                };
                if take {
                    runs.push(Run {
                        profile,
                        codec_name,
                        codec,
                        tuning,
                        keying,
                    });
                }
            }
        }
    }
    runs
}

/// The calls for these codecs and keyings through what is no simulated network; what is empty takes its default, Opus
/// and dtls.
#[must_use]
pub fn live_runs(profile: &'static Profile, codecs: &[String], keyings: &[String]) -> Vec<Run> {
    runs(&[PROFILES[0].name.to_owned()], codecs, keyings)
        .into_iter()
        .map(|run| Run { profile, ..run })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_set_has_every_network_codec_and_keying() {
        let runs = runs(&[], &[], &[]);
        for profile in &PROFILES {
            assert!(runs.iter().any(|run| run.profile == profile));
        }
        for (name, _) in CODECS {
            assert!(runs.iter().any(|run| run.codec_name == name));
        }
        for keying in KEYINGS {
            assert!(runs.iter().any(|run| run.keying == keying));
        }
    }

    #[test]
    fn all_of_everything_is_the_product() {
        let all = ["all".to_owned()];
        let count = PROFILES.len() * CODECS.len() * KEYINGS.len();
        assert_eq!(runs(&all, &all, &all).len(), count);
        assert_eq!(runs(&["lte".to_owned()], &[], &[]).len(), 1);
        let ways = OPUS_WAYS.map(|(name, _)| name.to_owned());
        let way = runs(&["lte".to_owned()], &ways, &[]);
        assert_eq!(way.len(), OPUS_WAYS.len());
        assert!(way.iter().all(|run| run.tuning.is_some()));
    }
}
