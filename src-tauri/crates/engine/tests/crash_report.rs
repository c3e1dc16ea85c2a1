//! What a crash says of a customer whose data is masked: the words of the panic, on standard error.

use std::process::Command;

use sidetone_engine::logging;

const CRASH: &str = "SIDETONE_TEST_CRASH";
const NUMBER: &str = "+15550123456";
const NAME: &str = "Zoë Kundera";

/// What this program says when it crashes in a call, masked or not.
fn crash_report(masked: bool) -> String {
    let crashed = Command::new(std::env::current_exe().expect("a running test has a path"))
        .args(["--exact", "a_crash_names_no_masked_customer", "--nocapture"])
        .env(CRASH, if masked { "masked" } else { "clear" })
        .env("RUST_BACKTRACE", "1")
        .output()
        .expect("it starts again");
    assert!(!crashed.status.success(), "it was to crash");
    String::from_utf8_lossy(&crashed.stderr).into_owned()
}

fn crash(masked: bool) {
    logging::start("info");
    if masked {
        logging::mask_calls(true);
        logging::conceal(NUMBER, "•••456");
        logging::conceal(NAME, "•••");
    }
    panic!(
        "the call of {NAME} at +1 (555) 012-3456 broke:\r\n\
         INVITE sip:1001@192.0.2.1 SIP/2.0\r\nFrom: \"{NAME}\" <sip:{NUMBER}@192.0.2.1>;tag=1\r\n\
         Authorization: Digest username=\"1001\", response=\"0123456789abcdef\"\r\n\r\n"
    );
}

#[test]
fn a_crash_names_no_masked_customer() {
    match std::env::var(CRASH).as_deref() {
        Ok("masked") => return crash(true),
        Ok(_) => return crash(false),
        Err(_) => {}
    }
    let squeezed =
        |text: &str| -> String { text.chars().filter(|c| !" -()".contains(*c)).collect() };
    let clear = crash_report(false);
    assert!(clear.contains("crash_report.rs"), "no report: {clear}");
    assert!(clear.contains(NAME) && squeezed(&clear).contains("5550123456"));
    assert!(!clear.contains("0123456789abcdef"), "{clear}");
    let masked = crash_report(true);
    assert!(masked.contains("crash_report.rs"), "no report: {masked}");
    assert!(
        !masked.contains("Kundera") && !squeezed(&masked).contains("0123456"),
        "{masked}"
    );
}
