//! A WAV file that is played as microphone or ringtone.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| sidetone_media::fuzzing::wav(data));
