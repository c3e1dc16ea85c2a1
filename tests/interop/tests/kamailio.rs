//! `sidetone-headless` behind Kamailio and rtpengine, over WSS and DTLS-SRTP; at the other end a plain phone, baresip.

use std::path::PathBuf;

use serde_json::json;
use sidetone_interop::baresip::{Baresip, compare_both, heard_by_both};
use sidetone_interop::compare::Comparison;
use sidetone_interop::kamailio::Kamailio;
use sidetone_interop::namespace::{ADDRESS, isolated};
use sidetone_interop::phone::{Identity, PATIENCE, Phone};
use sidetone_interop::{WorkDir, speech};

struct Stage {
    kamailio: Kamailio,
    baresip: Baresip,
    folder: WorkDir,
    agent: PathBuf,
    customer: PathBuf,
}

impl Stage {
    fn set() -> Self {
        let folder = WorkDir::new("kamailio").expect("a folder for the run");
        let customer = speech::customer().expect("the customer's speech");
        Self {
            kamailio: Kamailio::start(folder.path()).unwrap_or_else(|error| panic!("{error}")),
            baresip: Baresip::start(folder.file("baresip"), ADDRESS, &customer, None),
            agent: speech::agent().expect("the agent's speech"),
            customer,
            folder,
        }
    }

    fn phone(&self, user: &str) -> Phone {
        let folder = self.folder.file(user);
        std::fs::create_dir(&folder).expect("a folder for the phone");
        let identity = Identity::Account {
            user,
            secret: self.kamailio.secret(user),
            domain: ADDRESS,
            wss: &self.kamailio.wss_url(),
            settings: json!({ "allow": ["ulaw"] }),
        };
        let mut phone = Phone::start(&identity, &folder, &self.kamailio.ca(), &self.agent)
            .expect("the phone starts");
        phone.green().unwrap_or_else(|said| panic!("{said}"));
        phone
    }
}

/// Calls the plain phone, which answers by itself.
fn call_600(phone: &mut Phone) {
    tell(phone, "dial 600");
    state(phone, "up");
    keyed(phone);
}

/// Who is called is the client of DTLS: rtpengine in our calls, the phone in those that come.
fn keyed(phone: &mut Phone) {
    let media = phone.listen(1).unwrap_or_else(|said| panic!("{said}"));
    assert_eq!(media["keying"], "AEAD_AES_256_GCM", "{media}");
}

fn tell(phone: &mut Phone, command: &str) {
    phone.tell(command).expect("the phone runs");
}

fn state(phone: &mut Phone, state: &str) {
    phone.call(state).unwrap_or_else(|said| panic!("{said}"));
}

/// For that many seconds from now, packets come in, each second.
fn hears(phone: &mut Phone, seconds: usize) {
    let received = |phone: &mut Phone| {
        let media = phone.listen(1).unwrap_or_else(|said| panic!("{said}"));
        media["packets_received"].as_u64().expect("a count")
    };
    let mut before = received(phone);
    for _ in 0..seconds {
        let now = received(phone);
        assert!(now > before, "nothing comes after {before} packets");
        before = now;
    }
}

fn talk() -> [Option<Comparison>; 2] {
    let stage = Stage::set();
    let mut phone = stage.phone("201");
    call_600(&mut phone);
    phone.listen(7).unwrap_or_else(|said| panic!("{said}"));
    tell(&mut phone, "hangup");
    state(&mut phone, "ended");
    assert!(phone.quit().expect("the phone ends").success());
    compare_both((&phone, &stage.customer), (stage.baresip, &stage.agent))
}

#[test]
#[ignore = "needs root, Kamailio, rtpengine and baresip: cargo xtask test --only interop"]
fn a_phone_over_wss_and_a_plain_phone_hear_each_other_through_rtpengine() {
    isolated(
        "a_phone_over_wss_and_a_plain_phone_hear_each_other_through_rtpengine",
        || heard_by_both(talk),
    );
}

/// The proxy dies in the middle of a call, with every WebSocket and every registration: sound goes on by rtpengine, the
/// phone says that it is away, comes back by itself, ends the call that was up, and is called.
#[test]
#[ignore = "needs root, Kamailio, rtpengine and baresip: cargo xtask test --only interop"]
fn a_call_is_held_and_outlives_a_lost_web_socket() {
    isolated("a_call_is_held_and_outlives_a_lost_web_socket", || {
        let mut stage = Stage::set();
        let mut phone = stage.phone("201");
        call_600(&mut phone);
        tell(&mut phone, "hold");
        state(&mut phone, "held");
        tell(&mut phone, "resume");
        state(&mut phone, "up");
        hears(&mut phone, 2);

        stage.kamailio.close();
        let away = phone
            .program()
            .wait_for("the red light", PATIENCE, |event| {
                event["event"] == "state" && event["light"] == "red"
            })
            .unwrap_or_else(|said| panic!("{said}"));
        let words = away["words"].as_str().unwrap_or_default();
        assert!(words.contains(' ') && words.ends_with('.'), "{away}");
        hears(&mut phone, 2);
        stage
            .kamailio
            .open()
            .unwrap_or_else(|error| panic!("{error}"));
        phone.green().unwrap_or_else(|said| panic!("{said}"));
        hears(&mut phone, 1);
        tell(&mut phone, "hangup");
        state(&mut phone, "ended");
        stage
            .baresip
            .until("hung up", |log| log.contains("session closed"));

        let mut colleague = stage.phone("202");
        tell(&mut colleague, "dial 201");
        state(&mut phone, "ringing");
        tell(&mut phone, "answer");
        state(&mut phone, "up");
        keyed(&mut phone);
        hears(&mut phone, 1);
        hears(&mut colleague, 1);
        tell(&mut colleague, "hangup");
        state(&mut phone, "ended");
        for mut phone in [phone, colleague] {
            assert!(phone.quit().expect("the phone ends").success());
        }
    });
}
