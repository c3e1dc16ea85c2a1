//! From RTP packets to blocks: jitter buffer, decoder, concealment.

use std::time::Duration;

use sidetone_profile::Codec;

use crate::Block;
use crate::codec::OpusTuning;
use crate::jitter::JitterBuffer;

/// One RTP packet's audio.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RtpIn<'a> {
    /// Payload type.
    pub(crate) payload_type: u8,
    /// Sequence number.
    pub(crate) sequence: u16,
    /// Timestamp, ticks.
    pub(crate) timestamp: u32,
    /// Marker bit.
    pub(crate) marker: bool,
    /// Payload without padding.
    pub(crate) payload: &'a [u8],
    /// Synchronisation source.
    pub(crate) ssrc: u32,
}

/// Numbers of a receiver, since its start unless said otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct ReceiveStats {
    /// Packets that came too late to be played.
    pub(crate) late: u64,
    /// Packets that came twice.
    pub(crate) duplicate: u64,
    /// Samples made up, as a share of the last second.
    pub(crate) concealed_share: f32,
    /// Delay that the buffer adds now, ms.
    pub(crate) buffer_ms: f32,
    /// Delay that the buffer aims at, ms.
    pub(crate) target_ms: f32,
}

/// Plays one stream: takes packets as they come, gives a block every 10 ms. `now` is the time since the session began.
#[derive(Debug)]
pub(crate) struct AudioReceiver {
    payload_types: Vec<(u8, Codec)>,
    buffer: JitterBuffer,
}

impl AudioReceiver {
    pub(crate) fn new() -> Self {
        Self {
            payload_types: Vec::new(),
            buffer: JitterBuffer::new(),
        }
    }

    /// What decoders may spend; for what is to come.
    pub(crate) fn tune(&mut self, tuning: OpusTuning) {
        self.buffer.tune(tuning);
    }

    /// Says which payload types carry which codec, from now on.
    pub(crate) fn set_payload_types(&mut self, types: &[(u8, Codec)]) {
        self.payload_types = types.to_vec();
    }

    /// Takes a packet. Packets of other payload types (telephone-event) must be given too: they explain gaps.
    pub(crate) fn insert(&mut self, now: Duration, packet: &RtpIn<'_>) {
        let codec = self
            .payload_types
            .iter()
            .find(|(payload_type, _)| *payload_type == packet.payload_type)
            .map(|(_, codec)| *codec);
        self.buffer.insert(now, packet, codec);
    }

    /// Gives the next 10 ms.
    pub(crate) fn pull(&mut self, now: Duration, block: &mut Block) {
        self.buffer.pull(now, block);
    }

    /// Numbers now.
    pub(crate) fn stats(&self) -> ReceiveStats {
        self.buffer.stats()
    }
}
