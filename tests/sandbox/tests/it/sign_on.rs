//! The other ways to sign in: renewal, the browser, new passwords.

use std::time::Duration;

use reqwest::Response;
use serde_json::{Value, json};
use sidetone_sandbox::{Config, DEMO_PASSWORD};
use url::Url;

use crate::client::Bench;

/// A program that signs in through the browser, and the person at it. The verifier is that of RFC 7636 appendix B.
pub(crate) struct Browser {
    wish: Vec<(&'static str, String)>,
}

const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const BACK: &str = "http://127.0.0.1:49152/callback";

impl Browser {
    pub(crate) fn new() -> Self {
        Self::towards(BACK)
    }

    pub(crate) fn towards(redirect: &str) -> Self {
        let wish = [
            ("response_type", "code"),
            ("client_id", "sidetone"),
            ("redirect_uri", redirect),
            ("state", "a&b"),
            (
                "code_challenge",
                "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
            ),
            ("code_challenge_method", "S256"),
        ];
        Self {
            wish: wish.map(|(name, value)| (name, value.to_owned())).to_vec(),
        }
    }

    /// Where the browser is sent.
    pub(crate) fn address(&self) -> String {
        format!("/api/auth/sso/authorize?{}", encoded(&self.wish))
    }

    /// Fills in the page.
    pub(crate) async fn send(
        &self,
        bench: &Bench,
        name: &str,
        password: &str,
        action: &str,
    ) -> Response {
        let mut form = self.wish.clone();
        for (field, value) in [("name", name), ("password", password), ("action", action)] {
            form.push((field, value.to_owned()));
        }
        bench
            .http
            .post(format!("{}/api/auth/sso/authorize", bench.handle.https_url))
            .header("Content-Type", "application/x-www-form-urlencoded")
            .body(encoded(&form))
            .send()
            .await
            .expect("an answer")
    }

    /// The code that the program is given.
    pub(crate) async fn code(&self, bench: &Bench, name: &str) -> String {
        let back = location(&self.send(bench, name, DEMO_PASSWORD, "sign-in").await);
        assert!(back.as_str().starts_with(BACK), "{back}");
        assert_eq!(parameter(&back, "state").as_deref(), Some("a&b"));
        parameter(&back, "code").expect("a code")
    }

    pub(crate) async fn redeem(&self, bench: &Bench, name: &str) -> (u16, Value) {
        let code = self.code(bench, name).await;
        redeem(bench, &code, VERIFIER, BACK).await
    }
}

async fn redeem(bench: &Bench, code: &str, verifier: &str, back: &str) -> (u16, Value) {
    let body = json!({"code": code, "codeVerifier": verifier, "redirectUri": back});
    bench
        .call("POST", "/api/auth/sso/token", None, Some(body))
        .await
}

fn encoded(fields: &[(&str, String)]) -> String {
    url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(fields)
        .finish()
}

fn location(answer: &Response) -> Url {
    assert_eq!(answer.status(), 302);
    let location = answer.headers()["location"].to_str().expect("text");
    Url::parse(location).expect("an address")
}

fn parameter(url: &Url, name: &str) -> Option<String> {
    url.query_pairs()
        .find(|(known, _)| known == name)
        .map(|(_, value)| value.into_owned())
}

#[tokio::test]
async fn a_sign_in_is_renewed_once_with_each_refresh_token() {
    let bench = Bench::start(Config::default()).await;
    let body = json!({"name": "anna", "password": DEMO_PASSWORD});
    let (_, first) = bench
        .call("POST", "/api/auth/local", None, Some(body))
        .await;
    let refresh = async |token: &Value| {
        let body = json!({"refreshToken": token});
        bench
            .call("POST", "/api/auth/refresh", None, Some(body))
            .await
    };
    let (status, second) = refresh(&first["refreshToken"]).await;
    assert_eq!(status, 200, "{second}");
    assert_ne!(first["refreshToken"], second["refreshToken"]);
    let token = second["token"].as_str().expect("a token");
    assert_eq!(
        bench
            .call("GET", "/api/users/me", Some(token), None)
            .await
            .0,
        200
    );
    let (status, problem) = refresh(&first["refreshToken"]).await;
    assert_eq!(
        (status, &problem["code"]),
        (401, &json!("token_expired")),
        "used"
    );

    bench
        .call("POST", "/admin/api/agents/anna/sign-out", None, None)
        .await;
    assert_eq!(refresh(&second["refreshToken"]).await.0, 401, "signed out");
}

#[tokio::test]
async fn a_socket_outlives_its_token_when_the_sign_in_was_renewed() {
    let bench = Bench::start(Config {
        token_life: Duration::from_secs(3),
        ..Config::default()
    })
    .await;
    let body = json!({"name": "anna", "password": DEMO_PASSWORD});
    let (_, first) = bench
        .call("POST", "/api/auth/local", None, Some(body))
        .await;
    let mut socket = bench
        .socket(first["token"].as_str().expect("a token"), None)
        .await;
    // The end of the second token is the first thing that is heard, some seconds after the end of the first.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let body = json!({"refreshToken": first["refreshToken"]});
    let (_, second) = bench
        .call("POST", "/api/auth/refresh", None, Some(body))
        .await;
    let renewed = std::time::Instant::now();
    let end = socket.next_of("signed_out").await;
    assert_eq!(end["data"]["code"], "token_expired");
    assert!(renewed.elapsed() > Duration::from_millis(1500), "{second}");
}

#[tokio::test]
async fn the_browser_sign_in_gives_tokens_to_the_program_that_asked_and_nobody_else() {
    let bench = Bench::start(Config::default()).await;
    let (_, methods) = bench.call("GET", "/api/auth/methods", None, None).await;
    assert_eq!(methods["browser"]["name"], "Company sign-in");
    let browser = Browser::new();
    let page = bench.send("GET", &browser.address(), None, None).await;
    assert_eq!(page.status(), 200);
    let page = page.text().await.expect("text");
    assert!(page.contains("Anna Keller"), "an agent with a SAML ID");
    assert!(page.contains("value=\"a&amp;b\""), "escaped");

    let (status, tokens) = browser.redeem(&bench, "anna").await;
    assert_eq!(status, 200, "{tokens}");
    let token = tokens["token"].as_str().expect("a token");
    let (_, me) = bench.call("GET", "/api/users/me", Some(token), None).await;
    assert_eq!(me["name"], "anna");

    let code = browser.code(&bench, "anna").await;
    assert_eq!(redeem(&bench, &code, VERIFIER, BACK).await.0, 200);
    for (code, verifier, back, why) in [
        (code, VERIFIER, BACK, "used"),
        (
            browser.code(&bench, "anna").await,
            "another verifier",
            BACK,
            "verifier",
        ),
        (
            browser.code(&bench, "anna").await,
            VERIFIER,
            "http://127.0.0.1:1/callback",
            "redirect",
        ),
    ] {
        let (status, problem) = redeem(&bench, &code, verifier, back).await;
        assert_eq!(
            (status, &problem["code"]),
            (400, &json!("bad_code")),
            "{why}"
        );
    }

    let cancelled = location(&browser.send(&bench, "anna", "", "cancel").await);
    assert_eq!(
        parameter(&cancelled, "error").as_deref(),
        Some("access_denied")
    );
    assert_eq!(parameter(&cancelled, "state").as_deref(), Some("a&b"));
    let wrong = browser.send(&bench, "anna", "wrong", "sign-in").await;
    assert_eq!(wrong.status(), 401);
    assert!(wrong.text().await.expect("text").contains("wrong"));
    let other = browser
        .send(&bench, "carla", DEMO_PASSWORD, "sign-in")
        .await;
    assert_eq!(other.status(), 401, "not one for the browser");
    for address in [
        "https://127.0.0.1/",
        "http://attacker.example/",
        "http://127.0.0.1.attacker.example/",
        "x",
    ] {
        let answer = Browser::towards(address)
            .send(&bench, "anna", DEMO_PASSWORD, "sign-in")
            .await;
        assert_eq!(answer.status(), 400, "{address}");
    }
}

#[tokio::test]
async fn a_code_of_the_browser_is_good_for_its_time_only() {
    let bench = Bench::start(Config {
        code_life: Duration::ZERO,
        ..Config::default()
    })
    .await;
    let (status, problem) = Browser::new().redeem(&bench, "anna").await;
    assert_eq!((status, &problem["code"]), (400, &json!("bad_code")));
}

#[tokio::test]
async fn an_expired_password_is_changed_by_the_rules() {
    let bench = Bench::start(Config::default()).await;
    let rules = json!({"passwordRules": {"min_length": 10, "digit": true, "history": 2}});
    let (status, settings) = bench
        .call("PATCH", "/admin/api/settings", None, Some(rules))
        .await;
    assert_eq!(status, 200, "{settings}");
    let (_, expired) = bench
        .call("POST", "/admin/api/agents/anna/expire-password", None, None)
        .await;
    assert!(expired["settings"]["passwordResetAt"].is_string());
    let sign_in = async |password: &str| {
        let body = json!({"name": "anna", "password": password});
        bench
            .call("POST", "/api/auth/local", None, Some(body))
            .await
    };
    let (status, problem) = sign_in(DEMO_PASSWORD).await;
    assert_eq!(
        (status, &problem["code"]),
        (403, &json!("password_expired"))
    );
    assert_eq!(problem["rules"]["min_length"], 10);

    let change = async |old: &str, new: &str| {
        let body = json!({"name": "anna", "password": old, "newPassword": new});
        bench
            .call("POST", "/api/auth/password", None, Some(body))
            .await
    };
    for (new, word) in [
        ("short1", "10"),
        ("long enough", "digit"),
        (DEMO_PASSWORD, "digit"),
    ] {
        let (status, problem) = change(DEMO_PASSWORD, new).await;
        assert_eq!(
            (status, &problem["code"]),
            (422, &json!("password_refused"))
        );
        let sentence = problem["detail"].as_str().expect("a sentence");
        assert!(sentence.contains(word), "{new}: {sentence}");
    }
    assert_eq!(change("wrong", "long enough 1").await.0, 401);
    assert_eq!(change(DEMO_PASSWORD, "long enough 1").await.0, 204);
    assert_eq!(sign_in("long enough 1").await.0, 200);
    assert_eq!(sign_in(DEMO_PASSWORD).await.0, 401);
    assert_eq!(change("long enough 1", "long enough 2").await.0, 204);
    let (status, problem) = change("long enough 2", "long enough 1").await;
    assert_eq!(status, 422, "one of the last two");
    assert!(problem["detail"].as_str().expect("text").contains("last 2"));
    assert_eq!(change("long enough 2", "long enough 3").await.0, 204);
    assert_eq!(
        change("long enough 3", "long enough 1").await.0,
        204,
        "long ago"
    );
}
