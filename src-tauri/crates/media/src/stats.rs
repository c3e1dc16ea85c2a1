//! What a session says about itself.

use crate::MediaError;

/// What a session says about itself.
#[derive(Clone, Debug, PartialEq)]
pub enum SessionEvent {
    /// Path and keys are ready.
    Connected,
    /// Nothing has come in for three seconds although it should.
    Interrupted,
    /// Packets come in again.
    Resumed,
    /// The path or the keys failed for good.
    Failed(MediaError),
    /// The far end pressed a key (RFC 4733), once a press.
    Dtmf(char),
    /// The recording stopped before it was asked to: the disk refused. What is in the file until then can be played.
    RecordingFailed(MediaError),
    /// Once a second.
    Stats(SessionStats),
}

/// Numbers of one session, since its start unless said otherwise.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SessionStats {
    /// Codec we send, by its SDP name.
    pub codec: String,
    /// RTP packets sent.
    pub packets_sent: u64,
    /// RTP packets received.
    pub packets_received: u64,
    /// RTP packets missing.
    pub packets_lost: u64,
    /// Packets that came too late to be played.
    pub packets_late: u64,
    /// Interarrival jitter (RFC 3550 section 6.4.1), ms.
    pub jitter_ms: f32,
    /// Delay of the jitter buffer now, ms.
    pub buffer_ms: f32,
    /// Round trip from RTCP, ms, when known.
    pub round_trip_ms: Option<f32>,
    /// Samples made up by concealment, as a share of the last second.
    pub concealed: f32,
    /// SRTP profile or `none`.
    pub keying: String,
    /// Level of what was heard in the last second, dBov.
    pub level_in_dbov: f32,
    /// Level of what was sent in the last second, dBov.
    pub level_out_dbov: f32,
    /// Quality of what is heard as people would score it, 1 to 4.5 (ITU-T G.107); `None` before the first packets.
    pub mos: Option<f32>,
    /// How the far end scores what it hears of us, where it says so (RTCP XR).
    pub remote_mos: Option<f32>,
    /// One side seems not to hear the other.
    pub one_way: Option<OneWay>,
}

/// Sound that seems to go one way only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OneWay {
    /// The microphone gives digital silence for five seconds or more: the customer cannot hear the agent. Also while
    /// muted; whoever muted knows.
    MicrophoneSilent,
    /// Our packets do not arrive: the far end reports that it received nothing of ours, or says nothing at all though
    /// it did before.
    NotArriving,
    /// No packets come in although they should: the agent cannot hear the customer.
    NothingReceived,
}
