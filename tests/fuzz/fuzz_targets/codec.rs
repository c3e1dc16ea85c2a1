//! Payloads of one codec. The first byte chooses it; then payloads, each behind its length in two bytes.
#![no_main]

#[path = "../src/cut.rs"]
mod cut;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    if let Some((which, rest)) = data.split_first() {
        sidetone_media::fuzzing::payloads(*which, cut::pieces(rest).take(64));
    }
});
