//! An agent's picture: kept here, and named in the agent's settings.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};
use sidetone_profile::AvatarKind;

use super::agents::find;
use crate::centre::Centre;
use crate::contract::Body;
use crate::password;
use crate::problem::Problem;

/// A picture that is larger than allowed still comes through to be refused in words.
const BODY_LIMIT: usize = 16 * 1024 * 1024;

#[derive(Deserialize)]
pub(crate) struct NewAvatar {
    /// The file in base64; null takes the picture away.
    picture: Option<String>,
}

/// Keeps the picture and lets the agent's programs fetch it.
pub(crate) async fn set(
    State(centre): State<Arc<Centre>>,
    Path(id): Path<String>,
    Body(new): Body<NewAvatar, BODY_LIMIT>,
) -> Result<Json<Value>, Problem> {
    let mut agent = find(&centre, &id)?;
    let picture = new.picture.map(|text| read(&text)).transpose()?;
    let address = picture.as_ref().map(|picture| {
        // Another picture has another address, so that a program sees that it has changed.
        let version = password::digest_of(picture);
        format!("/api/users/{}/avatar?v={}", agent.id, &version[..12])
    });
    let store = centre.store();
    store.set_avatar(agent.id, picture.as_deref())?;
    let shown = json!(address.unwrap_or_default());
    agent.document.insert("userpic".to_owned(), shown.clone());
    store.save_document(agent.id, &agent.document)?;
    drop(store);
    centre.hub.push(agent.id, "profile", &json!({}));
    Ok(Json(json!({"userpic": shown})))
}

fn read(text: &str) -> Result<Vec<u8>, Problem> {
    let picture = STANDARD.decode(text).map_err(|error| {
        Problem::malformed_body().because(format!("The picture is not base64: {error}."))
    })?;
    AvatarKind::of(&picture).map_err(|error| {
        let words = error.to_string();
        let (what, advice) = words.split_once("; ").unwrap_or((&words, ""));
        Problem::invalid_setting().because(format!("userpic: {what}. {}", sentence(advice)))
    })?;
    Ok(picture)
}

fn sentence(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| {
        format!("{}{}.", first.to_uppercase(), letters.as_str())
    })
}
