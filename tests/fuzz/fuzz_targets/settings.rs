//! `settings.json`, and the filter that blanks secrets in the log.
#![no_main]

use sidetone_engine::fuzzing;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    fuzzing::settings(data);
    fuzzing::log_line(&String::from_utf8_lossy(data));
});
