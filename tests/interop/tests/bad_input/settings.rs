//! Profiles and machines with something missing.

use serde_json::json;

use crate::centre::Centre;

#[test]
fn an_unknown_codec_is_named_and_the_others_serve() {
    let centre = Centre::open(&[]);
    centre.set("anna", json!({ "allow": ["hologram", "opus"] }));
    let mut desk = centre.desk("anna");
    let words = desk.says("profile_fault");
    assert!(words.contains("hologram"), "{words}");
    desk.green();
    desk.tell("dial 601");
    desk.call("up");
    desk.hears();
    // In the middle of a call, too.
    centre.set("anna", json!({ "allow": ["telegraph", "opus"] }));
    let words = desk.says("profile_fault");
    assert!(words.contains("telegraph"), "{words}");
    desk.hears();
    desk.hang_up();
    desk.quit();
}

#[test]
fn without_a_codec_the_light_is_red_until_there_is_one() {
    let centre = Centre::open(&[]);
    centre.set("anna", json!({ "allow": [] }));
    let mut desk = centre.desk("anna");
    let words = desk.says("no_codec");
    assert!(words.contains("opus"), "{words}");
    desk.tell("dial 601");
    desk.says("no_codec");
    centre.set("anna", json!({ "allow": ["alaw"] }));
    desk.green();
    desk.tell("dial 601");
    desk.call("up");
    // Taken away in the middle of a call, the codec serves to the end of it.
    centre.set("anna", json!({ "allow": [] }));
    desk.says("no_codec");
    desk.hears();
    desk.hang_up();
    desk.quit();
}

#[cfg(target_os = "linux")]
#[test]
fn without_a_sound_device_a_call_still_stands() {
    use crate::desk::Desk;

    let centre = Centre::open(&[]);
    let nothing = centre.folder().join("no-sound.conf");
    std::fs::write(&nothing, "").expect("a file");
    let arguments = [
        ["--server", centre.server()],
        ["--user", "anna"],
        ["--password-fd", "0"],
        ["--audio", "device"],
        ["--ca", centre.ca()],
    ];
    let mut desk = Desk::start_with(
        centre.folder(),
        Some(centre.password()),
        &arguments.concat(),
        &[("ALSA_CONFIG_PATH", nothing.as_os_str())],
    );
    desk.green();
    desk.tell("dial 601");
    desk.call("up");
    // Nobody hears it, but the customer is not cut off while the agent looks for the headset.
    desk.hears();
    let named = |event: &serde_json::Value| event["notice"]["code"] == "device_fault";
    let notice = desk.said().iter().find(|event| named(event));
    let words = notice.and_then(|event| event["words"].as_str());
    assert!(
        words.is_some_and(|w| w.contains("Plug one in")),
        "{words:?}"
    );
    desk.hang_up();
    desk.quit();
}
