//! IT's policy file.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    sidetone_engine::fuzzing::policy(&String::from_utf8_lossy(data));
});
