//! SIP over TCP or TLS: where one message ends. The first byte says how the stream is cut into pieces.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    if let Some((size, stream)) = data.split_first() {
        sidetone_sip::fuzzing::stream(stream, usize::from(*size));
    }
});
