//! Sign-in with name and password, and a one-time code where the agent has it on.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Value, json};
use sidetone_profile::Secret;

use super::access::Body;
use crate::centre::Centre;
use crate::problem::Problem;
use crate::store::Agent;
use crate::{clock, password};

#[derive(Deserialize)]
pub(crate) struct Credentials {
    name: String,
    password: Secret,
    #[serde(default)]
    code: Option<Secret>,
}

pub(crate) async fn local(
    State(centre): State<Arc<Centre>>,
    Body(given): Body<Credentials>,
) -> Result<Json<Value>, Problem> {
    let code = given.code.as_ref().map_or("", Secret::reveal);
    let agent = check(&centre, &given.name, given.password.reveal(), Some(code)).await?;
    let token = password::token();
    let life = i64::try_from(centre.rules.token_life.as_secs()).unwrap_or(i64::MAX / 2);
    let now = clock::now().unix_timestamp();
    let store = centre.store();
    store.forget_expired(now)?;
    store.add_token(&password::digest(token.reveal()), agent.id, now + life)?;
    tracing::info!(agent = agent.name, "signed in");
    Ok(Json(json!({"token": token.reveal(), "expiresIn": life})))
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
