//! Sign-in through the browser: a small identity provider with authorization code and PKCE (RFC 8252, RFC 7636).

use std::fmt::Write as _;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Form, FromRequest as _, Request, State};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION, REFERRER_POLICY};
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use serde_json::Value;
use sidetone_profile::Secret;
use url::{Host, Url};

use super::access::{Body, Params};
use super::auth;
use crate::centre::Centre;
use crate::problem::Problem;
use crate::store::Agent;

/// What a program asks for.
#[derive(Debug, Deserialize)]
pub(crate) struct Wish {
    response_type: String,
    client_id: String,
    redirect_uri: String,
    state: String,
    code_challenge: String,
    code_challenge_method: String,
}

/// The page's form: the wish again, and who signs in.
#[derive(Deserialize)]
struct Filled {
    #[serde(flatten)]
    wish: Wish,
    action: String,
    #[serde(default)]
    name: String,
    password: Option<Secret>,
    code: Option<Secret>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Redeem {
    code: Secret,
    code_verifier: Secret,
    redirect_uri: String,
}

/// The sign-in page.
pub(crate) async fn page(
    State(centre): State<Arc<Centre>>,
    Params(wish): Params<Wish>,
) -> Result<Response, Problem> {
    wish.check()?;
    show(&centre, &wish, StatusCode::OK, "", "", false)
}

/// The page's form was sent.
pub(crate) async fn sign_in(
    State(centre): State<Arc<Centre>>,
    request: Request,
) -> Result<Response, Problem> {
    let Form(filled) = Form::<Filled>::from_request(request, &())
        .await
        .map_err(|error| Problem::malformed_body().because(format!("{error}.")))?;
    let back = filled.wish.check()?;
    if filled.action == "cancel" {
        return Ok(redirect(
            back,
            &[
                ("error", "access_denied"),
                ("error_description", "The sign-in was cancelled."),
                ("state", &filled.wish.state),
            ],
        ));
    }
    let allowed = centre
        .store()
        .agent_named(&filled.name)?
        .is_some_and(|agent| browser_agent(&agent));
    let password = filled.password.as_ref().map_or("", Secret::reveal);
    let code = filled.code.as_ref().map_or("", Secret::reveal);
    let checked = if allowed {
        auth::check(&centre, &filled.name, password, Some(code)).await
    } else {
        Err(Problem::wrong_password())
    };
    match checked {
        Ok(agent) => {
            let code = centre.codes.issue(
                agent.id,
                &filled.wish.code_challenge,
                &filled.wish.redirect_uri,
            );
            Ok(redirect(
                back,
                &[("code", &code), ("state", &filled.wish.state)],
            ))
        }
        Err(problem) => show(
            &centre,
            &filled.wish,
            StatusCode::UNAUTHORIZED,
            &filled.name,
            &problem.detail,
            matches!(problem.code, "code_required" | "wrong_code"),
        ),
    }
}

/// A code for tokens.
pub(crate) async fn token(
    State(centre): State<Arc<Centre>>,
    Body(given): Body<Redeem>,
) -> Result<Json<Value>, Problem> {
    let agent = centre
        .codes
        .redeem(
            given.code.reveal(),
            given.code_verifier.reveal(),
            &given.redirect_uri,
            centre.rules.code_life,
        )
        .ok_or_else(Problem::bad_code)?;
    let agent = centre.store().agent(agent)?.ok_or_else(Problem::bad_code)?;
    auth::usable(&agent)?;
    tracing::info!(agent = agent.name, "signed in through the browser");
    Ok(Json(centre.issue(agent.id, None)?))
}

impl Wish {
    /// The address to go back to, when all is as it must be. What is not is never redirected: the address is not trusted.
    fn check(&self) -> Result<Url, Problem> {
        let wrong = |sentence: &str| Err(Problem::malformed_query().because(sentence));
        let back = Url::parse(&self.redirect_uri).ok().filter(|url| {
            let own = match url.host() {
                Some(Host::Ipv4(ip)) => ip.is_loopback(),
                Some(Host::Ipv6(ip)) => ip.is_loopback(),
                Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
                None => false,
            };
            own && url.scheme() == "http"
                && url.fragment().is_none()
                && url.username().is_empty()
                && url.password().is_none()
        });
        let Some(back) = back else {
            return wrong("redirect_uri is not an http address of this machine's loopback.");
        };
        if self.client_id != "sidetone" {
            return wrong("client_id is not one of this identity provider's programs.");
        }
        if self.response_type != "code" {
            return wrong("response_type is not code.");
        }
        if self.code_challenge_method != "S256" {
            return wrong("code_challenge_method is not S256.");
        }
        let token = |text: &str| {
            text.bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
        };
        if self.code_challenge.len() != 43 || !token(&self.code_challenge) {
            return wrong("code_challenge is not the base64url of a SHA-256.");
        }
        if self.state.is_empty() || self.state.len() > 512 {
            return wrong("state is not 1 to 512 letters.");
        }
        Ok(back)
    }

    fn fields(&self) -> [(&'static str, &str); 6] {
        [
            ("response_type", &self.response_type),
            ("client_id", &self.client_id),
            ("redirect_uri", &self.redirect_uri),
            ("state", &self.state),
            ("code_challenge", &self.code_challenge),
            ("code_challenge_method", &self.code_challenge_method),
        ]
    }
}

/// Whether an agent may sign in through the browser.
fn browser_agent(agent: &Agent) -> bool {
    agent.is("adSsoEnabled") || !agent.text("samlId").is_empty()
}

fn redirect(mut back: Url, answer: &[(&str, &str)]) -> Response {
    back.query_pairs_mut().extend_pairs(answer);
    (StatusCode::FOUND, [(LOCATION, back.to_string())]).into_response()
}

/// The page. `fault`: why the last try failed.
fn show(
    centre: &Centre,
    wish: &Wish,
    status: StatusCode,
    chosen: &str,
    fault: &str,
    with_code: bool,
) -> Result<Response, Problem> {
    let title = centre.settings()?.browser_sign_in.ok_or_else(|| {
        Problem::not_found().because("This centre has no sign-in through the browser.")
    })?;
    let agents = centre.store().agents()?;
    let people: String = agents
        .iter()
        .filter(|agent| browser_agent(agent))
        .map(|agent| {
            format!(
                "<option value=\"{}\"{}>{}</option>",
                escaped(&agent.name),
                if agent.name == chosen {
                    " selected"
                } else {
                    ""
                },
                escaped(agent.text("fullname"))
            )
        })
        .collect();
    let mut hidden = String::new();
    for (name, value) in wish.fields() {
        // Writing to a String does not fail.
        let _ = write!(
            hidden,
            "<input type=\"hidden\" name=\"{name}\" value=\"{}\">",
            escaped(value)
        );
    }
    let code = if with_code {
        "<label for=\"code\">One-time code</label><input id=\"code\" name=\"code\" inputmode=\"numeric\" autocomplete=\"one-time-code\">"
    } else {
        ""
    };
    let fault = match fault {
        "" => String::new(),
        fault => format!("<p role=\"alert\">{}</p>", escaped(fault)),
    };
    let page = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>{title}</title><link rel=\"stylesheet\" href=\"/api/auth/sso/page.css\"></head><body><main><h1>{title}</h1>{fault}\
         <form method=\"post\" action=\"/api/auth/sso/authorize\">{hidden}\
         <label for=\"name\">Agent</label><select id=\"name\" name=\"name\">{people}</select>\
         <label for=\"password\">Password</label><input id=\"password\" name=\"password\" type=\"password\" autocomplete=\"current-password\">{code}\
         <p><button name=\"action\" value=\"sign-in\">Sign in</button> <button name=\"action\" value=\"cancel\">Cancel</button></p>\
         </form></main></body></html>",
        title = escaped(&title),
    );
    // The answer to the form is a redirect to the program on this machine.
    let policy = "default-src 'none'; style-src 'self'; frame-ancestors 'none'; base-uri 'none'; \
                  form-action 'self' http://127.0.0.1:* http://localhost:* http://[::1]:*";
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CONTENT_SECURITY_POLICY, policy),
        (REFERRER_POLICY, "no-referrer"),
    ];
    Ok((status, headers, page).into_response())
}

pub(crate) async fn style() -> Response {
    let style = "body{font:15px/1.5 system-ui,sans-serif;color-scheme:light dark;margin:0}\
                 main{max-width:340px;margin:12vh auto;padding:0 16px}label{display:block;margin-top:12px}\
                 input,select{width:100%;box-sizing:border-box;padding:8px;font:inherit}\
                 button{font:inherit;padding:8px 16px}p[role=alert]{color:#b3261e}";
    ([(CONTENT_TYPE, "text/css; charset=utf-8")], style).into_response()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}
