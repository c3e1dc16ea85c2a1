//! RTCP alone: reports, extended reports and goodbyes, each behind its length in two bytes.
#![no_main]

#[path = "../src/cut.rs"]
mod cut;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    sidetone_media::fuzzing::reports(cut::pieces(data).take(64));
});
