//! Agents: list, look at, change.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use sidetone_profile::{PASSWORD_LIFE_DAYS, Secret, wire};

use super::{membership, settings};
use crate::centre::Centre;
use crate::contract::{Body, Params, agent_row};
use crate::password;
use crate::pbx::Switch;
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
pub(crate) struct NewSipSecret {
    /// Left out: one is made.
    #[serde(default)]
    secret: Option<Secret>,
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
    let mut changed: BTreeSet<String> = changes.settings.keys().cloned().collect();
    let was_masked = agent.is("privacyEnabled");
    agent.document.extend(changes.settings);
    if !options.unchecked {
        membership::check(&mut agent.document, &changed)?;
        settle_masking(&mut agent.document, &mut changed, was_masked);
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
    let agent = find(&centre, &id)?;
    if new.password.reveal().chars().count() < 8 {
        return Err(Problem::invalid_setting().because("A password has at least 8 characters."));
    }
    let hash = tokio::task::spawn_blocking(move || password::hash(new.password.reveal()))
        .await
        .map_err(|_| Problem::internal())?;
    // Whoever is signed in with the old one has to know the new one at the next renewal.
    centre.store().forget_refreshes(agent.id)?;
    crate::contract::set_password(&centre, agent, &hash)?;
    one(State(centre), Path(id)).await
}

/// Makes the password too old, so that the next sign-in asks for a new one.
pub(crate) async fn expire_password(
    State(centre): State<Arc<Centre>>,
    Path(id): Path<String>,
) -> Answer {
    let mut agent = find(&centre, &id)?;
    let past = crate::clock::now() - time::Duration::days(i64::from(PASSWORD_LIFE_DAYS) + 1);
    agent.document.insert(
        "passwordResetAt".to_owned(),
        json!(crate::clock::text(past)),
    );
    centre.store().save_document(agent.id, &agent.document)?;
    centre.hub.push(agent.id, "profile", &json!({}));
    Ok(Json(document(&centre, &agent)?))
}

/// Gives the phone another secret; the telephone system refuses the old one from now on.
pub(crate) async fn set_sip_secret(
    State(centre): State<Arc<Centre>>,
    Path(id): Path<String>,
    Body(wanted): Body<NewSipSecret>,
) -> Answer {
    let agent = find(&centre, &id)?;
    if let Some(Switch::Asterisk(_)) = centre.switch.get() {
        return Err(Problem::switch_unavailable()
            .because("Asterisk keeps the SIP secrets itself; change it there."));
    }
    let secret = wanted.secret.unwrap_or_else(password::token);
    let text = secret.reveal();
    if text.is_empty() || text.len() > 128 || text.contains(char::is_control) {
        return Err(Problem::invalid_setting()
            .because("A SIP secret is 1 to 128 letters without control characters."));
    }
    centre.store().set_sip_secret(agent.id, &secret)?;
    // A program that knows only profiles looks at its telephone then, too.
    for kind in ["sip", "profile"] {
        centre.hub.push(agent.id, kind, &json!({}));
    }
    Ok(Json(json!({"secret": text})))
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

pub(super) fn find(centre: &Centre, id: &str) -> Result<Agent, Problem> {
    let store = centre.store();
    let agent = match id.parse() {
        Ok(id) => store.agent(id)?,
        Err(_) => store.agent_named(id)?,
    };
    agent.ok_or_else(|| Problem::not_found().because("There is no such agent."))
}

/// What is masked is one switch and a degree for each kind of value; whichever is changed brings the others along.
fn settle_masking(
    document: &mut Map<String, Value>,
    changed: &mut BTreeSet<String>,
    was_masked: bool,
) {
    const SWITCH: &str = "privacyEnabled";
    const DEGREES: [&str; 3] = ["privacyName", "privacyEmail", "privacyNumber"];
    let switched = changed.contains(SWITCH);
    let graded = DEGREES.iter().any(|degree| changed.contains(*degree));
    match (switched, graded) {
        (false, false) => return,
        (true, false) => DEGREES.iter().for_each(|degree| {
            document.remove(*degree);
        }),
        (false, true) => {
            for degree in DEGREES.iter().filter(|degree| !changed.contains(**degree)) {
                if !was_masked {
                    document.insert((*degree).to_owned(), json!("off"));
                }
            }
            document.insert(SWITCH.to_owned(), json!(true));
        }
        (true, true) => {}
    }
    changed.extend([SWITCH].into_iter().chain(DEGREES).map(str::to_owned));
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
    for field in changed
        .iter()
        .filter(|field| !membership::FIELDS.contains(&field.as_str()))
    {
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
    let holder = centre.sessions.holder(agent.id);
    Ok(json!({
        "id": agent.id,
        "name": agent.name,
        "settings": agent.document,
        "device": holder.as_ref().map(|holder| &holder.device),
        "deviceSince": holder.as_ref().map(|holder| crate::clock::text(holder.since)),
        "codeRequired": agent.code_secret.is_some(),
        "queues": queues,
        "live": agent_row(centre, agent),
        "presence": centre.presence(agent.id).document(),
    }))
}
