//! Media keys over a line that loses packets: DTLS in either role, with a far end that has an ECDSA or an RSA
//! certificate. Once each; thirty times each in `cargo xtask test --long`, which sets `SIDETONE_LONG`.

use std::process::Command;

use serde_json::json;
use sidetone_interop::asterisk::{Asterisk, RSA_ACCOUNT, isolated};
use sidetone_interop::namespace::ADDRESS;
use sidetone_interop::phone::{Identity, Phone};
use sidetone_interop::{WorkDir, speech};

/// Percent of the packets to and from Asterisk's media ports that are lost, each way.
const LOSS: u32 = 15;

fn rounds() -> usize {
    if std::env::var_os("SIDETONE_LONG").is_some() {
        30
    } else {
        1
    }
}

/// From now on, in this network namespace. On the way in, so that no sender notices.
fn lose_packets() {
    let rule = |ports: &str| {
        format!(
            "add rule inet lossy in udp {ports} 20000-20400 numgen random mod 100 < {LOSS} drop\n"
        )
    };
    let rules = format!(
        "add table inet lossy\nadd chain inet lossy in {{ type filter hook input priority 0; }}\n{}{}",
        rule("dport"),
        rule("sport")
    );
    let folder = WorkDir::new("rules").expect("a folder");
    let file = folder.file("rules");
    std::fs::write(&file, rules).expect("written");
    let status = Command::new("nft").arg("-f").arg(&file).status();
    let status = status.expect("nft (nftables) starts: `cargo xtask setup` installs it");
    assert!(status.success(), "the rules were not taken");
}

fn calls(user: &str) {
    let folder = WorkDir::new("lossy").expect("a folder for the run");
    let mut asterisk =
        Asterisk::start_with_rsa(folder.path(), &speech::customer().expect("speech"))
            .unwrap_or_else(|error| panic!("{error}"));
    let identity = Identity::Account {
        user,
        secret: asterisk.secret(user),
        domain: ADDRESS,
        wss: &asterisk.wss_url(),
        settings: json!({ "allow": ["ulaw"] }),
    };
    let said = speech::agent().expect("speech");
    let mut phone =
        Phone::start(&identity, folder.path(), &asterisk.ca(), &said).expect("the phone starts");
    phone.green().unwrap_or_else(|said| panic!("{said}"));
    lose_packets();
    for round in 0..rounds() {
        // The one who is called is the client of DTLS: Asterisk first, then the phone.
        phone.tell("dial 600").expect("the phone runs");
        set_up(&mut phone, user, &format!("calling, round {round}"));
        asterisk
            .ami
            .action(&[
                ("Action", "Originate"),
                ("Channel", &format!("PJSIP/{user}")),
                ("Application", "Echo"),
                ("Async", "true"),
            ])
            .expect("Asterisk calls");
        phone
            .call("ringing")
            .unwrap_or_else(|said| panic!("{said}"));
        phone.tell("answer").expect("the phone runs");
        set_up(&mut phone, user, &format!("called, round {round}"));
    }
    assert!(phone.quit().expect("the phone ends").success());
}

/// Waits until what was said came back, decrypted both ways, and hangs up.
fn set_up(phone: &mut Phone, user: &str, what: &str) {
    phone
        .call("up")
        .unwrap_or_else(|said| panic!("{user}, {what}: {said}"));
    let media = phone
        .listen(1)
        .unwrap_or_else(|said| panic!("{user}, {what}: {said}"));
    let keying = media["keying"].as_str().unwrap_or_default();
    assert!(
        keying.starts_with("AE"),
        "{user}, {what}: without keys: {media}"
    );
    phone.tell("hangup").expect("the phone runs");
    phone
        .call("ended")
        .unwrap_or_else(|said| panic!("{user}, {what}: {said}"));
}

#[test]
#[ignore = "needs root and Debian: cargo xtask test --only interop"]
fn keys_are_agreed_with_an_ecdsa_certificate_over_a_lossy_line() {
    isolated(
        "keys_are_agreed_with_an_ecdsa_certificate_over_a_lossy_line",
        || calls("201"),
    );
}

#[test]
#[ignore = "needs root and Debian: cargo xtask test --only interop"]
fn keys_are_agreed_with_an_rsa_certificate_over_a_lossy_line() {
    isolated(
        "keys_are_agreed_with_an_rsa_certificate_over_a_lossy_line",
        || calls(RSA_ACCOUNT),
    );
}
