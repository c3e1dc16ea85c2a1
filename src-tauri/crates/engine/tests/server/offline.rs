use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use sidetone_engine::agent::{Command, LinkWord, Notice, Phase, PresenceState};
use sidetone_engine::{MemorySecrets, SecretStore};
use sidetone_sandbox::{Config, DEMO_PASSWORD};

use crate::centre::{Centre, Phone, agent};
use crate::sign_in::sign_in_with_browser;

const SIP_SECRET: &str = "a-sip-secret-of-the-test";

async fn until_ready(phone: &Phone) {
    phone
        .until("a confirmed presence", |s| {
            let presence = &s.view.presence;
            (presence.state == PresenceState::Ready && !presence.stale).then_some(())
        })
        .await;
}

/// Waits for it with patience, not for ever.
async fn within(what: &str, it: impl Future<Output = ()>) {
    tokio::time::timeout(Duration::from_secs(60), it)
        .await
        .unwrap_or_else(|_| panic!("no sign of {what}"));
}

/// Waits until something is kept of the agent; gives the folder.
async fn until_kept(centre: &Centre, name: &str) -> std::path::PathBuf {
    let folder = centre.folder.join(name);
    let is_kept = || {
        files(&folder)
            .iter()
            .any(|(path, text)| path.to_string_lossy().contains("profile-") && !text.is_empty())
    };
    within("what is kept", async {
        while !is_kept() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await;
    folder
}

/// Everything below a folder as text.
fn files(folder: &std::path::Path) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push((path.clone(), std::fs::read(&path).unwrap()));
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn the_phone_registers_while_the_web_server_is_away_and_signs_in_when_it_is_back() {
    let mut centre = Centre::start("away", Config::default()).await;
    let keychain = Arc::new(MemorySecrets::default());
    let anna = format!("/agents/{}", agent(&centre, "anna").await["id"]);
    let secret = json!({ "secret": SIP_SECRET });
    centre
        .admin("PUT", &format!("{anna}/sip-secret"), secret)
        .await;
    let first = centre.phone_with("anna", Arc::clone(&keychain), "").await;
    first.sign_in(&centre, "anna");
    first.until_green().await;
    until_ready(&first).await;
    let kept = until_kept(&centre, "anna").await;
    first.engine.shut_down().await;
    drop(first);

    centre.shut().await;
    let second = centre.phone_with("anna", Arc::clone(&keychain), "").await;
    second.sign_in_as(&centre, "anna", "not the password");
    second
        .until_told("a refusal", |n| {
            matches!(n, Notice::ServerUnreachable { .. })
        })
        .await;
    second.sign_in(&centre, "anna");
    second.until_green().await;
    let view = second.engine.snapshots().borrow().view.clone();
    assert_eq!(view.presence.state, PresenceState::Unknown);
    assert!(view.presence.stale);
    assert!(
        view.warnings
            .iter()
            .any(|n| matches!(n, Notice::WorkingOffline { .. })),
        "{:?}",
        view.warnings
    );
    assert!(!view.pause_reasons.is_empty(), "the lists were kept");

    // The administrator changes the profile, and the server comes back.
    let change = json!({"settings": {"fullname": "Anna Married"}});
    centre.admin("PATCH", &anna, change).await;
    centre.open().await;
    until_ready(&second).await;
    let view = second.engine.snapshots().borrow().view.clone();
    assert_eq!(view.agent.unwrap().full_name, "Anna Married");
    assert!(view.light.green, "the call path was never interrupted");

    for (path, text) in files(&kept) {
        let text = String::from_utf8_lossy(&text);
        assert!(!text.contains(DEMO_PASSWORD), "{}", path.display());
        assert!(!text.contains(SIP_SECRET), "{}", path.display());
    }
    second.engine.shut_down().await;
}

/// In one thread, where the clock can be moved on.
#[tokio::test]
async fn a_phone_that_was_alone_for_the_hours_of_the_policy_signs_out_and_says_why() {
    // The policy at the start, and the one while the server is away.
    for (name, before, during) in [
        ("alone", "offlineHours = 1\n", None),
        (
            "alone-policy",
            "offlineHours = 12\n",
            Some("offlineHours = 1\n"),
        ),
    ] {
        let mut centre = Centre::start(name, Config::default()).await;
        let keychain = Arc::new(MemorySecrets::default());
        let phone = centre.phone_with("anna", keychain, before).await;
        phone.sign_in(&centre, "anna");
        phone.until_green().await;
        until_ready(&phone).await;
        centre.shut().await;
        phone
            .until("a presence that is not confirmed", |s| {
                s.view.presence.stale.then_some(())
            })
            .await;
        later(Duration::from_secs(40 * 60)).await;
        let phase = phone.engine.snapshots().borrow().view.phase;
        assert_eq!(phase, Phase::SignedIn, "{name}: the time is not over");
        if let Some(policy) = during {
            std::fs::write(centre.folder.join("anna.toml"), policy).unwrap();
        }
        later(Duration::from_secs(30 * 60)).await;
        phone
            .until_told("for how long it may work alone", |n| {
                matches!(n, Notice::OfflineTooLong { hours: 1 })
            })
            .await;
        let phase = phone.engine.snapshots().borrow().view.phase;
        assert_eq!(phase, Phase::SignedOut, "{name}");
        phone.engine.shut_down().await;
    }
}

/// The clock of everything in this thread moves on.
async fn later(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
    // What was due then has its turn.
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_who_came_through_the_browser_goes_on_while_the_web_server_is_away() {
    let mut centre = Centre::start("browser-away", Config::default()).await;
    let settings = json!({"browserSignIn": "Company sign-in"});
    centre.admin("PATCH", "/settings", settings).await;
    let keychain = Arc::new(MemorySecrets::default());
    let first = centre.phone_with("ben", Arc::clone(&keychain), "").await;
    sign_in_with_browser(&centre, &first).await;
    until_ready(&first).await;
    until_kept(&centre, "ben").await;
    let account = format!("browser sign-in of ben@localhost:{}", centre.port);
    let used = keychain.get(&account).unwrap();
    assert!(used.is_some(), "in the keychain, and nowhere else");
    first.engine.shut_down().await;
    drop(first);
    centre.shut().await;

    let second = centre.phone_with("ben", Arc::clone(&keychain), "").await;
    second.ask(Command::SignInWithBrowser {
        server: centre.address(),
    });
    second.until_green().await;
    let view = second.engine.snapshots().borrow().view.clone();
    assert_eq!(view.agent.unwrap().full_name, "Ben Osei");
    assert!(view.presence.stale, "nobody has confirmed anything");
    // No browser is needed either when it is back.
    centre.open().await;
    until_ready(&second).await;
    // The refresh token of then is used up, and the next one kept.
    within("the next refresh token", async {
        while keychain.get(&account).unwrap() == used {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await;
    second.engine.shut_down().await;
    drop(second);
    centre.shut().await;
    let third = centre.phone_with("ben", Arc::clone(&keychain), "").await;
    third.ask(Command::SignInWithBrowser {
        server: centre.address(),
    });
    third.until_green().await;
    centre.open().await;
    until_ready(&third).await;

    // Who signs out leaves nothing behind.
    third.ask(Command::SignOut);
    third
        .until("the sign-in screen", |s| {
            (s.view.phase == Phase::SignedOut).then_some(())
        })
        .await;
    third.engine.shut_down().await;
    drop(third);
    centre.shut().await;
    let fourth = centre.phone_with("ben", keychain, "").await;
    fourth.ask(Command::SignInWithBrowser {
        server: centre.address(),
    });
    fourth
        .until_told("that the server is away", |n| {
            matches!(n, Notice::ServerUnreachable { .. })
        })
        .await;
    fourth.engine.shut_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_out_and_a_policy_leave_nothing_to_work_with() {
    for (name, policy, signs_out) in [("out", "", true), ("policy", "offlineHours = 0\n", false)] {
        let mut centre = Centre::start(name, Config::default()).await;
        let keychain = Arc::new(MemorySecrets::default());
        let first = centre
            .phone_with("anna", Arc::clone(&keychain), policy)
            .await;
        first.sign_in(&centre, "anna");
        first.until_green().await;
        until_ready(&first).await;
        if signs_out {
            first.ask(Command::SignOut);
            first
                .until("the sign-in screen", |s| {
                    (s.view.phase == Phase::SignedOut).then_some(())
                })
                .await;
        }
        first.engine.shut_down().await;
        drop(first);
        centre.shut().await;
        let second = centre.phone_with("anna", keychain, policy).await;
        second.sign_in(&centre, "anna");
        second
            .until_told("that the server is away", |n| {
                matches!(n, Notice::ServerUnreachable { .. })
            })
            .await;
        second.engine.shut_down().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_whom_the_server_gave_up_is_logged_in_again_by_itself() {
    let config = Config {
        grace: Duration::from_secs(1),
        ..Config::default()
    };
    let mut centre = Centre::start("grace", config).await;
    let phone = centre.phone("anna").await;
    phone.sign_in(&centre, "anna");
    phone.until_green().await;
    until_ready(&phone).await;
    // The server misses only whom it had on a line.
    phone
        .until("the server's word as it happens", |s| {
            (s.view.link.state == LinkWord::Live).then_some(())
        })
        .await;
    centre.shut().await;
    phone
        .until("a presence that is not confirmed", |s| {
            s.view.presence.stale.then_some(())
        })
        .await;
    // The server's word, not ours: it gives the agent up.
    within("the server to give the agent up", async {
        while agent(&centre, "anna").await["online"] != false {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    })
    .await;
    centre.open().await;
    phone
        .until("the word of it", |s| {
            let again = |n: &Notice| *n == Notice::LoggedInAgain;
            s.view.toasts.iter().any(|t| again(&t.notice)).then_some(())
        })
        .await;
    until_ready(&phone).await;
    phone.engine.shut_down().await;
}
