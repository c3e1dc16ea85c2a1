//! `sidetone-headless` and baresip straight at each other: plain RTP and SDES-SRTP, and what each of them hears.

use serde_json::json;
use sidetone_interop::baresip::{Baresip, PORT, compare_both, heard_by_both};
use sidetone_interop::compare::Comparison;
use sidetone_interop::namespace::isolated;
use sidetone_interop::phone::{Identity, Phone};
use sidetone_interop::{WorkDir, speech};

fn call(encrypted: bool) {
    heard_by_both(|| talk(encrypted));
}

/// One call; what the phone and what baresip heard, against what was said.
fn talk(encrypted: bool) -> [Option<Comparison>; 2] {
    let folder = WorkDir::new("baresip").expect("a folder for the run");
    let (agent, customer) = (
        speech::agent().expect("speech"),
        speech::customer().expect("speech"),
    );
    let encryption = encrypted.then_some("srtp-mand");
    let baresip = Baresip::start(folder.file("baresip"), "127.0.0.1", &customer, encryption);
    let identity = Identity::Profile {
        secret: "none",
        profile: json!({
            "sip": {
                "user": "1001", "secret": { "fd": 0 }, "domain": format!("127.0.0.1:{PORT}"),
                "host": "127.0.0.1", "port": PORT, "transport": "udp",
            },
            // At a fixed address: there is nobody to register at.
            "typology": "phonebar", "host": "127.0.0.1", "allow": ["ulaw"],
            "encryption": if encrypted { "yes" } else { "no" },
        }),
    };
    // No authority is asked; the file has to be one.
    let authority = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("signed");
    let ca = folder.file("ca.pem");
    std::fs::write(&ca, authority.cert.pem()).expect("written");
    let mut phone = Phone::start(&identity, folder.path(), &ca, &agent).expect("the phone starts");
    phone.green().unwrap_or_else(|said| panic!("{said}"));
    phone.tell("dial 600").expect("the phone runs");
    phone.call("up").unwrap_or_else(|said| panic!("{said}"));
    let media = phone.listen(7).unwrap_or_else(|said| panic!("{said}"));
    let keying = media["keying"].as_str().unwrap_or_default();
    let expected = if encrypted {
        "AES_CM_128_HMAC_SHA1_80"
    } else {
        "none"
    };
    assert_eq!(keying, expected, "{media}");
    phone.tell("hangup").expect("the phone runs");
    phone.call("ended").unwrap_or_else(|said| panic!("{said}"));
    assert!(phone.quit().expect("the phone ends").success());
    compare_both((&phone, &customer), (baresip, &agent))
}

#[test]
#[ignore = "needs root and baresip: cargo xtask test --only interop"]
fn a_plain_rtp_call_with_baresip_is_heard_by_both() {
    isolated("a_plain_rtp_call_with_baresip_is_heard_by_both", || {
        call(false);
    });
}

#[test]
#[ignore = "needs root and baresip: cargo xtask test --only interop"]
fn an_sdes_srtp_call_with_baresip_is_heard_by_both() {
    isolated("an_sdes_srtp_call_with_baresip_is_heard_by_both", || {
        call(true);
    });
}
