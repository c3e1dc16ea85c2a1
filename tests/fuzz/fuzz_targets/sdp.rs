//! A session description, as offer and as answer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    sidetone_media::fuzzing::description(&String::from_utf8_lossy(data));
});
