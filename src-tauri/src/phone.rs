//! The engine's life in this process, and the two streams that come from it.

use std::sync::Arc;

use serde::Serialize;
use sidetone_engine::agent::{self, CallId, InteractionView, Phase};
use sidetone_engine::{
    AudioSetup, Command, DeviceSelection, Engine, EngineConfig, EngineEvent, Keychain, Snapshot,
};
use tauri::{AppHandle, Emitter, Manager};
use tokio::sync::broadcast::error::RecvError;

use crate::bar_window::{self, BarWindow};
use crate::notification::{Notifications, Subject};
use crate::options::Options;
use crate::paint::Paint;
use crate::preferences::PreferencesFile;
use crate::{address, badge, ringing_window, tray};

/// The running engine, or the sentence that says why there is none.
#[derive(Debug)]
pub(crate) struct Phone(Result<Engine, String>);

impl Phone {
    /// The engine.
    pub(crate) fn engine(&self) -> Result<&Engine, String> {
        self.0.as_ref().map_err(Clone::clone)
    }

    /// What it says now.
    pub(crate) fn snapshot(&self) -> Option<Arc<Snapshot>> {
        let engine = self.0.as_ref().ok()?;
        let snapshot = engine.snapshots().borrow().clone();
        Some(snapshot)
    }
}

/// Levels as the page takes them.
#[derive(Clone, Copy, Debug, Serialize)]
struct Levels {
    microphone: f32,
    speaker: f32,
}

/// Starts the engine, then the windows around it.
pub(crate) fn start(app: &AppHandle, options: Options) {
    let folder = app.path().app_config_dir().ok();
    let file = folder.as_deref().map(PreferencesFile::in_folder);
    app.manage(BarWindow::new(file));
    app.manage(Paint::default());
    app.manage(Notifications::start(app.path().app_cache_dir().ok()));

    let config = EngineConfig {
        audio: AudioSetup::Devices(DeviceSelection::default()),
        ca: options.ca.clone(),
        settings_dir: folder,
        secrets: Arc::new(Keychain),
        standalone: None,
        policy: options.policy.clone(),
    };
    let started = options.password().and_then(|password| {
        let engine = tauri::async_runtime::block_on(Engine::start(config))
            .map_err(|fault| fault.to_string())?;
        sign_in_at_once(&engine, options, password);
        Ok(engine)
    });
    if let Err(fault) = &started {
        tracing::error!(%fault, "the phone could not start");
        eprintln!("Sidetone could not start: {fault}");
    }
    let engine = started.as_ref().ok().cloned();
    app.manage(Phone(started));
    tray::ensure(app);
    bar_window::open(app);
    if let Some(engine) = engine {
        tauri::async_runtime::spawn(keep_local_interface(engine.clone()));
        tauri::async_runtime::spawn(show_snapshots(app.clone(), engine.clone()));
        tauri::async_runtime::spawn(act_on_events(app.clone(), engine));
    }
}

/// Signs out politely and ends the process.
pub(crate) async fn quit(app: &AppHandle) {
    let engine = app
        .try_state::<Phone>()
        .and_then(|phone| phone.engine().ok().cloned());
    if let Some(engine) = engine {
        engine.shut_down().await;
    }
    app.exit(0);
}

fn sign_in_at_once(engine: &Engine, options: Options, password: Option<sidetone_profile::Secret>) {
    if let (Some(server), Some(name), Some(password)) = (options.server, options.name, password) {
        engine.command(Command::Agent(agent::Command::SignIn {
            server,
            name,
            password,
            code: None,
        }));
    }
}

/// Lets other programs of this machine drive the phone, while the profile wants it.
async fn keep_local_interface(engine: Engine) {
    let _open = sidetone_local_api::serve(&engine);
    let mut snapshots = engine.snapshots();
    // It closes with the phone.
    while snapshots.changed().await.is_ok() {}
}

/// Hands every snapshot to the pages and the tray.
async fn show_snapshots(app: AppHandle, engine: Engine) {
    let mut snapshots = engine.snapshots();
    let mut signed_in = false;
    let mut missed = 0;
    loop {
        let snapshot = snapshots.borrow_and_update().clone();
        if let Err(fault) = app.emit("snapshot", snapshot.as_ref()) {
            tracing::warn!(%fault, "a snapshot did not reach the page");
        }
        tray::show(&app, &snapshot);
        if snapshot.view.missed != missed {
            missed = snapshot.view.missed;
            badge::show(&app);
        }
        let now = snapshot.view.phase == Phase::SignedIn;
        if now != signed_in {
            signed_in = now;
            // Made before the first call, so that a ring only has to map it; gone with the session.
            if signed_in {
                ringing_window::prepare(&app);
            } else {
                ringing_window::dispose(&app);
            }
        }
        if snapshots.changed().await.is_err() {
            return;
        }
    }
}

/// Carries out what happens once.
async fn act_on_events(app: AppHandle, engine: Engine) {
    let mut events = engine.events();
    loop {
        match events.recv().await {
            Ok(EngineEvent::ShowRinging { call, notify }) => show_ringing(&app, call, notify),
            Ok(EngineEvent::HideRinging { call }) => {
                ringing_window::hide(&app);
                app.state::<Notifications>().hide(&Subject::Call(call));
            }
            Ok(EngineEvent::Levels {
                microphone,
                speaker,
            }) => {
                let levels = Levels {
                    microphone,
                    speaker,
                };
                let _ = app.emit_to(bar_window::LABEL, "levels", levels);
            }
            Ok(EngineEvent::OpenAddress { address }) => address::open(&address),
            Ok(EngineEvent::ShowOffer { interaction }) => show_offer(&app, &interaction),
            Ok(EngineEvent::HideOffer { interaction }) => {
                app.state::<Notifications>()
                    .hide(&Subject::Offer(interaction));
            }
            Ok(EngineEvent::DtmfReceived { .. }) => {}
            // What was missed may have been the end of a ring.
            Err(RecvError::Lagged(_)) => catch_up(&app),
            Err(RecvError::Closed) => return,
        }
    }
}

fn show_ringing(app: &AppHandle, call: CallId, notify: bool) {
    ringing_window::show(app);
    let Some(snapshot) = app.state::<Phone>().snapshot().filter(|_| notify) else {
        return;
    };
    if let Some(view) = snapshot.view.calls.iter().find(|view| view.id == call) {
        app.state::<Notifications>().show(view);
    }
}

fn show_offer(app: &AppHandle, interaction: &str) {
    let Some(snapshot) = app.state::<Phone>().snapshot() else {
        return;
    };
    let offered = |view: &&InteractionView| view.id == interaction && view.offered;
    if let Some(view) = snapshot.view.interactions.iter().find(offered) {
        app.state::<Notifications>().show_offer(view);
    }
}

fn catch_up(app: &AppHandle) {
    let ringing = app.state::<Phone>().snapshot().is_some_and(|snapshot| {
        let mut calls = snapshot.view.calls.iter();
        calls.any(|call| call.state == agent::CallState::Ringing)
    });
    if !ringing {
        ringing_window::hide(app);
        app.state::<Notifications>().hide_all();
    }
}
