//! How a phone that is not WebRTC meets the telephone system.

use serde_json::{Value, json};
use sidetone_interop::centre::Centre;
use sidetone_interop::desk::Desk;
use sidetone_interop::local::free_port;

/// A call to what sounds for ever; gives its numbers once there are some.
fn call_the_tone(desk: &mut Desk) -> Value {
    desk.tell("dial 601");
    desk.call("up");
    desk.wait("statistics", |event| event["event"] == "media")
}

#[test]
fn encryption_holds_from_the_next_call_and_plain_sound_is_refused_in_words() {
    let centre = Centre::open(&[]);
    let mut dana = centre.ready_with("dana", &[]);
    let plain = call_the_tone(&mut dana)["keying"].clone();
    dana.hears();
    dana.hang_up();
    centre.set("dana", json!({ "encryption": true }));
    dana.says("settings_changed");
    let encrypted = call_the_tone(&mut dana)["keying"].clone();
    dana.hears();
    dana.hang_up();
    assert_eq!(plain, "none");
    let name = encrypted.as_str().unwrap_or_default();
    assert!(name.starts_with("AES_"), "{encrypted}");
    dana.quit();

    // The telephone system knows nothing of it: what IT's policy wants of this machine is not given up.
    centre.set("dana", json!({ "encryption": false }));
    let policy = centre.policy("[profile]\nencryption = true\n");
    let mut dana = centre.ready_with("dana", &["--policy", &policy]);
    let mut ben = centre.ready_with("ben", &[]);
    ben.tell("dial 204");
    ben.call("ended");
    let ended = dana.call("ended");
    let words = ended["words"].as_str().unwrap_or_default();
    assert!(words.contains("encryption is required"), "{ended}");
    assert!(!dana.has_said(|event| event["event"] == "call" && event["state"] == "up"));
    ben.quit();
    dana.quit();
}

#[test]
fn sound_from_another_address_than_the_one_named_is_heard_where_the_server_says_so() {
    // The telephone system is behind an address translator and names an address where it is not.
    let centre = Centre::open(&["--rtp-address", "127.0.0.2"]);
    centre.set("dana", json!({ "nat": "no" }));
    let mut dana = centre.ready_with("dana", &[]);
    call_the_tone(&mut dana);
    let later = dana.wait("statistics", |event| event["event"] == "media");
    assert_eq!(later["packets_received"], 0, "{later}");
    dana.hang_up();
    centre.set("dana", json!({ "nat": "comedia" }));
    dana.says("settings_changed");
    call_the_tone(&mut dana);
    dana.hears();
    dana.hang_up();
    dana.quit();
}

#[test]
fn the_outbound_proxy_is_the_way_to_the_telephone_system() {
    let centre = Centre::open(&[]);
    let mut dana = centre.ready_with("dana", &[]);
    // Nobody is at the proxy: there is no other way.
    let nobody = format!("127.0.0.1:{}", free_port());
    centre.set("dana", json!({ "phoneBarOutboundProxy": nobody }));
    dana.says("settings_changed");
    dana.state("light", "red");
    // The proxy is the telephone system itself.
    let account = centre.sip_account("dana");
    let port = account["port"].as_u64().expect("a port");
    let proxy = format!("127.0.0.1:{port}");
    centre.set("dana", json!({ "phoneBarOutboundProxy": proxy }));
    dana.green();
    call_the_tone(&mut dana);
    dana.hears();
    dana.hang_up();
    dana.quit();
}

#[test]
fn an_agent_at_a_fixed_address_calls_without_being_registered() {
    let centre = Centre::open(&[]);
    let status = || centre.agent("dana")["live"]["phoneStatus"].clone();
    let registered = |wanted: bool| {
        centre.until("the phone's registration", || {
            ((status() != "unregistered") == wanted).then_some(())
        });
    };
    centre.set("dana", json!({ "host": "127.0.0.1" }));
    let mut dana = centre.ready_with("dana", &[]);
    call_the_tone(&mut dana);
    dana.hears();
    dana.hang_up();
    assert_eq!(status(), "unregistered");
    centre.set("dana", json!({ "host": "dynamic" }));
    dana.says("settings_changed");
    registered(true);
    centre.set("dana", json!({ "host": "127.0.0.1" }));
    registered(false);
    dana.quit();
}
