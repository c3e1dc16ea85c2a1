//! No secret of a call leaves the phone by its words: one call with the log wide open, and then everything that the
//! phone said, logged or wrote is searched.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use sidetone_interop::phone::PATIENCE;
use sidetone_interop::program::{Program, beside};
use sidetone_interop::sandbox::Sandbox;
use sidetone_interop::{WorkDir, speech};

#[test]
fn a_call_leaves_no_secret_behind_with_the_log_wide_open() {
    let folder = WorkDir::new("secrets").expect("a folder");
    let sandbox = Sandbox::open(folder.path(), &[]).expect("a contact centre");
    let home = folder.file("home");
    std::fs::create_dir(&home).expect("a home");
    let log = home.join("stderr");
    let mut phone = phone(&sandbox, &home, &log);
    phone.tell(&sandbox.password).expect("the password");
    let wait = |phone: &mut Program, what: &str, wanted: &dyn Fn(&Value) -> bool| {
        phone.wait_for(what, PATIENCE, wanted).expect(what);
    };
    wait(&mut phone, "the green light", &|event| {
        event["light"] == "green"
    });
    phone.tell("dial 600").expect("it listens");
    wait(&mut phone, "a call", &|event| {
        event["event"] == "call" && event["state"] == "up"
    });
    // Sound that came back: registration, ICE, DTLS and SRTP have all been through.
    wait(&mut phone, "the echo", &|event| {
        event["event"] == "media" && event["packets_received"].as_u64() > Some(20)
    });
    phone.tell("hangup").expect("it listens");
    wait(&mut phone, "its end", &|event| {
        event["event"] == "call" && event["state"] == "ended"
    });
    for file in ["sip.txt", "sip.pcap"] {
        phone.tell(&format!("trace {file}")).expect("it listens");
        wait(&mut phone, "the trace", &|event| {
            event["event"] == "trace" && event["messages"].as_u64() > Some(8)
        });
    }
    phone.tell("trace nowhere/sip.txt").expect("it listens");
    wait(&mut phone, "a fault", &|event| {
        event["words"]
            .as_str()
            .is_some_and(|words| words.contains("cannot be written to nowhere/sip.txt"))
    });
    phone.tell("quit").expect("it listens");
    // Reads on to the end of its output.
    while phone.comes(Duration::from_secs(5), |_| true) {}
    phone.wait(PATIENCE).expect("it ends");

    let mut all = vec![(
        "standard output".to_owned(),
        phone
            .said()
            .iter()
            .map(|line| format!("{line}\n"))
            .collect(),
    )];
    gather(&home, &mut all);
    let logged = &all
        .iter()
        .find(|(name, _)| name.ends_with("stderr"))
        .expect("a log")
        .1;
    for word in ["TRACE", "REGISTER", "INVITE", "sidetone_media"] {
        assert!(logged.contains(word), "the log is not wide open: no {word}");
    }
    for file in ["sip.txt", "sip.pcap"] {
        let trace = all.iter().find(|(name, _)| name.ends_with(file));
        let (_, trace) = trace.expect("a trace");
        for word in ["REGISTER", "INVITE sip:600@", "BYE", "m=audio"] {
            assert!(trace.contains(word), "{file} has no {word}");
        }
    }
    let [token, sip_secret] = secrets(&sandbox);
    assert!(fault(&token).is_some() && fault(&sip_secret).is_some());
    for (name, text) in &all {
        for known in [&sandbox.password, &sip_secret] {
            assert!(!text.contains(known.as_str()), "{name} holds a secret");
        }
        for line in text.lines() {
            if let Some(what) = fault(line) {
                panic!("{name} holds {what}: {line}");
            }
        }
    }
}

#[test]
fn what_looks_like_a_secret_is_found() {
    for line in [
        "Authorization: Digest username=\"1001\", response=\"0123456789abcdef0123456789abcdef\"",
        "remotePwd: ThisIsWhatAnIcePasswordLooksLike",
        "a=ice-pwd:short",
        "Bearer x",
        "inline:MTIzNDU2Nzg5QUJDREUwMTIzNDU2Nzg5QUJjZGVm",
    ] {
        assert!(fault(line).is_some(), "{line}");
    }
    for line in [
        "Authorization:***",
        "a=ice-pwd:***",
        "header Bearer *** sent",
        "call 67e55044-10b1-426f-9247-bb680e5fe0c8",
    ] {
        assert_eq!(fault(line), None, "{line}");
    }
}

/// What a line gives away, by its shape: the values of a call are known only to its two ends.
fn fault(line: &str) -> Option<&'static str> {
    let lower = line.to_ascii_lowercase();
    for mark in ["bearer ", "ice-pwd:", "inline:", "authorization:"] {
        let mut rest = lower.as_str();
        while let Some((_, behind)) = rest.split_once(mark) {
            if !behind.trim_start().starts_with("***") {
                return Some("a secret behind its mark");
            }
            rest = behind;
        }
    }
    let run = |part: fn(&char) -> bool, length: usize| {
        line.split(|c| !part(&c))
            .any(|run| run.chars().count() >= length)
    };
    if run(|c| c.is_ascii_alphanumeric() || "-_".contains(*c), 43) {
        // 256 random bits in base64: a token, or the sandbox's SIP secrets.
        Some("what looks like a token")
    } else if run(|c| matches!(c, '0'..='9' | 'a'..='f'), 32) {
        Some("what looks like a digest response")
    } else if run(char::is_ascii_alphabetic, 32) {
        Some("what looks like an ICE password")
    } else {
        None
    }
}

fn phone(sandbox: &Sandbox, home: &Path, log: &Path) -> Program {
    let speech = speech::agent().expect("speech");
    let mut sound = std::ffi::OsString::from("file:");
    sound.push(speech);
    sound.push(",");
    sound.push(home.join("heard.wav"));
    let mut command = Command::new(beside("sidetone-headless"));
    command
        .args(["--json", "--log", "trace", "--server", &sandbox.server])
        .args(["--user", "anna", "--password-fd", "0"])
        .arg("--ca")
        .arg(&sandbox.ca)
        .arg("--audio")
        .arg(sound)
        .current_dir(home)
        .env("HOME", home)
        .env("XDG_CONFIG_HOME", home)
        .env("XDG_DATA_HOME", home)
        .env("XDG_STATE_HOME", home)
        .env("SIDETONE_LOG", "trace,rtc_ice=trace,tungstenite=trace");
    Program::start(&mut command, log).expect("the phone starts")
}

/// Every file that the phone left, but sound.
fn gather(folder: &Path, all: &mut Vec<(String, String)>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            gather(&path, all);
        } else if path.extension().is_none_or(|kind| kind != "wav") {
            let bytes = std::fs::read(&path).expect("a file");
            all.push((
                path.display().to_string(),
                String::from_utf8_lossy(&bytes).into_owned(),
            ));
        }
    }
}

/// A token and the SIP secret of the same agent, as the server gives them to whoever has the password.
fn secrets(sandbox: &Sandbox) -> [String; 2] {
    // Fails only when a provider is installed already, which is then this one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let pem = std::fs::read(&sandbox.ca).expect("the authority");
    let ca = reqwest::Certificate::from_pem(&pem).expect("a certificate");
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
        .block_on(async {
            let client = reqwest::Client::builder().tls_certs_only([ca]).build()?;
            let signed_in: Value = client
                .post(format!("{}/api/auth/local", sandbox.server))
                .json(&json!({ "name": "anna", "password": sandbox.password }))
                .send()
                .await?
                .error_for_status()?
                .json()
                .await?;
            let token = signed_in["token"].as_str().unwrap_or_default().to_owned();
            let account: Value = client
                .get(format!("{}/api/users/me/sip", sandbox.server))
                .bearer_auth(&token)
                .send()
                .await?
                .error_for_status()?
                .json()
                .await?;
            let secret = account["secret"].as_str().unwrap_or_default().to_owned();
            Ok::<_, reqwest::Error>([token, secret])
        })
        .expect("the contract")
}
