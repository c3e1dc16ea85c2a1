//! `sidetone-headless` against a real Asterisk 22: what is heard, what Asterisk logs, who is rung.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use sidetone_interop::asterisk::{Asterisk, Message, isolated};
use sidetone_interop::compare::{Comparison, Sound, compare};
use sidetone_interop::namespace::{ADDRESS, Computer};
use sidetone_interop::phone::{Identity, PATIENCE, Phone};
use sidetone_interop::program::beside;
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
        let program = Command::new(beside("sidetone-headless"));
        self.phone_by(program, user, settings)
    }

    /// The same by a command of one's own.
    fn phone_by(&self, program: Command, user: &str, settings: Value) -> Phone {
        let identity = Identity::Account {
            user,
            secret: self.asterisk.secret(user),
            domain: ADDRESS,
            wss: &self.asterisk.wss_url(),
            settings,
        };
        let mut phone = Phone::start_command(
            program,
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

/// Membership changed on the administration page is the real queue's membership at once.
#[test]
#[ignore = "needs root and Debian: cargo xtask test --only interop"]
fn membership_changed_by_the_administrator_is_the_real_queues() {
    isolated(
        "membership_changed_by_the_administrator_is_the_real_queues",
        || {
            let mut stage = Stage::set();
            let (sandbox, mut phone) = stage.agent("ben");
            let ben = sandbox.ask("GET", "/admin/api/agents/ben", None)["id"].clone();
            let mut change = |members: Value, event: &str| {
                let body = json!({ "members": members });
                sandbox.ask("PATCH", "/admin/api/queues/1", Some(body));
                let wanted = |message: &Message| {
                    message.is_event(event) && message.get("Interface") == Some("PJSIP/202")
                };
                stage
                    .asterisk
                    .ami
                    .wait_for(PATIENCE, wanted)
                    .unwrap_or_else(|fault| panic!("{event}: {fault}"));
            };
            change(json!([]), "QueueMemberRemoved");
            change(json!([ben]), "QueueMemberAdded");
            change(json!([]), "QueueMemberRemoved");
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
                !phone.is_rung(Duration::from_secs(4)),
                "an agent who is no member any more was rung"
            );
            let body = json!({ "members": [ben] });
            sandbox.ask("PATCH", "/admin/api/queues/1", Some(body));
            phone
                .call("ringing")
                .unwrap_or_else(|said| panic!("a member again, the waiting customer: {said}"));
            assert!(phone.quit().expect("the phone ends").success());
        },
    );
}

/// No contact-centre server: log-in and pause by the telephone system's own feature codes, shown once it took them.
#[test]
#[ignore = "needs root and Debian: cargo xtask test --only interop"]
fn feature_codes_log_in_and_pause_where_there_is_no_server() {
    isolated(
        "feature_codes_log_in_and_pause_where_there_is_no_server",
        || {
            let mut stage = Stage::set();
            let settings = json!({
                "allow": ["opus"], "queues": ["support"],
                "codes": { "login": "*45", "logout": "*46", "pause": "*47{reason}", "unpause": "*48" },
                "pauses": [{ "name": "Lunch", "code": "1" }],
            });
            let mut phone = stage.phone("201", settings);
            let member = |stage: &mut Stage, what: &str, wanted: &dyn Fn(&Message) -> bool| {
                let event = stage
                    .asterisk
                    .ami
                    .wait_for(PATIENCE, |message: &Message| wanted(message));
                let event = event.unwrap_or_else(|error| panic!("{what}: {error}"));
                assert_eq!(event.get("Interface"), Some("PJSIP/201"), "{what}");
                event
            };
            member(&mut stage, "the login", &|m| m.is_event("QueueMemberAdded"));
            phone.tell("pause Lunch").expect("the phone runs");
            let event = member(&mut stage, "the pause", &|m| {
                m.is_event("QueueMemberPause") && m.get("Paused") == Some("1")
            });
            assert_eq!(event.get("PausedReason"), Some("1"));
            let state = |presence: &'static str| {
                move |event: &Value| event["event"] == "state" && event["presence"] == presence
            };
            phone
                .program()
                .wait_for("the pause on the bar", PATIENCE, state("paused"))
                .unwrap_or_else(|said| panic!("{said}"));
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
            phone.tell("play").expect("the phone runs");
            phone
                .program()
                .wait_for("the end of the pause", PATIENCE, state("ready"))
                .unwrap_or_else(|said| panic!("{said}"));
            phone
                .call("ringing")
                .unwrap_or_else(|said| panic!("the waiting customer: {said}"));
            let rung = |event: &&Value| event["event"] == "call" && event["state"] == "ringing";
            assert_eq!(
                phone.program().said().iter().filter(rung).count(),
                1,
                "a paused agent was rung"
            );
            phone.tell("decline").expect("the phone runs");
            phone.call("ended").unwrap_or_else(|said| panic!("{said}"));
            assert!(phone.quit().expect("the phone ends").success());
            member(&mut stage, "the logout", &|m| {
                m.is_event("QueueMemberRemoved")
            });
        },
    );
}

/// In the middle of a customer's call the agent's computer gets another address, and the one before is gone: signalling
/// and sound find their way again by themselves, and both hear each other.
#[test]
#[ignore = "needs root and Debian: cargo xtask test --only interop"]
fn a_customers_call_goes_on_when_the_agents_computer_gets_another_address() {
    isolated(
        "a_customers_call_goes_on_when_the_agents_computer_gets_another_address",
        || {
            let computer = Computer::plugged_in("192.0.2.10");
            let mut stage = Stage::set();
            let program = computer.command(beside("sidetone-headless").as_os_str());
            let mut phone = stage.phone_by(program, "201", json!({ "allow": ["opus"] }));
            let member = [
                ("Action", "QueueAdd"),
                ("Queue", "support"),
                ("Interface", "PJSIP/201"),
            ];
            stage.asterisk.ami.action(&member).expect("a member");
            stage
                .asterisk
                .call_queue("Mara Vance", "+12025550143")
                .expect("Asterisk takes the call");
            phone
                .call("ringing")
                .unwrap_or_else(|said| panic!("{said}"));
            phone.tell("answer").expect("the phone runs");
            phone.call("up").unwrap_or_else(|said| panic!("{said}"));
            phone.hears_again(3).unwrap_or_else(|said| panic!("{said}"));

            computer.move_to("192.0.2.20");
            let moved = std::time::Instant::now();
            // The second in which it moved, and the one after, may still count packets of before.
            phone.hears_again(4).unwrap_or_else(|said| panic!("{said}"));
            println!(
                "heard again, for four seconds, {:?} after the move",
                moved.elapsed()
            );
            let ended = |event: &&Value| event["event"] == "call" && event["state"] == "ended";
            assert_eq!(phone.program().said().iter().find(ended), None);
            stage.asterisk.hang_up_all().expect("Asterisk hangs up");
            phone.call("ended").unwrap_or_else(|said| panic!("{said}"));
            let heard = Sound::read(&stage.asterisk.customer_heard());
            let heard = heard.expect("the customer's recording");
            let last = heard.from_second(heard.seconds() - 3.0);
            let energy: f32 = last.samples.iter().map(|sample| sample * sample).sum();
            let level = 10.0 * (energy / last.samples.len() as f32).log10();
            assert!(level > -45.0, "the customer hears {level} dBov at the end");
            assert!(phone.quit().expect("the phone ends").success());
        },
    );
}

/// A colleague who calls while a call is up is told that the agent is busy, or waits: by Ring in use.
#[test]
#[ignore = "needs root and Debian: cargo xtask test --only interop"]
fn ring_in_use_decides_what_a_real_caller_hears() {
    isolated("ring_in_use_decides_what_a_real_caller_hears", || {
        for in_use in [false, true] {
            let stage = Stage::set();
            let settings = json!({ "allow": ["opus"], "phoneBarRingInUse": in_use });
            let mut phone = stage.phone("201", settings);
            let colleague = stage.folder.file("colleague");
            std::fs::create_dir(&colleague).expect("a folder");
            let identity = Identity::Account {
                user: "210",
                secret: stage.asterisk.secret("210"),
                domain: ADDRESS,
                wss: &stage.asterisk.wss_url(),
                settings: json!({ "allow": ["alaw"] }),
            };
            let ca = stage.asterisk.ca();
            let mut caller = Phone::start(&identity, &colleague, &ca, &stage.customer_speech)
                .expect("the colleague's phone starts");
            caller.green().unwrap_or_else(|said| panic!("{said}"));
            phone.tell("dial 600").expect("the phone runs");
            phone.call("up").unwrap_or_else(|said| panic!("{said}"));
            caller.tell("dial 201").expect("the phone runs");
            if in_use {
                phone
                    .call("ringing")
                    .unwrap_or_else(|said| panic!("{said}"));
            } else {
                let ended = caller.call("ended").unwrap_or_else(|said| panic!("{said}"));
                assert_eq!(ended["end"]["code"], "call_busy", "{ended}");
                let rang = |event: &Value| event["direction"] == "incoming";
                assert!(!phone.program().said().iter().any(rang), "it rang");
            }
            // The call that was up is as it was.
            phone.listen(2).unwrap_or_else(|said| panic!("{said}"));
            assert!(caller.quit().expect("the phone ends").success());
            assert!(phone.quit().expect("the phone ends").success());
        }
    });
}
