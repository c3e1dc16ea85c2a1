//! `sidetone-headless` against a real Asterisk 22: what is heard, what Asterisk logs, who is rung.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};
use sidetone_interop::asterisk::{Asterisk, Message};
use sidetone_interop::compare::{Comparison, Sound, compare};
use sidetone_interop::namespace::{ADDRESS, isolated};
use sidetone_interop::phone::{Identity, PATIENCE, Phone};
use sidetone_interop::sandbox::Sandbox;
use sidetone_interop::{WorkDir, speech};

/// An Asterisk with a folder of its own.
struct Stage {
    asterisk: Asterisk,
    folder: WorkDir,
    agent_speech: PathBuf,
    customer_speech: PathBuf,
}

impl Stage {
    fn set() -> Self {
        let folder = WorkDir::new("interop").expect("a folder for the run");
        let customer_speech = speech::customer().expect("the customer's speech");
        let agent_speech = speech::agent().expect("the agent's speech");
        let asterisk = Asterisk::start(folder.path(), &customer_speech)
            .unwrap_or_else(|error| panic!("{error}"));
        Self {
            asterisk,
            folder,
            agent_speech,
            customer_speech,
        }
    }

    /// A phone that registers straight at Asterisk.
    fn phone(&self, user: &str, settings: Value) -> Phone {
        let identity = Identity::Account {
            user,
            secret: self.asterisk.secret(user),
            domain: ADDRESS,
            wss: &self.asterisk.wss_url(),
            settings,
        };
        let mut phone = Phone::start(
            &identity,
            self.folder.path(),
            &self.asterisk.ca(),
            &self.agent_speech,
        )
        .expect("the phone starts");
        phone.green().unwrap_or_else(|said| panic!("{said}"));
        phone
    }

    /// An agent of the sandbox, which stands in front of this Asterisk.
    fn agent(&self, name: &str) -> (Sandbox, Phone) {
        let file = |name: &str, text: &str| {
            let path = self.folder.file(name);
            std::fs::write(&path, text).expect("the folder can be written");
            path.display().to_string()
        };
        let secrets =
            json!({ "201": self.asterisk.secret("201"), "202": self.asterisk.secret("202") });
        let secrets = file("sip-secrets.json", &secrets.to_string());
        let mut sandbox = Sandbox::open_before_asterisk(
            self.folder.path(),
            &self.asterisk.wss_url(),
            &secrets,
            self.asterisk.secret("AMI"),
        )
        .unwrap_or_else(|said| panic!("{said}"));
        // One file with both authorities: the server's and the telephone system's.
        let both = [&sandbox.ca, &self.asterisk.ca()]
            .map(|path| std::fs::read_to_string(path).expect("an authority's certificate"))
            .concat();
        let both = PathBuf::from(file("both-ca.pem", &both));
        let identity = Identity::Agent {
            server: &sandbox.server,
            name,
            password: &sandbox.password,
        };
        let mut phone = Phone::start(&identity, self.folder.path(), &both, &self.agent_speech)
            .expect("the phone starts");
        phone.green().unwrap_or_else(|said| panic!("{said}"));
        sandbox.ca = both;
        (sandbox, phone)
    }

    fn heard(&self, phone: &Phone) -> Sound {
        Sound::read(phone.heard()).expect("a recording of what was heard")
    }

    fn speech(&self, file: &Path) -> Sound {
        Sound::read(file).expect("the speech")
    }
}

fn good(what: &str, result: Option<Comparison>) {
    let result = result.unwrap_or_else(|| panic!("{what}: nothing was heard"));
    assert!(result.is_good(4.0), "{what}: {result:?}");
    println!("{what}: {result:?}");
}

fn echo(user: &str, codec: &str) {
    let stage = Stage::set();
    let mut phone = stage.phone(user, json!({ "allow": [codec] }));
    phone.tell("dial 600").expect("the phone runs");
    phone.call("up").unwrap_or_else(|said| panic!("{said}"));
    phone.listen(7).unwrap_or_else(|said| panic!("{said}"));
    phone.tell("hangup").expect("the phone runs");
    phone.call("ended").unwrap_or_else(|said| panic!("{said}"));
    assert!(phone.quit().expect("the phone ends").success());
    good(
        codec,
        compare(&stage.heard(&phone), &stage.speech(&stage.agent_speech)),
    );
}

#[test]
#[ignore = "needs root and Debian: cargo xtask test --only interop"]
fn an_opus_echo_comes_back_whole() {
    isolated("an_opus_echo_comes_back_whole", || echo("201", "opus"));
}

#[test]
#[ignore = "needs root and Debian: cargo xtask test --only interop"]
fn an_alaw_echo_comes_back_whole() {
    isolated("an_alaw_echo_comes_back_whole", || echo("210", "alaw"));
}

#[test]
#[ignore = "needs root and Debian: cargo xtask test --only interop"]
fn a_sha_256_account_registers_and_its_echo_comes_back() {
    isolated(
        "a_sha_256_account_registers_and_its_echo_comes_back",
        || echo("202", "opus"),
    );
}

#[test]
#[ignore = "needs root and Debian: cargo xtask test --only interop"]
fn digits_arrive_in_their_order() {
    isolated("digits_arrive_in_their_order", || {
        for (user, codec) in [("201", "opus"), ("210", "alaw")] {
            let stage = Stage::set();
            let mut phone = stage.phone(user, json!({ "allow": [codec] }));
            phone.tell("dial 602").expect("the phone runs");
            phone.call("up").unwrap_or_else(|said| panic!("{said}"));
            phone.speaks().unwrap_or_else(|said| panic!("{said}"));
            phone.tell("dtmf 19*0557#").expect("the phone runs");
            let line = stage
                .asterisk
                .log_line(&format!(": digits from {user}: "), PATIENCE)
                .unwrap_or_else(|log| panic!("{log}"));
            assert!(
                line.ends_with(&format!("digits from {user}: 19*0557")),
                "{line}"
            );
        }
    });
}

#[test]
#[ignore = "needs root and Debian: cargo xtask test --only interop"]
fn a_busy_number_and_early_media_are_told_apart_from_an_answer() {
    isolated(
        "a_busy_number_and_early_media_are_told_apart_from_an_answer",
        || {
            let stage = Stage::set();
            let mut phone = stage.phone("201", json!({ "allow": ["opus"] }));
            phone.tell("dial 608").expect("the phone runs");
            let ended = phone.call("ended").unwrap_or_else(|said| panic!("{said}"));
            assert!(
                ended["words"]
                    .as_str()
                    .is_some_and(|words| words.to_lowercase().contains("busy")),
                "{ended}"
            );
            phone.tell("dial 611").expect("the phone runs");
            phone.call("ended").unwrap_or_else(|said| panic!("{said}"));
            good(
                "early media",
                compare(&stage.heard(&phone), &stage.speech(&stage.customer_speech)),
            );
        },
    );
}

/// The whole contract in front of a real queue: signed in, rung by `app_queue`, answered by itself after the delay,
/// heard by both, and not rung while paused.
#[test]
#[ignore = "needs root and Debian: cargo xtask test --only interop"]
fn a_real_queue_rings_the_agent_and_leaves_a_paused_one_alone() {
    isolated(
        "a_real_queue_rings_the_agent_and_leaves_a_paused_one_alone",
        || {
            let mut stage = Stage::set();
            // Ben's calls are answered by themselves after three seconds.
            let (_sandbox, mut phone) = stage.agent("ben");
            stage
                .asterisk
                .call_queue("Mara Vance", "+12025550143")
                .expect("Asterisk takes the call");
            let ringing = phone
                .call("ringing")
                .unwrap_or_else(|said| panic!("{said}"));
            assert_eq!(ringing["number"], "+12025550143", "{ringing}");
            assert_eq!(ringing["name"], "Mara Vance", "{ringing}");
            let up = phone.call("up").unwrap_or_else(|said| panic!("{said}"));
            let rang = up["age_ms"].as_u64().unwrap_or_default();
            assert!(
                (3_000..10_000).contains(&rang),
                "answered by itself after {rang} ms, not three seconds"
            );
            phone.listen(7).unwrap_or_else(|said| panic!("{said}"));
            stage.asterisk.hang_up_all().expect("Asterisk hangs up");
            phone.call("ended").unwrap_or_else(|said| panic!("{said}"));
            good(
                "the agent heard",
                compare(&stage.heard(&phone), &stage.speech(&stage.customer_speech)),
            );
            let heard =
                Sound::read(&stage.asterisk.customer_heard()).expect("the customer's recording");
            good(
                "the customer heard",
                compare(&heard, &stage.speech(&stage.agent_speech)),
            );

            phone.tell("pause Lunch").expect("the phone runs");
            let paused = |message: &Message| {
                message.is_event("QueueMemberPause") && message.get("Paused") == Some("1")
            };
            let event = stage
                .asterisk
                .ami
                .wait_for(PATIENCE, paused)
                .expect("Asterisk pauses the member");
            assert_eq!(event.get("Interface"), Some("PJSIP/202"));
            assert_eq!(event.get("PausedReason"), Some("Lunch"));
            stage
                .asterisk
                .call_queue("Mara Vance", "+12025550143")
                .expect("Asterisk takes the call");
            let joined = |message: &Message| message.is_event("QueueCallerJoin");
            stage
                .asterisk
                .ami
                .wait_for(PATIENCE, joined)
                .expect("the customer waits in the queue");
            assert!(
                !phone.is_rung(Duration::from_secs(5)),
                "a paused agent was rung"
            );
            phone.tell("play").expect("the phone runs");
            phone
                .call("ringing")
                .unwrap_or_else(|said| panic!("after play, the waiting customer: {said}"));
            assert!(phone.quit().expect("the phone ends").success());
        },
    );
}
