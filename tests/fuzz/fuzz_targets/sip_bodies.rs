//! Bodies of NOTIFY (the report of a transfer, another phone's state, waiting messages), and the headers that say
//! where a call comes from. The first byte chooses.
#![no_main]

use sidetone_sip::fuzzing::{dialog_info, message_summary, origin, sipfrag};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Some((which, body)) = data.split_first() else {
        return;
    };
    match which % 4 {
        0 => sipfrag(body),
        1 => dialog_info(&String::from_utf8_lossy(body)),
        2 => message_summary(body),
        _ => origin(&String::from_utf8_lossy(body)),
    }
});
