//! The ringing window: above all, at its corner, never in the way of the keyboard.

use sidetone_profile::ToastPosition;
use tauri::{
    AppHandle, Manager, PhysicalPosition, WebviewUrl, WebviewWindow, WebviewWindowBuilder,
};

use crate::bar_window;
use crate::paint;
use crate::phone::Phone;
use crate::place::{self, Area};

const LABEL: &str = "ringing";
/// In logical pixels.
const SIZE: (f64, f64) = (380.0, 132.0);
/// Distance from the edges, in logical pixels.
const MARGIN: f64 = 16.0;
/// Where most desktops show their notifications, which stand above every window: the call's own would hide who calls.
const NOTIFICATIONS: ToastPosition = if cfg!(windows) {
    ToastPosition::BottomRight
} else {
    ToastPosition::TopRight
};
/// What one of them takes of the edge, in logical pixels.
const NOTIFICATION: f64 = 128.0;

/// Makes the window, out of sight: mapping it is then all that a ring costs.
pub(crate) fn prepare(app: &AppHandle) {
    if app.get_webview_window(LABEL).is_some() {
        return;
    }
    let built = WebviewWindowBuilder::new(app, LABEL, WebviewUrl::App("ringing.html".into()))
        .title("Sidetone")
        .inner_size(SIZE.0, SIZE.1)
        // Equal limits fix its size; "not resizable" would let GTK choose another.
        .min_inner_size(SIZE.0, SIZE.1)
        .max_inner_size(SIZE.0, SIZE.1)
        .decorations(false)
        .resizable(true)
        .always_on_top(true)
        .skip_taskbar(true)
        .visible_on_all_workspaces(true)
        .focused(false)
        .focusable(false)
        .accept_first_mouse(true)
        .visible(false)
        .build();
    match built {
        Ok(window) => paint::prime(&window),
        Err(fault) => tracing::error!(%fault, "the ringing window could not be made"),
    }
}

/// Takes the window down, with its page.
pub(crate) fn dispose(app: &AppHandle) {
    if let Some(window) = app.get_webview_window(LABEL)
        && let Err(fault) = window.destroy()
    {
        tracing::warn!(%fault, "the ringing window stayed");
    }
}

/// Shows it at its corner, without the focus.
pub(crate) fn show(app: &AppHandle) {
    paint::asked(app, LABEL);
    prepare(app);
    let Some(window) = app.get_webview_window(LABEL) else {
        return;
    };
    if let Some(area) = area(app, &window) {
        let _ = window.set_position(PhysicalPosition::new(area.x, area.y));
    }
    if let Err(fault) = window.show() {
        tracing::error!(%fault, "the ringing window could not be shown");
    }
    // The answer comes from the thread that paints, after it has mapped the window.
    if window.is_visible().unwrap_or(false) {
        paint::reached(app, LABEL, "mapped");
    }
}

/// Takes it off the screen at once; what it shows follows with the next snapshot.
pub(crate) fn hide(app: &AppHandle) {
    if let Some(window) = app.get_webview_window(LABEL) {
        let _ = window.hide();
    }
}

fn area(app: &AppHandle, window: &WebviewWindow) -> Option<Area> {
    let position = app.state::<Phone>().snapshot()?.view.toast_position;
    let bar = bar_window::area(app);
    let (screen, scale) = bar_window::screen(window, bar)?;
    tracing::debug!(?bar, ?screen, "a place for the ringing window");
    let px = |logical: f64| (logical * scale).round() as i32;
    let clear = if position == NOTIFICATIONS {
        NOTIFICATION
    } else {
        MARGIN
    };
    Some(place::ringing(
        position,
        (px(SIZE.0), px(SIZE.1)),
        (px(MARGIN), px(clear)),
        screen,
        bar,
    ))
}
