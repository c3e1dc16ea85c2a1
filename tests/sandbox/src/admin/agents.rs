//! Agents: list, look at, change.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use sidetone_profile::{Secret, wire};

use super::settings;
use crate::centre::Centre;
use crate::contract::{Body, Params, agent_row};
use crate::password;
use crate::problem::Problem;
use crate::store::Agent;

type Answer = Result<Json<Value>, Problem>;

#[derive(Deserialize)]
pub(crate) struct Save {
    settings: Map<String, Value>,
}

#[derive(Deserialize)]
pub(crate) struct SaveOptions {
    /// Saves what [`wire::read`] would refuse, to see what a phone makes of it.
    #[serde(default)]
    unchecked: bool,
}

#[derive(Deserialize)]
pub(crate) struct NewPassword {
    password: Secret,
}

#[derive(Deserialize)]
pub(crate) struct CodeSwitch {
    on: bool,
}

pub(crate) async fn list(State(centre): State<Arc<Centre>>) -> Answer {
    let agents = centre.store().agents()?;
    let rows: Vec<Value> = agents
        .iter()
        .map(|agent| agent_row(&centre, agent))
        .collect();
    Ok(Json(json!({"count": rows.len(), "rows": rows})))
}

pub(crate) async fn one(State(centre): State<Arc<Centre>>, Path(id): Path<String>) -> Answer {
    let agent = find(&centre, &id)?;
    Ok(Json(document(&centre, &agent)?))
}

/// Saves changed settings and tells the agent's programs at once.
pub(crate) async fn save(
    State(centre): State<Arc<Centre>>,
    Path(id): Path<String>,
    Params(options): Params<SaveOptions>,
    Body(changes): Body<Save>,
) -> Answer {
    let mut agent = find(&centre, &id)?;
    let was = agent.clone();
    let known: BTreeSet<String> = settings::groups()
        .into_iter()
        .flat_map(|(_, settings)| settings)
        .map(|setting| setting.field)
        .collect();
    if let Some(unknown) = changes
        .settings
        .keys()
        .find(|field| !known.contains(*field))
    {
        return Err(Problem::invalid_setting().because(format!("{unknown} is not a setting.")));
    }
    let changed: BTreeSet<String> = changes.settings.keys().cloned().collect();
    agent.document.extend(changes.settings);
    if !options.unchecked {
        check(&centre, &mut agent, &changed)?;
    }
    centre.store().save_document(agent.id, &agent.document)?;
    centre.hub.push(agent.id, "profile", &json!({}));
    if was.is("blocked") && !agent.is("blocked") {
        centre.store().forget_failures(agent.id)?;
    }
    let (locked, disabled) = (agent.is("blocked"), agent.is("disabled"));
    if (locked && !was.is("blocked")) || (disabled && !was.is("disabled")) {
        let detail = if disabled {
            "This account was switched off by an administrator."
        } else {
            "This account was locked by an administrator."
        };
        centre.sign_out(&agent, "account_disabled", detail).await?;
    }
    Ok(Json(document(&centre, &agent)?))
}

pub(crate) async fn set_password(
    State(centre): State<Arc<Centre>>,
    Path(id): Path<String>,
    Body(new): Body<NewPassword>,
) -> Answer {
    let mut agent = find(&centre, &id)?;
    if new.password.reveal().chars().count() < 8 {
        return Err(Problem::invalid_setting().because("A password has at least 8 characters."));
    }
    let hash = tokio::task::spawn_blocking(move || password::hash(new.password.reveal()))
        .await
        .map_err(|_| Problem::internal())?;
    agent.document.insert(
        "passwordResetAt".to_owned(),
        json!(crate::clock::now_text()),
    );
    {
        let store = centre.store();
        store.set_password_hash(agent.id, &hash)?;
        store.save_document(agent.id, &agent.document)?;
        store.forget_failures(agent.id)?;
    }
    centre.hub.push(agent.id, "profile", &json!({}));
    Ok(Json(document(&centre, &agent)?))
}

/// Switches the one-time code on, with a new secret, or off.
pub(crate) async fn set_code(
    State(centre): State<Arc<Centre>>,
    Path(id): Path<String>,
    Body(wanted): Body<CodeSwitch>,
) -> Answer {
    let agent = find(&centre, &id)?;
    let secret = wanted.on.then(password::code_secret);
    centre
        .store()
        .set_code_secret(agent.id, secret.as_ref().map(Secret::reveal))?;
    let uri = secret.as_ref().map(|secret| {
        format!(
            "otpauth://totp/Sidetone%20sandbox:{}?secret={}&issuer=Sidetone%20sandbox",
            agent.name,
            secret.reveal()
        )
    });
    Ok(Json(json!({
        "on": wanted.on,
        "secret": secret.as_ref().map(Secret::reveal),
        "uri": uri,
    })))
}

/// Ends every sign-in of the agent.
pub(crate) async fn sign_out(State(centre): State<Arc<Centre>>, Path(id): Path<String>) -> Answer {
    let agent = find(&centre, &id)?;
    centre
        .sign_out(
            &agent,
            "logged_out",
            "An administrator has signed this agent out.",
        )
        .await?;
    Ok(Json(document(&centre, &agent)?))
}

fn find(centre: &Centre, id: &str) -> Result<Agent, Problem> {
    let store = centre.store();
    let agent = match id.parse() {
        Ok(id) => store.agent(id)?,
        Err(_) => store.agent_named(id)?,
    };
    agent.ok_or_else(|| Problem::not_found().because("There is no such agent."))
}

/// Refuses values that a phone could not use, and writes the others in their one form.
fn check(centre: &Centre, agent: &mut Agent, changed: &BTreeSet<String>) -> Result<(), Problem> {
    let extension = agent.extension().to_owned();
    let others = centre.store().agents()?;
    if extension.is_empty()
        || others
            .iter()
            .any(|other| other.id != agent.id && other.extension() == extension)
    {
        return Err(Problem::invalid_setting()
            .because("internal: another agent has this extension, or it is empty."));
    }
    let mut whole = agent.document.clone();
    whole.insert("id".to_owned(), json!(agent.id));
    whole.insert("name".to_owned(), json!(agent.name));
    let (profile, faults) = wire::read(&Value::Object(whole))
        .map_err(|error| Problem::invalid_setting().because(format!("{error}.")))?;
    if let Some(fault) = faults.iter().find(|fault| changed.contains(fault.field)) {
        return Err(Problem::invalid_setting().because(format!("{fault}.")));
    }
    let written = wire::write(&profile);
    for field in changed {
        if let Some(value) = written.get(field) {
            agent.document.insert(field.clone(), value.clone());
        }
    }
    Ok(())
}

fn document(centre: &Centre, agent: &Agent) -> Result<Value, Problem> {
    let queues: Vec<String> = centre
        .queues_of(agent.id)?
        .into_iter()
        .map(|queue| queue.name)
        .collect();
    Ok(json!({
        "id": agent.id,
        "name": agent.name,
        "settings": agent.document,
        "codeRequired": agent.code_secret.is_some(),
        "queues": queues,
        "live": agent_row(centre, agent),
        "presence": centre.presence(agent.id).document(),
    }))
}
