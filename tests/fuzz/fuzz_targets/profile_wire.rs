//! The server's agent document. What was understood is written and read again: it must be the same.
#![no_main]

use sidetone_profile::wire;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Ok(document) = serde_json::from_slice(data) else {
        return;
    };
    if let Ok((mut profile, faults)) = wire::read(&document) {
        for fault in faults {
            let _ = fault.to_string();
        }
        // Not a setting of the agent: it is not written.
        profile.affiliation = sidetone_profile::Affiliation::default();
        let again = wire::read(&serde_json::Value::Object(wire::write(&profile)))
            .map(|(profile, _)| profile);
        assert_eq!(again, Ok(profile));
    }
});
