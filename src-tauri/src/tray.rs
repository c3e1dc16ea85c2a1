//! The tray icon: the state in one shape, and the way back to the bar.

use std::sync::{Mutex, PoisonError};

use sidetone_engine::agent::{CallState, Command as AgentCommand, Phase, PresenceState};
use sidetone_engine::{Command, Snapshot};
use tauri::image::Image;
use tauri::menu::{Menu, MenuItem, PredefinedMenuItem};
use tauri::tray::{MouseButton, MouseButtonState, TrayIconBuilder, TrayIconEvent};
use tauri::{AppHandle, Manager};

use crate::badge;
use crate::bar_window;
use crate::phone::{self, Phone};
use crate::words::say;

const ID: &str = "sidetone";

/// What the icon says.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Face {
    shape: Shape,
    words: String,
    paused: bool,
    missed: u32,
}

/// The icon's shape; each is told apart without its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    Ready,
    Offline,
    Ringing,
}

/// The lines of the tray's menu that change, and what was last shown.
struct Tray {
    line: MenuItem<tauri::Wry>,
    unpause: MenuItem<tauri::Wry>,
    shown: Mutex<Option<Face>>,
}

impl Face {
    /// The state, and what was missed.
    fn line(&self) -> String {
        if self.missed == 0 {
            return self.words.clone();
        }
        let missed = say("missed_count", &[("count", &self.missed.to_string())]);
        format!("{} · {missed}", self.words)
    }
}

impl Shape {
    fn image(self) -> Option<Image<'static>> {
        let png: &[u8] = match self {
            Self::Ready => include_bytes!("../../icons/tray/ready.png"),
            Self::Offline => include_bytes!("../../icons/tray/offline.png"),
            Self::Ringing => include_bytes!("../../icons/tray/ringing.png"),
        };
        Image::from_bytes(png).ok()
    }
}

/// Makes the icon, where there is a place for it and it is not there yet.
pub(crate) fn ensure(app: &AppHandle) {
    if app.tray_by_id(ID).is_some() || !host_is_there() {
        return;
    }
    let handle = app.clone();
    // Menus belong to the thread that paints.
    let queued = app.run_on_main_thread(move || {
        if handle.tray_by_id(ID).is_none()
            && let Err(fault) = make(&handle)
        {
            tracing::warn!(%fault, "no tray icon could be made");
        }
        if let Some(snapshot) = handle.state::<Phone>().snapshot() {
            show(&handle, &snapshot);
        }
    });
    if let Err(fault) = queued {
        tracing::warn!(%fault, "no tray icon could be made");
    }
}

/// Shows the current state on the icon.
pub(crate) fn show(app: &AppHandle, snapshot: &Snapshot) {
    let (Some(icon), Some(tray)) = (app.tray_by_id(ID), app.try_state::<Tray>()) else {
        return;
    };
    let face = face(snapshot);
    let mut shown = tray.shown.lock().unwrap_or_else(PoisonError::into_inner);
    if shown.as_ref() == Some(&face) {
        return;
    }
    let image = face.shape.image();
    let _ = icon.set_icon(image.map(|image| badge::drawn(image, face.missed)));
    let words = face.line();
    let _ = icon.set_tooltip(Some(format!("Sidetone – {words}")));
    let _ = tray.line.set_text(words);
    let _ = tray.unpause.set_enabled(face.paused);
    *shown = Some(face);
}

/// Whether the desktop has a tray now.
#[cfg(target_os = "linux")]
pub(crate) fn host_is_there() -> bool {
    let asked = || -> zbus::Result<bool> {
        let bus = zbus::blocking::Connection::session()?;
        let has_owner = bus.call_method(
            Some("org.freedesktop.DBus"),
            "/org/freedesktop/DBus",
            Some("org.freedesktop.DBus"),
            "NameHasOwner",
            &"org.kde.StatusNotifierWatcher",
        )?;
        has_owner.body().deserialize::<bool>()
    };
    asked().unwrap_or(false)
}

/// Whether the desktop has a tray now.
#[cfg(not(target_os = "linux"))]
pub(crate) fn host_is_there() -> bool {
    true
}

fn make(app: &AppHandle) -> tauri::Result<()> {
    let line = MenuItem::with_id(app, "line", say("tray_not_ready", &[]), false, None::<&str>)?;
    let open = MenuItem::with_id(app, "open", say("tray_open", &[]), true, None::<&str>)?;
    let unpause = MenuItem::with_id(
        app,
        "unpause",
        say("tray_take_calls", &[]),
        false,
        None::<&str>,
    )?;
    let quit = MenuItem::with_id(app, "quit", say("quit", &[]), true, None::<&str>)?;
    let rule = PredefinedMenuItem::separator(app)?;
    let menu = Menu::with_items(app, &[&line, &open, &unpause, &rule, &quit])?;
    let mut icon = TrayIconBuilder::with_id(ID)
        .menu(&menu)
        .show_menu_on_left_click(false)
        .tooltip("Sidetone")
        .on_menu_event(|app, event| match event.id().as_ref() {
            "open" => open_bar(app),
            "unpause" => {
                if let Ok(engine) = app.state::<Phone>().engine() {
                    engine.command(Command::Agent(AgentCommand::Unpause));
                }
            }
            "quit" => {
                let app = app.clone();
                tauri::async_runtime::spawn(async move { phone::quit(&app).await });
            }
            _ => {}
        })
        .on_tray_icon_event(|icon, event| {
            if let TrayIconEvent::Click {
                button: MouseButton::Left,
                button_state: MouseButtonState::Up,
                ..
            } = event
            {
                open_bar(icon.app_handle());
            }
        });
    if let Some(image) = Shape::Offline.image() {
        icon = icon.icon(image);
    }
    icon.build(app)?;
    app.manage(Tray {
        line,
        unpause,
        shown: Mutex::new(None),
    });
    Ok(())
}

/// Windows are not made in an event's handler: on Windows that would wait for itself.
fn open_bar(app: &AppHandle) {
    let app = app.clone();
    tauri::async_runtime::spawn_blocking(move || bar_window::open(&app));
}

fn face(snapshot: &Snapshot) -> Face {
    let view = &snapshot.view;
    let ringing = view
        .calls
        .iter()
        .rfind(|call| call.state == CallState::Ringing);
    let talking = view.calls.iter().any(|call| call.state != CallState::Ended);
    let green = view.light.green && view.phase == Phase::SignedIn;
    let paused = view.presence.state == PresenceState::Paused;
    let (shape, words) = if let Some(call) = ringing {
        let known = [&call.name, &call.number];
        let who = known.into_iter().find(|text| !text.is_empty()).cloned();
        let who = who.unwrap_or_else(|| say("unknown_caller", &[]));
        (Shape::Ringing, say("tray_ringing", &[("who", &who)]))
    } else if talking {
        (Shape::Ready, say("tray_in_call", &[]))
    } else if !green {
        (Shape::Offline, say("tray_not_ready", &[]))
    } else if paused {
        let reason = view.presence.reason.clone().unwrap_or_default();
        (Shape::Ready, say("live_paused", &[("reason", &reason)]))
    } else {
        (Shape::Ready, say("tray_ready", &[]))
    };
    Face {
        shape,
        words,
        paused,
        missed: view.missed,
    }
}
