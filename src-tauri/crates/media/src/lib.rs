//! One RTP session for every kind of call; codecs, jitter buffer, voice processing, tones and devices.
//!
//! The core takes time as an argument and is pulled in blocks of 10 ms at 48 kHz ([`Block`]), so the same code
//! runs against a sound card and, faster than real time, in tests. Sound and packets only: this room knows
//! nothing of SIP, of agents or of contact-centre rules. SDP comes and goes as text.

#[cfg(test)]
mod allocation;
mod api;
mod codec;
mod config;
mod device;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod jitter;
mod level;
pub mod offline;
mod process;
mod quality;
mod receive;
mod record;
mod resample;
mod rtp;
mod sdp;
mod send;
mod session;
pub mod stages;
mod stats;
mod tone;
mod transport;
mod voice;
mod wav;

pub use api::{BLOCK, Block, MediaError, SAMPLE_RATE};
pub use codec::{Enhancer, OpusTuning};
pub use config::{Direction, IceServer, KeyingPlan, MediaConfig};
pub use device::{DeviceInfo, DeviceRole, DeviceSelection};
pub use process::{EchoCancelling, ProcessingStats, VoiceProcessing};
pub use record::{Recorded, Recording, RecordingChannels, RecordingFormat};
pub use session::Session;
pub use stats::{OneWay, SessionEvent, SessionStats};
pub use transport::check::{ServerReport, check_servers};
pub use transport::gather::network_addresses;
pub use voice::{AudioSetup, Levels, MicrophoneCheck, ToneKind, Voice};
