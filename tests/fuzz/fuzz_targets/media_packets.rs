//! RTP, RTCP and telephone events, each packet behind its length in two bytes.
#![no_main]

#[path = "../src/cut.rs"]
mod cut;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    sidetone_media::fuzzing::packets(cut::pieces(data).take(64));
});
