//! What STUN and TURN servers answer, as datagrams and as a stream.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    sidetone_media::fuzzing::relay(data);
});
