//! The file with the last good profile, which anything on this machine may have written.
#![no_main]

use sidetone_engine::fuzzing;

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzzing::kept_profile(data));
