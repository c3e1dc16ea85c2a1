//! IT's policy file as JSON, and what a screen pop may open by it.
#![no_main]

use sidetone_profile::{Policy, PopTarget};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    let target = PopTarget::Url(text.clone().into_owned());
    if let Ok(document) = serde_json::from_slice(data) {
        let (policy, faults) = Policy::read(&document);
        for fault in faults {
            let _ = fault.to_string();
        }
        let _ = policy.screen_pop.permits(&target, Some("motion.example.com"));
    }
    let nobody = Policy::default().screen_pop;
    if nobody.permits(&target, Some("motion.example.com")).is_ok() {
        // Nothing but the server itself is allowed: no trick may lead elsewhere.
        let after = text.split_once("://").map_or("", |(_, rest)| rest);
        assert!(after.to_ascii_lowercase().starts_with("motion.example.com"));
    }
    let program = PopTarget::Program {
        path: text.into_owned(),
        args: Vec::new(),
    };
    assert!(nobody.permits(&program, None).is_err());
});
