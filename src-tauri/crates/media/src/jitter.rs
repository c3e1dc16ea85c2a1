//! Plain jitter buffer.

use std::time::Duration;

use sidetone_profile::Codec;

use crate::Block;
use crate::receive::{ReceiveStats, RtpIn};

#[derive(Debug)]
pub(crate) struct JitterBuffer {}

impl JitterBuffer {
    pub(crate) fn new() -> Self {
        Self {}
    }

    pub(crate) fn insert(&mut self, now: Duration, packet: &RtpIn<'_>, codec: Option<Codec>) {
        let _ = (now, packet, codec);
    }

    pub(crate) fn pull(&mut self, now: Duration, block: &mut Block) {
        let _ = now;
        block.fill(0.0);
    }

    pub(crate) fn stats(&self) -> ReceiveStats {
        ReceiveStats::default()
    }
}
