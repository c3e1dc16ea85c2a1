//! The media loopback harness: two media sessions of the phone, with its real codecs, keys, jitter buffer and
//! reports, talk through a simulated network in virtual time; what was heard is scored against what was said. By the clock on the
//! wall it measures through sound devices and against a real server, too.

pub mod against;
pub mod call;
pub mod chart;
pub mod compare;
pub mod delay;
pub mod devices;
pub mod effort;
pub mod line;
pub mod live;
pub mod measure;
pub mod plan;
pub mod profile;
pub mod report;
pub mod result;
pub mod score;
pub mod sound;
pub mod spectrogram;
pub mod speech;
pub mod table;
pub mod thresholds;
pub mod wire;
