//! A phone at a SIP server, with no contact centre behind it.

use std::path::Path;

use serde_json::{Value, json};
use sidetone_interop::WorkDir;
use sidetone_interop::compare::{Sound, compare};
use sidetone_interop::speech;

use crate::centre::Centre;
use crate::desk::Desk;
use crate::false_server::{Authority, Identity};

/// Seconds of one's own speech that must come back.
const ENOUGH_S: f32 = 3.0;

/// Calls the echo, and hears its own speech come back.
fn hears_itself(centre: &Centre, profile: &Value, secret: &str) {
    let said = speech::agent().expect("the agent's speech");
    let heard = centre.folder().join("heard.wav");
    let file = centre.folder().join("profile.json");
    std::fs::write(&file, profile.to_string()).expect("a profile");
    let plain = |path: &Path| path.to_str().expect("a plain name").to_owned();
    let sound = format!("file:{},{}", plain(&said), plain(&heard));
    let file = plain(&file);
    let arguments = [
        "--sip-profile",
        &file,
        "--audio",
        &sound,
        "--ca",
        centre.ca(),
    ];
    let mut desk = Desk::start(centre.folder(), secret, &arguments);
    desk.green();
    desk.tell("dial 600");
    desk.call("up");
    desk.wait("six seconds of it", |event| {
        event["event"] == "media" && event["packets_received"].as_u64() > Some(300)
    });
    desk.hang_up();
    desk.quit();
    let read = |path: &Path| Sound::read(path).expect("a recording");
    let comparison = compare(&read(&heard), &read(&said)).expect("some speech");
    assert!(comparison.is_good(ENOUGH_S), "{comparison:?}");
}

#[test]
fn over_a_web_socket_one_hears_oneself() {
    let centre = Centre::open(&[]);
    let account = centre.sip_account("anna");
    let profile = json!({
        "fullname": "Anna Keller", "allow": ["opus"],
        "sip": {
            "user": account["user"], "secret": { "fd": 0 }, "domain": account["domain"],
            "wssUrl": account["wssUrl"],
        },
    });
    hears_itself(
        &centre,
        &profile,
        account["secret"].as_str().expect("a secret"),
    );
}

#[test]
fn over_udp_one_hears_oneself() {
    let centre = Centre::open(&[]);
    centre.set(
        "anna",
        json!({ "typology": "phonebar", "encryption": "no" }),
    );
    let account = centre.sip_account("anna");
    let profile = json!({
        "fullname": "Anna Keller", "allow": ["alaw"], "typology": "phonebar", "encryption": "no",
        "sip": {
            "user": account["user"], "secret": { "fd": 0 }, "domain": account["domain"],
            "transport": "udp", "host": account["host"], "port": account["port"],
        },
    });
    hears_itself(
        &centre,
        &profile,
        account["secret"].as_str().expect("a secret"),
    );
}

#[test]
fn a_wrong_secret_has_a_sentence() {
    let centre = Centre::open(&[]);
    let account = centre.sip_account("anna");
    let profile = json!({
        "sip": {
            "user": account["user"], "secret": { "fd": 0 }, "domain": account["domain"],
            "wssUrl": account["wssUrl"],
        },
    });
    let file = centre.folder().join("profile.json");
    std::fs::write(&file, profile.to_string()).expect("a profile");
    let file = file.to_str().expect("a folder with a plain name");
    let arguments = [
        "--sip-profile",
        file,
        "--audio",
        "null",
        "--ca",
        centre.ca(),
    ];
    let mut desk = Desk::start(centre.folder(), "not the secret", &arguments);
    let words = desk.says("registration_refused");
    assert!(words.contains("administrator"), "{words}");
    desk.tell("dial 600");
    desk.says("not_ready_to_call");
    desk.quit();
}

#[test]
fn a_phone_server_that_cannot_be_trusted_has_a_sentence() {
    let folder = WorkDir::new("bad-input").expect("a folder for the test");
    let ca = Authority::new().keep_in(folder.path());
    let server = Identity::self_signed("localhost").serve("200 OK", "text/plain", "");
    let profile = json!({
        "sip": {
            "user": "201", "secret": { "fd": 0 }, "domain": "sandbox.example",
            "wssUrl": server.replacen("https", "wss", 1),
        },
    });
    let file = folder.file("profile.json");
    std::fs::write(&file, profile.to_string()).expect("a profile");
    let plain = |path: &Path| path.to_str().expect("a plain name").to_owned();
    let (file, ca) = (plain(&file), plain(&ca));
    let arguments = ["--sip-profile", &file, "--audio", "null", "--ca", &ca];
    let mut desk = Desk::start(folder.path(), "secret", &arguments);
    let words = desk.says("registration_certificate");
    assert!(words.contains("self-signed"), "{words}");
    desk.quit();
}
