//! Connections that go in the middle of a call, and callers that go before it.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sidetone_interop::phone::PATIENCE;

use crate::centre::{Centre, port_of};
use crate::desk::{Desk, is_green};
use crate::forwarder::Forwarder;

/// The far end knows, soon, that a call is over.
#[track_caller]
fn assert_ended(centre: &Centre) {
    let end = Instant::now() + PATIENCE;
    while centre.last_call()["state"] != "ended" {
        assert!(Instant::now() < end, "{}", centre.last_call());
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_call_goes_on_while_the_contact_centre_is_gone() {
    let centre = Centre::open(&[]);
    let wire = Forwarder::to(centre.port());
    let server = format!("https://localhost:{}", wire.port());
    let mut desk = centre.desk_at(&server, "anna", centre.password());
    desk.green();
    desk.tell("dial 601");
    desk.call("up");
    desk.hears();

    wire.cut();
    let words = desk.says("link_down");
    assert!(words.contains("Calls still work"), "{words}");
    desk.hears();
    desk.tell("pause Lunch");
    desk.says("presence_failed");
    desk.hears();
    desk.hang_up();
    assert_ended(&centre);
    // The phone itself is as ready as before.
    desk.tell("dial 601");
    desk.call("up");
    desk.hears();

    wire.mend();
    desk.wait("the contact centre's word", |event| {
        event["event"] == "state" && event["stale"] == false
    });
    desk.tell("pause Lunch");
    desk.wait("the pause", |event| event["reason"] == "Lunch");
    desk.hears();
    desk.hang_up();
    desk.quit();
}

#[test]
fn a_call_goes_on_while_the_phone_server_is_cut_off() {
    let centre = Centre::open(&[]);
    let account = centre.sip_account("anna");
    let wss = account["wssUrl"].as_str().expect("an address");
    let wire = Forwarder::to(port_of(wss));
    let profile = json!({
        "fullname": "Anna Keller", "allow": ["opus"],
        "sip": {
            "user": account["user"], "secret": { "fd": 0 }, "domain": account["domain"],
            "wssUrl": format!("wss://localhost:{}/ws", wire.port()),
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
    let secret = account["secret"].as_str().expect("a secret");
    let mut desk = Desk::start(centre.folder(), secret, &arguments);
    desk.green();
    desk.tell("dial 601");
    desk.call("up");
    desk.hears();

    wire.cut();
    desk.says("registration_unreachable");
    desk.hears();
    wire.mend();
    desk.wait("the green light again", is_green);
    desk.hears();
    desk.hang_up();
    assert_ended(&centre);
    assert_eq!(centre.last_call()["endedBy"], "agent");
    desk.quit();
}

#[test]
fn a_hang_up_without_a_connection_ends_the_call_here() {
    let centre = Centre::open(&[]);
    let account = centre.sip_account("anna");
    let wire = Forwarder::to(port_of(account["wssUrl"].as_str().expect("an address")));
    let profile = json!({
        "allow": ["opus"],
        "sip": {
            "user": account["user"], "secret": { "fd": 0 }, "domain": account["domain"],
            "wssUrl": format!("wss://localhost:{}/ws", wire.port()),
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
    let secret = account["secret"].as_str().expect("a secret");
    let mut desk = Desk::start(centre.folder(), secret, &arguments);
    desk.green();
    desk.tell("dial 601");
    desk.call("up");
    wire.cut();
    desk.says("registration_unreachable");
    desk.hang_up();
    desk.quit();
}

#[test]
fn a_caller_who_gives_up_is_not_answered() {
    let centre = Centre::open(&[]);
    centre.set(
        "anna",
        json!({ "phoneBarAutoAnswer": true, "phoneBarAutoAnswerDelay": 20 }),
    );
    let mut desk = centre.ready("anna");
    let call = centre.customer(json!({ "name": "Vera Lind", "patienceSeconds": 2.0 }));
    let ringing = desk.call("ringing");
    assert_eq!(ringing["name"], "Vera Lind");
    assert_eq!(ringing["auto_answer"]["total_ms"], 20_000);
    desk.says("call_missed");
    let answered = |event: &Value| event["state"] == "up" || event["state"] == "answering";
    assert!(
        !desk.said().iter().any(answered),
        "nobody was there to answer"
    );
    let call = centre.call(call);
    assert_eq!(call["answeredBy"], Value::Null, "{call}");
    // The next customer is taken.
    desk.tell("dial 601");
    desk.call("up");
    desk.hears();
    desk.hang_up();
    desk.quit();
}
