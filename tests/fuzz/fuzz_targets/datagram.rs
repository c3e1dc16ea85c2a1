//! STUN and DTLS before a call's keys are agreed. The first byte is our role; then datagrams, each behind its length
//! in two bytes.
#![no_main]

use std::sync::Once;

#[path = "../src/cut.rs"]
mod cut;

static PROVIDER: Once = Once::new();

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    PROVIDER.call_once(|| {
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
    if let Some((role, rest)) = data.split_first() {
        sidetone_media::fuzzing::datagrams(role & 1 == 1, cut::pieces(rest).take(16));
    }
});
