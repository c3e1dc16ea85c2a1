//! The profile file of `sidetone-headless --sip-profile`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    sidetone_engine::fuzzing::standalone_profile(&String::from_utf8_lossy(data));
});
