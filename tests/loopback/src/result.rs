//! What is known of the runs, as it is written to JSON and read again by `--compare`.

use serde::{Deserialize, Serialize};

/// Everything of one start of the harness. The same seed and version give the same, to the byte.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Results {
    /// Version of the harness.
    pub version: String,
    /// What was measured where nothing, or not all, was simulated; the same seed need not give the same then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub live: Option<String>,
    /// Seed of all chances.
    pub seed: u64,
    /// Who spoke, in turn.
    pub voices: Vec<String>,
    /// Length of what was said in each run, seconds.
    pub seconds: u32,
    /// The runs.
    pub runs: Vec<RunResult>,
}

/// One run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunResult {
    /// Network, codec and keying.
    pub name: String,
    /// Network.
    pub profile: String,
    /// Codec.
    pub codec: String,
    /// Keying as asked for.
    pub keying: String,
    /// Why there are no numbers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failed: Option<String>,
    /// SRTP suite that was agreed, or `none`.
    pub suite: String,
    /// The numbers.
    pub numbers: Numbers,
    /// ViSQOL's score of each speaker.
    pub voices: Vec<VoiceScore>,
    /// How it went over time.
    pub series: Series,
}

/// The score of one speaker.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VoiceScore {
    /// Who.
    pub voice: String,
    /// From 1 to 5, `None` where nothing could be compared.
    pub visqol: Option<f32>,
}

/// The numbers of one run; those that are not known are `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Numbers {
    /// Score of a conversation by the E-model (ITU-T G.107), 1 to 4.5.
    pub mos: Option<f32>,
    /// The same for somebody who only listens.
    pub mos_listening: Option<f32>,
    /// ViSQOL (speech mode), mean of the speakers, 1 to 5.
    pub visqol: Option<f32>,
    /// Median delay from what was said to what was heard, measured by the sound, ms: without devices in virtual time,
    /// from mouth to ear with devices, there and back against a server.
    pub delay_ms: Option<f32>,
    /// Shortest delay of a second, ms.
    pub delay_min_ms: Option<f32>,
    /// Longest delay of a second, ms.
    pub delay_max_ms: Option<f32>,
    /// Mean delay of microphone and speaker together, as the phone tells it, ms; with devices only.
    pub device_ms: Option<f32>,
    /// Shortest way through the network, ms.
    pub network_ms: Option<f32>,
    /// Mean delay of the jitter buffer, ms.
    pub buffer_ms: Option<f32>,
    /// Largest delay of the jitter buffer, ms.
    pub buffer_max_ms: Option<f32>,
    /// Mean delay that the jitter buffer aimed at, ms.
    pub target_ms: Option<f32>,
    /// Share of what was played that was made up.
    pub concealed: Option<f32>,
    /// Share of the packets that never came.
    pub lost: Option<f32>,
    /// Share of the packets that came too late to be played.
    pub late: Option<f32>,
    /// Mean length of gaps against that of chance (ITU-T G.107 section 7.5): 1 is at random.
    pub burst: Option<f32>,
    /// From the end of the stall until delay and concealment are as before, ms; only where everything stalls once.
    pub recovery_ms: Option<f32>,
    /// Time for path and keys on a line that loses nothing, ms.
    pub set_up_ms: Option<f32>,
}

/// How a run went over time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Series {
    /// Between two points of the buffer, ms.
    pub step_ms: u32,
    /// Delay of the buffer, ms.
    pub buffer_ms: Vec<f32>,
    /// Delay that the buffer aims at, ms.
    pub target_ms: Vec<f32>,
    /// From what was said to what was heard, for each second, ms.
    pub delay_ms: Vec<Option<f32>>,
    /// Mean way through the network, for each second, ms.
    pub network_ms: Vec<Option<f32>>,
    /// Share that was made up, for each second.
    pub concealed: Vec<f32>,
    /// Share of the packets that never came, for each second.
    pub lost: Vec<f32>,
}

/// A number of [`Numbers`]: how it is called, read and shown, and which way is better.
#[derive(Clone, Copy)]
pub struct Metric {
    /// In JSON, and in threshold files behind `min_` or `max_`.
    pub key: &'static str,
    /// Head of its column.
    pub title: &'static str,
    /// Of one run.
    pub read: Read,
    /// How it is shown.
    pub unit: Unit,
    /// Whether more is better.
    pub more_is_better: bool,
    /// Changes smaller than this are none.
    pub grain: f32,
}

/// How a number is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Two digits.
    Score,
    /// Milliseconds.
    Ms,
    /// A share, in percent.
    Percent,
    /// A plain factor.
    Factor,
}

impl Unit {
    /// In words.
    #[must_use]
    pub fn show(self, value: Option<f32>) -> String {
        let Some(value) = value else {
            return "–".to_owned();
        };
        match self {
            Self::Score | Self::Factor => format!("{value:.2}"),
            Self::Ms => format!("{value:.0}"),
            Self::Percent => format!("{:.1} %", value * 100.0),
        }
    }
}

/// Every number.
pub const METRICS: [Metric; 17] = [
    score("mos", "MOS", |n| n.mos, 0.02),
    score("mos_listening", "MOS listening", |n| n.mos_listening, 0.02),
    score("visqol", "ViSQOL", |n| n.visqol, 0.03),
    ms("delay_ms", "delay ms", |n| n.delay_ms, 2.0),
    ms("delay_min_ms", "delay min ms", |n| n.delay_min_ms, 2.0),
    ms("delay_max_ms", "delay max ms", |n| n.delay_max_ms, 5.0),
    ms("device_ms", "devices ms", |n| n.device_ms, 2.0),
    ms("network_ms", "network ms", |n| n.network_ms, 1.0),
    ms("buffer_ms", "buffer ms", |n| n.buffer_ms, 1.0),
    ms("buffer_max_ms", "buffer max ms", |n| n.buffer_max_ms, 5.0),
    ms("target_ms", "target ms", |n| n.target_ms, 1.0),
    share("concealed", |n| n.concealed),
    share("lost", |n| n.lost),
    share("late", |n| n.late),
    Metric {
        key: "burst",
        title: "burst",
        read: |n| n.burst,
        unit: Unit::Factor,
        more_is_better: false,
        grain: 0.05,
    },
    ms("recovery_ms", "recovery ms", |n| n.recovery_ms, 100.0),
    ms("set_up_ms", "set-up ms", |n| n.set_up_ms, 20.0),
];

type Read = fn(&Numbers) -> Option<f32>;

const fn score(key: &'static str, title: &'static str, read: Read, grain: f32) -> Metric {
    Metric {
        key,
        title,
        read,
        unit: Unit::Score,
        more_is_better: true,
        grain,
    }
}

const fn ms(key: &'static str, title: &'static str, read: Read, grain: f32) -> Metric {
    Metric {
        unit: Unit::Ms,
        more_is_better: false,
        ..score(key, title, read, grain)
    }
}

const fn share(key: &'static str, read: Read) -> Metric {
    Metric {
        unit: Unit::Percent,
        ..ms(key, key, read, 0.001)
    }
}
