//! Customers whose data is masked: everything that the process writes is searched for it.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use sidetone_media::{KeyingPlan, MediaConfig, Session};
use sidetone_profile::{Codec, Secret};
use sidetone_sip::{
    Authenticator, CallTarget, DialogId, Endpoint, EndpointConfig, Event, IncomingInvite, Listen,
    NameAddr, RegisterRequest,
};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::timeout;

/// Only a broken test waits this long.
const LONG: Duration = Duration::from_secs(60);

const NUMBER: &str = "+15550123456";
/// What no spelling of the number is without, blanks and punctuation taken out; more than the three digits that may
/// stay.
const DIGITS: &str = "0123456";
const NAME: &str = "Zoë Kundera";
const WORDS: [&str; 3] = ["zoë", "kundera", "k%c3%bc"];

struct Users;

impl Authenticator for Users {
    fn realm(&self) -> String {
        "test".to_owned()
    }

    fn secret(&self, user: &str) -> Option<Secret> {
        (user == "1001").then(|| Secret::new("right"))
    }
}

/// The PBX and its customer.
struct Peer {
    endpoint: Endpoint,
    events: UnboundedReceiver<Event>,
}

impl Peer {
    async fn start() -> Self {
        let (endpoint, events) = Endpoint::start(EndpointConfig {
            user_agent: "peer".to_owned(),
            listen: vec![Listen::Udp(([127, 0, 0, 1], 0).into())],
            authenticator: Some(Arc::new(Users)),
            ..EndpointConfig::default()
        })
        .await
        .unwrap();
        endpoint.allow_transfers(true);
        Self { endpoint, events }
    }

    async fn until<T>(&mut self, what: &str, mut pick: impl FnMut(Event) -> Option<T>) -> T {
        loop {
            let event = timeout(LONG, self.events.recv())
                .await
                .unwrap_or_else(|_| panic!("waited for {what}"))
                .expect("the peer runs");
            if let Some(found) = pick(event) {
                return found;
            }
        }
    }

    async fn registered(&mut self) -> RegisterRequest {
        self.until("REGISTER", |event| match event {
            Event::Registered(request) if request.expires_s > 0 => Some(request),
            _ => None,
        })
        .await
    }

    /// Calls the phone until it rings.
    async fn call(&mut self, binding: &RegisterRequest) -> (DialogId, Session) {
        let (session, offer, _events) = Session::offer(media()).await.unwrap();
        let target = CallTarget::Contact {
            uri: binding.contact.clone(),
            flow: binding.flow,
            from: NameAddr {
                display_name: NAME.to_owned(),
                user: NUMBER.to_owned(),
                uri: format!("sip:{NUMBER}@127.0.0.1"),
            },
        };
        let headers = [
            ("X-Queue", "support"),
            ("X-Phone", "+1 (555) 012-3456"),
            ("X-Email", "zoe.kundera@mail.example"),
            ("X-Note", "call Zoë Kundera back at 555 0123456"),
            (
                "X-Link",
                "https://crm.example/?q=%2B15550123456&n=Zo%C3%AB%20Kundera",
            ),
        ];
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let dialog = self
            .endpoint
            .invite(target, offer, headers.to_vec())
            .await
            .unwrap();
        self.until("180", |event| match event {
            Event::Provisional { status: 180, .. } => Some(()),
            _ => None,
        })
        .await;
        (dialog, session)
    }

    async fn incoming(&mut self) -> IncomingInvite {
        self.until("INVITE", |event| match event {
            Event::Incoming(invite) => Some(invite),
            _ => None,
        })
        .await
    }

    async fn over(&mut self, dialog: DialogId) {
        self.until("the end of the call", |event| match event {
            Event::Ended { dialog: over, .. } if over == dialog => Some(()),
            _ => None,
        })
        .await;
    }
}

fn media() -> MediaConfig {
    MediaConfig {
        codecs: vec![Codec::Alaw],
        plan: KeyingPlan::Plain,
        ice_servers: Vec::new(),
        tls: None,
        bind: vec![[127, 0, 0, 1].into()],
        latch: true,
    }
}

/// The phone as a process of its own.
struct Phone {
    child: Child,
    input: ChildStdin,
    folder: PathBuf,
}

impl Phone {
    fn start(name: &str, peer: &Peer, privacy: &str) -> Self {
        let folder =
            std::env::temp_dir().join(format!("sidetone-masking-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(folder.join("data")).unwrap();
        let profile = folder.join("agent.toml");
        let port = peer.endpoint.listening()[0].port();
        std::fs::write(
            &profile,
            format!(
                "fullname = \"Anna Example\"\ntypology = \"phonebar\"\nallow = [\"alaw\"]\n{privacy}\n\
                 recordingFormat = \"wav\"\nphoneBarUnansweredCallBadge = true\nphoneBarEnableRecording = true\n\
                 [sip]\nuser = \"1001\"\nsecret = {{ env = \"SIDETONE_TEST_SECRET\" }}\ndomain = \"127.0.0.1\"\n\
                 transport = \"udp\"\nhost = \"127.0.0.1\"\nport = {port}\n"
            ),
        )
        .unwrap();
        let file = |name: &str| std::fs::File::create(folder.join(name)).unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_sidetone-headless"))
            .args([
                "--json",
                "--audio",
                "null",
                "--log",
                "trace",
                "--sip-profile",
            ])
            .arg(&profile)
            .arg("--data")
            .arg(folder.join("data"))
            .env("SIDETONE_TEST_SECRET", "right")
            .env_remove("SIDETONE_LOG")
            .stdin(Stdio::piped())
            .stdout(file("stdout"))
            .stderr(file("stderr"))
            .spawn()
            .unwrap();
        let input = child.stdin.take().unwrap();
        Self {
            child,
            input,
            folder,
        }
    }

    fn say(&mut self, line: &str) {
        writeln!(self.input, "{line}").unwrap();
    }

    fn read(&self, name: &str) -> String {
        let bytes = std::fs::read(self.folder.join(name)).unwrap();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Waits until this stands in what was told.
    async fn told(&self, words: &str) {
        let found = timeout(LONG, async {
            while !self.read("stdout").lines().any(|line| line.contains(words)) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        });
        let read = || format!("{}\n{}", self.read("stdout"), self.read("stderr"));
        found
            .await
            .unwrap_or_else(|_| panic!("waited for {words}: {}", read()));
    }

    /// The number of the missed call in the history that was told.
    fn missed_entry(&self) -> u64 {
        let told = self.read("stdout");
        let history = told
            .lines()
            .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
            .find(|event| event["event"] == "history")
            .unwrap();
        let mut entries = history["entries"].as_array().unwrap().iter();
        let missed = entries.find(|entry| entry["missed"] == true).unwrap();
        missed["id"].as_u64().unwrap()
    }

    async fn end(&mut self) {
        self.say("quit");
        let end = timeout(LONG, async {
            loop {
                if let Some(status) = self.child.try_wait().unwrap() {
                    return status;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        });
        assert!(end.await.expect("it ends").success());
    }

    /// Everything that was written, by where it stands: names of files and what is in them.
    fn written(&self) -> Vec<(String, String)> {
        let mut written = vec![
            ("what was told".to_owned(), self.read("stdout")),
            ("the log".to_owned(), self.read("stderr")),
        ];
        files(&self.folder.join("data"), &mut written);
        written
    }
}

fn files(folder: &Path, written: &mut Vec<(String, String)>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        written.push((format!("the name of {name}"), name.clone()));
        if path.is_dir() {
            files(&path, written);
        } else {
            let bytes = std::fs::read(&path).unwrap();
            written.push((name, String::from_utf8_lossy(&bytes).into_owned()));
        }
    }
}

impl Drop for Phone {
    fn drop(&mut self) {
        // It has ended unless the test failed.
        let _ = self.child.kill();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Where the customer is named.
fn leaks(written: &[(String, String)]) -> Vec<String> {
    let mut found = Vec::new();
    for (place, text) in written {
        let lower = text.to_lowercase();
        let squeezed: String = lower
            .chars()
            .filter(|c| !matches!(c, ' ' | '-' | '.' | '(' | ')' | '/' | '_'))
            .collect();
        let around = |text: &str, word: &str| {
            let at = text.find(word)?;
            let from = text[..at]
                .char_indices()
                .rev()
                .nth(60)
                .map_or(0, |(i, _)| i);
            Some(text[from..].chars().take(120).collect::<String>())
        };
        let hit = around(&squeezed, DIGITS)
            .or_else(|| WORDS.iter().find_map(|word| around(&lower, word)));
        if let Some(hit) = hit {
            found.push(format!("{place}: {hit}"));
        }
    }
    found
}

/// A shift: a call answered, recorded and almost transferred, a call missed, a call placed, the history read.
async fn shift(name: &str, privacy: &str) -> Vec<(String, String)> {
    let mut peer = Peer::start().await;
    let mut phone = Phone::start(name, &peer, privacy);
    let binding = peer.registered().await;
    phone.told("\"light\":\"green\"").await;

    let (dialog, session) = peer.call(&binding).await;
    phone.told("\"state\":\"ringing\"").await;
    phone.say("answer");
    let answer = peer
        .until("200", |event| match event {
            Event::Answered { sdp, .. } => sdp,
            _ => None,
        })
        .await;
    session.apply_answer(&answer).unwrap();
    phone.told("\"recording\":{\"state\":\"on\"}").await;
    phone.say("transfer 602");
    let asked = peer
        .until("REFER", |event| match event {
            Event::Referred(request) => Some(request),
            _ => None,
        })
        .await;
    peer.endpoint.answer_refer(asked.dialog, None).unwrap();
    phone.told("\"code\":\"transfer_failed\"").await;
    peer.endpoint.hang_up(dialog, None).unwrap();
    phone.told("\"state\":\"ended\"").await;

    let (dialog, _session) = peer.call(&binding).await;
    peer.endpoint.hang_up(dialog, None).unwrap();
    peer.over(dialog).await;
    phone.told("\"event\":\"missed\"").await;

    phone.say("history");
    phone.told("\"event\":\"history\"").await;
    phone.say(&format!("call-again {}", phone.missed_entry()));
    let invite = peer.incoming().await;
    assert_eq!(
        invite.request_user, NUMBER,
        "what is called is the clear number"
    );
    peer.endpoint.reject(invite.dialog, 486).unwrap();
    phone.told("\"code\":\"call_busy\"").await;

    phone.say("settings");
    phone.told("\"event\":\"settings\"").await;
    phone.end().await;
    phone.written()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_masked_customer_is_named_nowhere() {
    let privacy = "privacyEnabled = true\nprivacyName = \"full\"\nprivacyEmail = \"full\"\nprivacyNumber = \"partial\"";
    let written = shift("on", privacy).await;
    assert!(written.iter().any(|(place, _)| place.ends_with(".wav")));
    assert!(written.iter().any(|(place, _)| place == "history.db"));
    let leaks = leaks(&written);
    assert!(leaks.is_empty(), "{leaks:#?}");
}

/// The same search finds the customer everywhere when nothing is masked: it can fail.
#[tokio::test(flavor = "multi_thread")]
async fn a_customer_who_is_not_masked_is_found() {
    let leaks = leaks(&shift("off", "privacyEnabled = false").await);
    for place in ["what was told", "history.db", "the name of "] {
        assert!(
            leaks.iter().any(|leak| leak.starts_with(place)),
            "not in {place}: {leaks:#?}"
        );
    }
}
