//! Sign-in with name and password, and a one-time code where the agent has it on; its renewal; new passwords.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use sidetone_profile::{PASSWORD_LIFE_DAYS, PasswordRules, Secret};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::access::Body;
use crate::centre::Centre;
use crate::problem::Problem;
use crate::settings::broken_rule;
use crate::store::Agent;
use crate::{clock, password};

/// Longest password that is looked at.
const LONGEST: usize = 256;

#[derive(Deserialize)]
pub(crate) struct Credentials {
    name: String,
    password: Secret,
    #[serde(default)]
    code: Option<Secret>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Refresh {
    refresh_token: Secret,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PasswordChange {
    name: String,
    password: Secret,
    new_password: Secret,
    #[serde(default)]
    code: Option<Secret>,
}

pub(crate) async fn local(
    State(centre): State<Arc<Centre>>,
    Body(given): Body<Credentials>,
) -> Result<Json<Value>, Problem> {
    let code = given.code.as_ref().map_or("", Secret::reveal);
    let agent = check(&centre, &given.name, given.password.reveal(), Some(code)).await?;
    fresh(&centre, &agent)?;
    tracing::info!(agent = agent.name, "signed in");
    Ok(Json(centre.issue(agent.id, None)?))
}

pub(crate) async fn refresh(
    State(centre): State<Arc<Centre>>,
    Body(given): Body<Refresh>,
) -> Result<Json<Value>, Problem> {
    let (agent, tokens) = centre.refresh(&given.refresh_token)?;
    tracing::info!(agent = agent.name, "sign-in renewed");
    Ok(Json(tokens))
}

/// How one can sign in.
pub(crate) async fn methods(State(centre): State<Arc<Centre>>) -> Result<Json<Value>, Problem> {
    let browser = centre.settings()?.browser_sign_in;
    Ok(Json(json!({
        "password": true,
        "browser": browser.map(|name| json!({"name": name})),
    })))
}

pub(crate) async fn password_rules(
    State(centre): State<Arc<Centre>>,
) -> Result<Json<PasswordRules>, Problem> {
    Ok(Json(centre.settings()?.password_rules))
}

/// Sets a new password; the old one, even an expired one, says who asks.
pub(crate) async fn change_password(
    State(centre): State<Arc<Centre>>,
    Body(given): Body<PasswordChange>,
) -> Result<StatusCode, Problem> {
    let code = given.code.as_ref().map_or("", Secret::reveal);
    let agent = check(&centre, &given.name, given.password.reveal(), Some(code)).await?;
    let rules = centre.settings()?.password_rules;
    let refused = |sentence: &str| {
        Problem::password_refused()
            .because(sentence)
            .with("rules", json!(rules))
    };
    let new = given.new_password;
    if let Some(sentence) = broken_rule(&rules, new.reveal()) {
        return Err(refused(&sentence));
    }
    if new.reveal().chars().count() > LONGEST {
        return Err(refused("The new password is longer than 256 characters."));
    }
    if new.reveal() == given.password.reveal() {
        return Err(refused("The new password is the same as the old one."));
    }
    // The present password is the first one of the history.
    let old = centre
        .store()
        .old_passwords(agent.id, rules.history.saturating_sub(1))?;
    let (used, hash) = tokio::task::spawn_blocking(move || {
        let used = old.iter().any(|old| password::fits(new.reveal(), old));
        (used, password::hash(new.reveal()))
    })
    .await
    .map_err(|_| Problem::internal())?;
    if used {
        return Err(refused(&format!(
            "The new password is one of the last {}.",
            rules.history
        )));
    }
    set_password(&centre, agent, &hash)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Sets a password's hash, as of now, and tells the agent's programs.
pub(crate) fn set_password(centre: &Centre, mut agent: Agent, hash: &str) -> Result<(), Problem> {
    agent
        .document
        .insert("passwordResetAt".to_owned(), json!(clock::now_text()));
    {
        let store = centre.store();
        store.replace_password(agent.id, hash)?;
        store.save_document(agent.id, &agent.document)?;
        store.forget_failures(agent.id)?;
    }
    centre.hub.push(agent.id, "profile", &json!({}));
    Ok(())
}

/// The agent with this name and password. `code`: the one-time code given, `None` where none can be given (HTTP
/// Basic), which refuses agents that need one.
pub(crate) async fn check(
    centre: &Arc<Centre>,
    name: &str,
    password: &str,
    code: Option<&str>,
) -> Result<Agent, Problem> {
    let known = {
        let store = centre.store();
        match store.agent_named(name)? {
            Some(agent) => Some((store.password_hash(agent.id)?, agent)),
            None => None,
        }
    };
    let Some((hash, agent)) = known else {
        return Err(Problem::wrong_password());
    };
    if agent.is("blocked") {
        return Err(Problem::account_locked());
    }
    let password = Secret::new(password);
    let fits = tokio::task::spawn_blocking(move || password::fits(password.reveal(), &hash))
        .await
        .unwrap_or(false);
    if !fits {
        let locked = centre.store().count_failure(agent.id)?;
        if locked {
            tracing::warn!(agent = agent.name, "locked after wrong passwords");
            return Err(Problem::account_locked());
        }
        return Err(Problem::wrong_password());
    }
    usable(&agent)?;
    if let Some(secret) = &agent.code_secret {
        match code {
            None | Some("") => return Err(Problem::code_required()),
            Some(code) => {
                let now = clock::now().unix_timestamp();
                if !password::code_fits(secret.reveal(), code.trim(), now) {
                    // Guessing codes locks as guessing passwords does.
                    return Err(if centre.store().count_failure(agent.id)? {
                        Problem::account_locked()
                    } else {
                        Problem::wrong_code()
                    });
                }
            }
        }
    }
    centre.store().forget_failures(agent.id)?;
    Ok(agent)
}

/// Refuses an agent whose password is too old.
pub(crate) fn fresh(centre: &Centre, agent: &Agent) -> Result<(), Problem> {
    let life = time::Duration::days(i64::from(PASSWORD_LIFE_DAYS));
    let expired = OffsetDateTime::parse(agent.text("passwordResetAt"), &Rfc3339)
        .is_ok_and(|set| clock::now() - set >= life);
    if expired {
        let rules = centre.settings()?.password_rules;
        return Err(Problem::password_expired().with("rules", json!(rules)));
    }
    Ok(())
}

/// Refuses an agent that is locked or switched off.
pub(crate) fn usable(agent: &Agent) -> Result<(), Problem> {
    if agent.is("blocked") {
        return Err(Problem::account_locked());
    }
    if agent.is("disabled") {
        return Err(Problem::account_disabled());
    }
    Ok(())
}
