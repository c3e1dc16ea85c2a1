//! An agent without a contact-centre server: what a server would set stands in a file.

use serde_json::json;
use sidetone_interop::centre::Centre;
use sidetone_interop::desk::Desk;

/// Starts a phone whose file has these settings; the telephone system alone is the centre's.
fn phone(centre: &Centre, settings: &str) -> Desk {
    let account = centre.sip_account("anna");
    let text = |field: &str| account[field].as_str().unwrap_or_default();
    let file = centre.own_folder("anna").join("profile.toml");
    let profile = format!(
        "[sip]\nuser = '{}'\ndomain = '{}'\nwssUrl = '{}'\nsecret = {{ fd = 0 }}\n\n[settings]\n{settings}\n",
        text("user"),
        text("domain"),
        text("wssUrl"),
    );
    std::fs::write(&file, profile).expect("a profile");
    let file = file.display().to_string();
    let arguments = [
        "--sip-profile",
        &file,
        "--audio",
        "null",
        "--ca",
        centre.ca(),
    ];
    Desk::start(&centre.own_folder("anna"), text("secret"), &arguments)
}

#[test]
fn a_file_sets_what_a_server_would_and_names_what_it_cannot() {
    let centre = Centre::open(&[]);
    centre.set("ben", json!({ "phoneBarAutoAnswer": false }));
    let mut ben = centre.ready_with("ben", &[]);
    let mut anna = phone(
        &centre,
        "phoneBarAutoAnswer = true\nphoneBarAutoAnswerDelay = 0\nprivacyEnabled = true",
    );
    anna.green();
    ben.tell("dial 201");
    let up = anna.call("up");
    assert!(
        !up.to_string().contains("202"),
        "the number is masked: {up}"
    );
    ben.hang_up();
    anna.quit();
    let mut mistyped = phone(&centre, "phonebarautoanswer = true");
    let words = mistyped.ends(1);
    assert!(words.contains("phoneBarAutoAnswer is one"), "{words}");
    ben.quit();
}
