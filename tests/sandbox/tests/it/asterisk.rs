//! The contract in front of a manager interface that behaves like Asterisk's.

use std::collections::HashMap;

use serde_json::json;
use sidetone_profile::Secret;
use sidetone_sandbox::{AsteriskConfig, Config, PbxConfig};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use crate::client::{Bench, PATIENCE};

/// Answers requests as Asterisk does, and reports them.
async fn fake(listener: TcpListener, seen: mpsc::UnboundedSender<HashMap<String, String>>) {
    let (stream, _) = listener.accept().await.expect("a connection");
    let (reader, mut writer) = stream.into_split();
    let mut lines = BufReader::new(reader).lines();
    writer
        .write_all(b"Asterisk Call Manager/11.0.0\r\n")
        .await
        .expect("sent");
    let mut request = HashMap::new();
    while let Ok(Some(line)) = lines.next_line().await {
        if let Some((name, value)) = line.split_once(": ") {
            request.insert(name.to_owned(), value.to_owned());
            continue;
        }
        let request = std::mem::take(&mut request);
        let get = |name: &str| request.get(name).cloned().unwrap_or_default();
        let right = get("Action") != "Login" || get("Secret") == "manager's";
        let mut answer = format!(
            "Response: {}\r\nActionID: {}\r\nMessage: told\r\n\r\n",
            if right { "Success" } else { "Error" },
            get("ActionID")
        );
        match get("Action").as_str() {
            "QueueStatus" => answer.push_str(
                "Event: QueueParams\r\nQueue: sales\r\nStrategy: ringall\r\nCalls: 0\r\n\r\nEvent: QueueStatusComplete\r\n\r\n",
            ),
            "QueuePause" => answer.push_str(&format!(
                "Event: QueueMemberPause\r\nQueue: sales\r\nInterface: {}\r\nPaused: {}\r\nPausedReason: {}\r\n\r\n",
                get("Interface"),
                u8::from(get("Paused") == "true"),
                get("Reason")
            )),
            "QueueRemove" => answer.push_str(&format!(
                "Event: QueueMemberRemoved\r\nQueue: sales\r\nInterface: {}\r\n\r\n",
                get("Interface")
            )),
            "QueueAdd" => answer.push_str("Event: QueueCallerJoin\r\nQueue: sales\r\nCount: 2\r\n\r\n"),
            _ => {}
        }
        writer.write_all(answer.as_bytes()).await.expect("sent");
        let _ = seen.send(request);
    }
}

fn config(ami: String, secret: &str) -> Config {
    Config {
        pbx: PbxConfig::Asterisk(AsteriskConfig {
            ami,
            user: "sandbox".to_owned(),
            secret: Secret::new(secret),
            wss_url: "wss://pbx.example:8089/ws".to_owned(),
            domain: "pbx.example".to_owned(),
            sip_secrets: HashMap::from([("201".to_owned(), Secret::new("of anna"))]),
            member_interface: "PJSIP/{extension}".to_owned(),
        }),
        ..Config::default()
    }
}

#[tokio::test]
async fn login_and_pause_become_requests_to_asterisk() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let ami = listener.local_addr().expect("an address").to_string();
    let (sender, mut seen) = mpsc::unbounded_channel();
    tokio::spawn(fake(listener, sender));
    let bench = Bench::start(config(ami, "manager's")).await;
    let mut request = async |action: &str| loop {
        let request = tokio::time::timeout(PATIENCE, seen.recv())
            .await
            .expect("in time")
            .expect("a request");
        if request["Action"] == action {
            return request;
        }
    };

    let token = bench.log_in("anna").await;
    let added = request("QueueAdd").await;
    assert_eq!(
        (added["Queue"].as_str(), added["Interface"].as_str()),
        ("sales", "PJSIP/201")
    );
    let (_, sip) = bench
        .call("GET", "/api/users/me/sip", Some(&token), None)
        .await;
    assert_eq!(
        (&sip["secret"], &sip["wssUrl"]),
        (&json!("of anna"), &json!("wss://pbx.example:8089/ws"))
    );
    assert_eq!(request("QueuePause").await["Paused"], "false");

    let lunch = json!({"reason": "Lunch"});
    let (status, presence) = bench
        .call("POST", "/api/agent/pause", Some(&token), Some(lunch))
        .await;
    assert_eq!((status, &presence["pauseReason"]), (200, &json!("Lunch")));
    let paused = request("QueuePause").await;
    assert_eq!(
        (paused["Paused"].as_str(), paused["Reason"].as_str()),
        ("true", "Lunch")
    );
    bench
        .call("POST", "/api/agent/unpause", Some(&token), None)
        .await;
    assert_eq!(request("QueuePause").await["Paused"], "false");

    let voice = json!({"reason": "Lunch", "channel": "voice"});
    let (_, presence) = bench
        .call("POST", "/api/agent/pause", Some(&token), Some(voice))
        .await;
    assert_eq!(request("QueuePause").await["Paused"], "true");
    assert_eq!(presence["paused"], false, "only voice: {presence}");
    assert_eq!(presence["channels"]["voice"]["pauseReason"], "Lunch");

    let members = async |members: serde_json::Value| {
        let body = json!({"members": members});
        let (status, answer) = bench
            .call("PATCH", "/admin/api/queues/2", None, Some(body))
            .await;
        assert_eq!(status, 200, "{answer}");
    };
    members(json!([2])).await;
    assert_eq!(request("QueueRemove").await["Interface"], "PJSIP/201");
    members(json!([1, 2])).await;
    let added = request("QueueAdd").await;
    assert_eq!(
        (added["Interface"].as_str(), added["Paused"].as_str()),
        ("PJSIP/201", "true"),
        "as paused as before"
    );
    assert_eq!(request("QueuePause").await["Reason"], "Lunch");
    let (_, presence) = bench
        .call("GET", "/api/agent/presence", Some(&token), None)
        .await;
    assert_eq!(presence["online"], true, "taken out of one queue only");
    assert_eq!(presence["channels"]["voice"]["paused"], true);
    let unpause = json!({"channel": "voice"});
    let (_, presence) = bench
        .call("POST", "/api/agent/unpause", Some(&token), Some(unpause))
        .await;
    assert_eq!(request("QueuePause").await["Paused"], "false");
    assert_eq!(presence["channels"]["voice"]["paused"], false);

    let (_, queues) = bench
        .call("GET", "/api/voice/queues", Some(&token), None)
        .await;
    assert_eq!(queues["count"], 1, "Asterisk's queues only");
    let row = &queues["rows"][0];
    assert_eq!(
        (&row["name"], &row["strategy"], &row["waiting"]),
        (&json!("sales"), &json!("ringall"), &json!(2))
    );
    bench
        .call("POST", "/api/agent/logout", Some(&token), None)
        .await;
    assert_eq!(request("QueueRemove").await["Interface"], "PJSIP/201");
}

#[tokio::test]
async fn a_wrong_manager_secret_is_said_at_the_start() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let ami = listener.local_addr().expect("an address").to_string();
    tokio::spawn(fake(listener, mpsc::unbounded_channel().0));
    let refused = sidetone_sandbox::Sandbox::start(config(ami, "guess")).await;
    let sentence = refused.expect_err("refused").to_string();
    assert!(sentence.contains("secret was refused"), "{sentence}");
}
