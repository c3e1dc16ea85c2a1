//! A SIP message as one datagram or WebSocket frame.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| sidetone_sip::fuzzing::message(data));
