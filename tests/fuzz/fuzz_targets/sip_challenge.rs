//! Digest challenges and answers.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    sidetone_sip::fuzzing::challenge(&String::from_utf8_lossy(data));
});
