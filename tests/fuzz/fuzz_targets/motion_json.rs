//! The server's other documents, its realtime frames (a line each) and its address as a person types it.
#![no_main]

use sidetone_motion::fuzzing;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    fuzzing::documents(&text);
    fuzzing::frames(&text);
    fuzzing::address(&text);
});
