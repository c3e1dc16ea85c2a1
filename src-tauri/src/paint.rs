//! What a window shows before its page does, and how long the page takes to come.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use tauri::window::Color;
use tauri::{AppHandle, Manager, Theme, WebviewWindow};

// The ground of `ui/src/tokens.css`: nothing flashes when the page covers it.
const LIGHT: Color = Color(0xfb, 0xfb, 0xfc, 0xff);
const DARK: Color = Color(0x17, 0x18, 0x1c, 0xff);

/// When each window, by its label, was last asked for.
#[derive(Debug, Default)]
pub(crate) struct Paint(Mutex<BTreeMap<String, Instant>>);

/// Gives a window the page's ground.
pub(crate) fn prime(window: &WebviewWindow) {
    let ground = match window.theme() {
        Ok(Theme::Dark) => DARK,
        _ => LIGHT,
    };
    if let Err(fault) = window.set_background_color(Some(ground)) {
        tracing::debug!(%fault, "the window keeps the system's ground");
    }
}

/// A window is wanted from here on.
pub(crate) fn asked(app: &AppHandle, label: &str) {
    let paint = app.state::<Paint>();
    let mut asked = paint.0.lock().unwrap_or_else(PoisonError::into_inner);
    asked.insert(label.to_owned(), Instant::now());
}

/// How long a window that has reached `stage` has been wanted for.
pub(crate) fn reached(app: &AppHandle, label: &str, stage: &str) {
    let paint = app.state::<Paint>();
    let asked = paint.0.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(asked) = asked.get(label) {
        let milliseconds = asked.elapsed().as_millis();
        tracing::info!(label, stage, milliseconds, "window");
    }
}
