//! What the page may ask: the whole of the border between the page and the shell.

use serde::{Deserialize, Serialize};
use sidetone_engine::{Command, Snapshot, TraceForm, TraceLine};
use tauri::{AppHandle, Manager, State, WebviewWindow};

use crate::phone::Phone;
use crate::{bar_window, paint, phone, tray, words};

/// How the window must be to hold what the page shows.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
pub(crate) struct Surface {
    /// Which screen.
    pub(crate) screen: Screen,
    /// Height of what opens beside the bar, in logical pixels.
    pub(crate) extra: u32,
}

/// Which screen the page shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Screen {
    /// Sign-in, or why nothing works.
    SignIn,
    /// The bar.
    Bar,
}

/// On which side of the bar room was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Room {
    /// Above it, since it lies at the lower edge of the screen.
    pub(crate) above: bool,
}

/// What the shell knows that the engine does not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Desktop {
    language: &'static str,
    version: &'static str,
    always_on_top: bool,
    tray: bool,
}

#[tauri::command]
pub(crate) fn snapshot(phone: State<'_, Phone>) -> Result<Snapshot, String> {
    let engine = phone.engine()?;
    let snapshot = engine.snapshots().borrow().as_ref().clone();
    Ok(snapshot)
}

#[tauri::command]
pub(crate) fn command(phone: State<'_, Phone>, command: Command) -> Result<(), String> {
    phone.engine()?.command(command);
    Ok(())
}

/// The picture of who is signed in, as a `data:` address; the snapshot says when it is another one.
#[tauri::command(async)]
pub(crate) fn avatar(phone: State<'_, Phone>) -> Result<Option<String>, String> {
    Ok(phone.engine()?.avatar().map(|avatar| avatar.data_url()))
}

/// The last SIP messages, the newest first: read when somebody looks, they are no part of a snapshot.
#[tauri::command(async)]
pub(crate) fn sip_trace(phone: State<'_, Phone>) -> Result<Vec<TraceLine>, String> {
    Ok(phone.engine()?.sip_trace())
}

/// Keeps the last SIP messages where the agent finds what was downloaded, or else at home; says where, or nothing when
/// there is no message yet.
#[tauri::command(async)]
pub(crate) fn keep_sip_trace(
    app: AppHandle,
    phone: State<'_, Phone>,
    form: TraceForm,
) -> Result<Option<String>, String> {
    let downloads = app.path().download_dir().ok().filter(|it| it.is_dir());
    let folder = downloads
        .map_or_else(|| app.path().home_dir(), Ok)
        .map_err(|fault| fault.to_string())?;
    let kept = phone.engine()?.keep_sip_trace(&folder, form);
    let kept = kept.map_err(|fault| fault.to_string())?;
    Ok(kept.map(|path| path.display().to_string()))
}

#[tauri::command(async)]
pub(crate) fn desktop(app: AppHandle) -> Desktop {
    Desktop {
        language: words::language(),
        version: env!("CARGO_PKG_VERSION"),
        always_on_top: bar_window::always_on_top(&app),
        tray: tray::host_is_there(),
    }
}

#[tauri::command(async)]
pub(crate) fn surface(app: AppHandle, surface: Surface) -> Room {
    bar_window::make_room(&app, surface)
}

/// The bar's page holds the current state: now there is something to see.
#[tauri::command(async)]
pub(crate) fn ready(app: AppHandle) {
    bar_window::reveal(&app);
}

/// A page's first frame on the screen.
#[tauri::command(async)]
pub(crate) fn painted(app: AppHandle, window: WebviewWindow) {
    paint::reached(&app, window.label(), "painted");
}

#[tauri::command(async)]
pub(crate) fn set_always_on_top(app: AppHandle, on: bool) {
    bar_window::set_always_on_top(&app, on);
}

#[tauri::command(async)]
pub(crate) fn put_away(app: AppHandle) {
    bar_window::put_away(&app);
}

#[tauri::command]
pub(crate) async fn quit(app: AppHandle) {
    phone::quit(&app).await;
}
