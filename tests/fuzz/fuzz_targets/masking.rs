//! Masking of anything at all: the number is never left, and masking twice is masking once.
#![no_main]

use sidetone_profile::{MaskLevel, Masking};

const NUMBER: &str = "5550123";

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    for level in [MaskLevel::Partial, MaskLevel::Full] {
        let masking = Masking {
            name: level,
            email: level,
            number: level,
        };
        for masked in [
            masking.number(&text),
            masking.name(&text),
            masking.whoever(&text),
            masking.text(&text, "Grace Hopper", NUMBER),
            masking.variable("RecordId", &text, "Grace Hopper", NUMBER),
            masking.variable(&text, NUMBER, "", NUMBER),
        ] {
            assert!(!masked.contains(NUMBER), "{masked}");
        }
        let once = masking.name(&text);
        assert_eq!(masking.name(&once), once);
    }
});
