//! A registered phone and the messages that it gets, each ended by a zero byte; `call` as a message lets it call.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    sidetone_sip::fuzzing::core(data.split(|byte| *byte == 0).take(12));
});
