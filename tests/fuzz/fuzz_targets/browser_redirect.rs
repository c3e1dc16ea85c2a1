//! A request to the loopback port that waits for the browser at a sign-in: any web page may send one.
#![no_main]

use sidetone_motion::fuzzing;

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzzing::redirect(data));
