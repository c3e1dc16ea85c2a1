use std::collections::HashMap;

use serde_json::json;
use sidetone_engine::EngineEvent;
use sidetone_engine::agent::{Command, Notice, Phase, PresenceState};
use sidetone_profile::{Channel, Secret};
use sidetone_sandbox::{Config, DEMO_PASSWORD};
use tokio::time::timeout;

use crate::centre::{Centre, LONG, Phone, agent};

/// A person at the identity provider's page: signs in there, or cancels, and follows the way back.
async fn person(centre: &Centre, address: &str, action: &str) -> u16 {
    let page = centre.http.get(address).send().await.unwrap();
    assert!(page.status().is_success(), "{page:?}");
    let asked: url::Url = address.parse().unwrap();
    let mut form: HashMap<String, String> = asked.query_pairs().into_owned().collect();
    form.insert("name".to_owned(), "ben".to_owned());
    form.insert("password".to_owned(), DEMO_PASSWORD.to_owned());
    form.insert("action".to_owned(), action.to_owned());
    let body = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(form)
        .finish();
    let form = format!("{}/api/auth/sso/authorize", centre.address());
    let request = centre
        .http
        .post(form)
        .header("Content-Type", "application/x-www-form-urlencoded")
        .body(body);
    let redirect = request.send().await.unwrap();
    assert_eq!(redirect.status().as_u16(), 302);
    let back = redirect.headers()["location"].to_str().unwrap();
    centre
        .http
        .get(back)
        .send()
        .await
        .unwrap()
        .status()
        .as_u16()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_screen_offers_the_ways_that_the_server_has() {
    let mut centre = Centre::start("ways", Config::default()).await;
    let phone = centre.phone("anna").await;
    let browser = |name: &str| Some(name.to_owned());
    for (setting, expected) in [
        (json!(""), None),
        (json!("Company sign-in"), browser("Company sign-in")),
        (json!(""), None),
    ] {
        let settings = json!({ "browserSignIn": setting });
        centre.admin("PATCH", "/settings", settings).await;
        phone.ask(Command::AskSignInWays {
            server: centre.address(),
        });
        phone
            .until("what the server offers", |s| {
                let offer = s.view.sign_in_offer.as_ref()?;
                let is_it = offer.ways.password && offer.ways.browser == expected;
                (is_it && offer.server == centre.address()).then_some(())
            })
            .await;
    }
    // A server that comes back later is asked then.
    let settings = json!({"browserSignIn": "Company sign-in"});
    centre.admin("PATCH", "/settings", settings).await;
    centre.shut().await;
    phone.ask(Command::AskSignInWays {
        server: centre.address(),
    });
    centre.open().await;
    phone
        .until("what the server that is back offers", |s| {
            let ways = &s.view.sign_in_offer.as_ref()?.ways;
            (ways.browser.as_deref() == Some("Company sign-in")).then_some(())
        })
        .await;
    phone.engine.shut_down().await;
}

/// Ben asks for the browser and acts there; gives the status of the page at the end.
async fn in_browser(centre: &Centre, phone: &Phone, action: &str) -> u16 {
    let mut events = phone.engine.events();
    phone.ask(Command::SignInWithBrowser {
        server: centre.address(),
    });
    let opened = timeout(LONG, async {
        loop {
            if let EngineEvent::OpenAddress { address } = events.recv().await.unwrap() {
                return address;
            }
        }
    });
    person(centre, &opened.await.unwrap(), action).await
}

/// Ben signs in through the browser.
pub(crate) async fn sign_in_with_browser(centre: &Centre, phone: &Phone) {
    assert_eq!(in_browser(centre, phone, "sign-in").await, 200);
    phone.until_green().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_browser_signs_the_agent_in_and_a_cancelled_sign_in_is_said() {
    let centre = Centre::start("browser", Config::default()).await;
    let settings = json!({"browserSignIn": "Company sign-in"});
    centre.admin("PATCH", "/settings", settings).await;
    let phone = centre.phone("ben").await;
    for (action, status) in [("cancel", 403), ("sign-in", 200)] {
        assert_eq!(in_browser(&centre, &phone, action).await, status);
        if action == "cancel" {
            phone
                .until_told("the reason", |n| {
                    matches!(n, Notice::BrowserSignInFailed { .. })
                })
                .await;
        }
    }
    phone.until_green().await;
    let name = phone
        .until("the agent", |s| Some(s.view.agent.clone()?.full_name))
        .await;
    assert_eq!(name, "Ben Osei");
    phone.engine.shut_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_second_session_takes_over_only_when_the_agent_says_so() {
    let centre = Centre::start("elsewhere", Config::default()).await;
    let (first, second) = (centre.phone("first").await, centre.phone("second").await);
    first.sign_in(&centre, "anna");
    first.until_green().await;
    // The first one's socket is what makes it a session in use.
    first
        .until("presence", |s| {
            (s.view.presence.state == PresenceState::Ready).then_some(())
        })
        .await;
    second.sign_in(&centre, "anna");
    second
        .until_told("where", |n| matches!(n, Notice::SignedInElsewhere { .. }))
        .await;
    let shown = first.engine.snapshots().borrow().view.phase;
    assert_eq!(shown, Phase::SignedIn, "nothing changed there");

    second.ask(Command::TakeOver);
    second.until_green().await;
    first
        .until_told("who took over", |n| {
            matches!(n, Notice::SignedInElsewhere { .. })
        })
        .await;
    // What the first one sends when it goes must not log the second one out.
    first.engine.shut_down().await;
    assert_eq!(agent(&centre, "anna").await["online"], true);
    second.engine.shut_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_password_is_changed_and_the_sign_in_goes_on() {
    let centre = Centre::start("password", Config::default()).await;
    let anna = agent(&centre, "anna").await;
    let path = format!("/agents/{}/expire-password", anna["id"]);
    centre.admin("POST", &path, json!({})).await;
    let phone = centre.phone("anna").await;
    phone.sign_in(&centre, "anna");
    phone
        .until("the wish for a new password", |s| {
            (s.view.phase == Phase::PasswordRequired).then_some(())
        })
        .await;
    phone.ask(Command::ChangePassword {
        current: None,
        new: Secret::new("A-longer passw0rd"),
    });
    phone.until_green().await;
    // And once more, by the agent's own wish.
    phone.ask(Command::ChangePassword {
        current: Some(Secret::new("wrong")),
        new: Secret::new("An0ther passw0rd!"),
    });
    phone
        .until("a refusal", |s| {
            let refused = |n: &Notice| matches!(n, Notice::PasswordRefused { .. });
            s.view
                .toasts
                .iter()
                .any(|t| refused(&t.notice))
                .then_some(())
        })
        .await;
    phone.ask(Command::ChangePassword {
        current: Some(Secret::new("A-longer passw0rd")),
        new: Secret::new("An0ther passw0rd!"),
    });
    phone
        .until("the new password", |s| {
            let changed = |n: &Notice| *n == Notice::PasswordChanged;
            s.view
                .toasts
                .iter()
                .any(|t| changed(&t.notice))
                .then_some(())
        })
        .await;
    phone.engine.shut_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn channels_are_paused_one_by_one_where_the_server_allows_it() {
    let centre = Centre::start("channels", Config::default()).await;
    centre
        .admin("PATCH", "/settings", json!({"partialPause": true}))
        .await;
    let phone = centre.phone("anna").await;
    phone.sign_in(&centre, "anna");
    phone.until_green().await;
    phone
        .until("the right to", |s| {
            s.view.permissions.partial_pause.then_some(())
        })
        .await;
    phone.ask(Command::PauseChannel {
        channel: Channel::Chat,
        reason: "Lunch".to_owned(),
    });
    phone
        .until("the pause", |s| {
            let chat = s.view.presence.channels.iter();
            let mut chat = chat.filter(|c| c.channel == Channel::Chat && c.paused);
            chat.next().map(drop)
        })
        .await;
    assert_eq!(
        phone.engine.snapshots().borrow().view.presence.state,
        PresenceState::Ready
    );
    phone.engine.shut_down().await;
}
