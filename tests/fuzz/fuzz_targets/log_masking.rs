//! A customer's value in a line of the log.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    let mut lines = text.splitn(3, '\n');
    let mut next = || lines.next().unwrap_or_default();
    sidetone_engine::fuzzing::concealed(next(), next(), next());
});
