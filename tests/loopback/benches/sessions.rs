//! How many of the phone's sessions one core carries in virtual time, codec by codec: printed, not judged.
#![allow(missing_docs)]

use sidetone_loopback::measure::measure;
use sidetone_loopback::plan;
use sidetone_loopback::speech::{Talk, VOICES};

/// Long enough that set-up does not count.
const SECONDS: u32 = 68;

fn main() {
    // `cargo test --benches` has nothing to measure.
    if !std::env::args().any(|word| word == "--bench") {
        return;
    }
    let said = match Talk::of(&VOICES, SECONDS) {
        Ok(said) => said,
        Err(fault) => return println!("sessions per core are left out: {fault}"),
    };
    println!(
        "{:<20} {:>20} {:>18}",
        "call over DTLS-SRTP", "times real time", "sessions per core"
    );
    for profile in ["pristine", "loss-5"] {
        for (codec, _) in plan::CODECS {
            for run in plan::runs(&[profile.into()], &[codec.into()], &["dtls".into()]) {
                let call = measure(&run, &said, 1, false);
                let times = call.simulated.as_secs_f64() / call.took.as_secs_f64().max(1e-9);
                // Each call has two of them.
                println!("{:<20} {times:>20.0} {:>18.0}", run.name(), 2.0 * times);
            }
        }
    }
}
