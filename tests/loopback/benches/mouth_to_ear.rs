//! Mouth to ear through null sinks of a PulseAudio of its own, without the network's share: printed, not judged.
//!
//! Left out, with the reason printed, where PulseAudio is not installed.
#![allow(missing_docs)]

#[cfg(target_os = "linux")]
#[path = "../tests/null_devices/mod.rs"]
mod null_devices;

#[cfg(target_os = "linux")]
fn main() {
    use null_devices::{DEVICES, NullDevices};
    use sidetone_loopback::result::Results;

    /// Where the sound system's clocks stand towards each other differs from call to call by ten milliseconds and more.
    const CALLS: usize = 9;

    // `cargo test --benches` has nothing to measure.
    if !std::env::args().any(|word| word == "--bench") {
        return;
    }
    let devices = match NullDevices::start("bench") {
        Ok(devices) => devices,
        Err(reason) => return println!("mouth to ear is left out: {reason}"),
    };
    for (name, processing) in [
        ("without voice processing", &["--no-processing"][..]),
        ("with voice processing", &[]),
    ] {
        let call = [
            "--speaker",
            "Speaker",
            "--seconds",
            "12",
            "--no-visqol",
            "--json",
        ];
        let arguments = [&DEVICES[..], &call, processing].concat();
        let mut delays: Vec<f64> = (0..CALLS)
            .filter_map(|_| {
                let output = devices.harness(&arguments);
                let delay = serde_json::from_slice(&output.stdout)
                    .ok()
                    .and_then(|results: Results| results.runs.first()?.numbers.delay_ms);
                if delay.is_none() {
                    eprintln!("{}", String::from_utf8_lossy(&output.stderr));
                }
                delay.map(f64::from)
            })
            .collect();
        delays.sort_by(f64::total_cmp);
        let told: Vec<String> = delays.iter().map(|ms| format!("{ms:.0}")).collect();
        match delays.get(delays.len() / 2) {
            Some(median) => println!(
                "mouth to ear, Opus over DTLS-SRTP, {name}: {median:.0} ms (median of {} calls: {})",
                delays.len(),
                told.join(", ")
            ),
            None => println!("mouth to ear, {name}: no call could be measured"),
        }
    }
}

#[cfg(not(target_os = "linux"))]
fn main() {
    println!("mouth to ear is measured on Linux only");
}
