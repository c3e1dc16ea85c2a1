//! The bar's window: its size, its place, and its end in the tray.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sidetone_engine::agent::Phase;
use tauri::{
    AppHandle, LogicalSize, Manager, Monitor, PhysicalPosition, WebviewUrl, WebviewWindow,
    WebviewWindowBuilder, WindowEvent,
};

use crate::badge;
use crate::bridge::{Room, Screen, Surface};
use crate::paint;
use crate::phone::Phone;
use crate::place::{self, Area};
use crate::preferences::{Preferences, PreferencesFile};
use crate::tray;

/// The window's name, also in the capabilities.
pub(crate) const LABEL: &str = "bar";

// All in logical pixels.
const HEIGHT: u32 = 56;
const WIDTH: u32 = 1100;
const NARROWEST: u32 = 640;
const WIDEST: u32 = 1100;
const SIGN_IN: (u32, u32) = (420, 600);
/// A panel at its highest, with two toasts and two offers, and the line that there are more, over it.
const LARGEST_EXTRA: u32 = 420 + 92 + 132;
/// How near to an edge the bar snaps.
const REACH: f64 = 16.0;

/// A drag is over when nothing has moved for this long.
const AT_REST: Duration = Duration::from_millis(300);
/// How long the page may take before the window is shown as it is.
const PATIENCE: Duration = Duration::from_secs(5);

/// What is known of the bar's window.
#[derive(Debug)]
pub(crate) struct BarWindow {
    file: Option<PreferencesFile>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    kept: Preferences,
    surface: Option<Surface>,
    /// The bar's width in logical pixels, as asked for or as the agent dragged it. The window's own may lag behind: a
    /// window manager takes its time.
    width: u32,
    above: bool,
    /// The page has something to show, or was given up on.
    revealed: bool,
    /// Set while the window's own change of size is under way: what moves now was not moved by the agent.
    settled_at: Instant,
    moved_at: Instant,
}

impl BarWindow {
    /// With what was kept of its last place.
    pub(crate) fn new(file: Option<PreferencesFile>) -> Self {
        let kept = file.as_ref().map(PreferencesFile::read).unwrap_or_default();
        Self {
            file,
            state: Mutex::new(State {
                kept,
                surface: None,
                width: bar_width(kept),
                above: false,
                revealed: false,
                settled_at: Instant::now(),
                moved_at: Instant::now(),
            }),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self, change: impl FnOnce(&mut Preferences)) {
        let kept = {
            let mut state = self.state();
            let before = state.kept;
            change(&mut state.kept);
            if before == state.kept {
                return;
            }
            state.kept
        };
        if let Some(file) = &self.file {
            file.write(kept);
        }
    }
}

/// Opens the bar with the current state, or brings the open one to the front.
pub(crate) fn open(app: &AppHandle) {
    if let Some(window) = app.get_webview_window(LABEL) {
        let _ = window.unminimize();
        let _ = window.show();
        let _ = window.set_focus();
        return;
    }
    paint::asked(app, LABEL);
    let signed_in = app
        .state::<Phone>()
        .snapshot()
        .is_some_and(|snapshot| snapshot.view.phase == Phase::SignedIn);
    let bar = app.state::<BarWindow>();
    let (kept, size) = {
        let mut state = bar.state();
        state.surface = None;
        state.above = false;
        state.revealed = false;
        state.width = bar_width(state.kept);
        let size = if signed_in {
            (state.width, HEIGHT)
        } else {
            SIGN_IN
        };
        (state.kept, size)
    };
    let built = WebviewWindowBuilder::new(app, LABEL, WebviewUrl::App("index.html".into()))
        .title("Sidetone")
        .inner_size(f64::from(size.0), f64::from(size.1))
        .decorations(false)
        .maximizable(false)
        .resizable(true)
        .always_on_top(kept.always_on_top)
        .visible(false)
        .build();
    let window = match built {
        Ok(window) => window,
        Err(fault) => {
            tracing::error!(%fault, "the bar could not be opened");
            return;
        }
    };
    paint::prime(&window);
    badge::show(app);
    let screen = if signed_in {
        Screen::Bar
    } else {
        Screen::SignIn
    };
    make_room(app, Surface { screen, extra: 0 });
    let handle = app.clone();
    window.on_window_event(move |event| on_event(&handle, event));
    // A page that never speaks must not leave the agent without a window to close.
    let handle = app.clone();
    tauri::async_runtime::spawn(async move {
        tokio::time::sleep(PATIENCE).await;
        reveal(&handle);
    });
}

/// Shows the window that was opened out of sight, once.
pub(crate) fn reveal(app: &AppHandle) {
    let Some(window) = app.get_webview_window(LABEL) else {
        return;
    };
    {
        let bar = app.state::<BarWindow>();
        let mut state = bar.state();
        if state.revealed {
            return;
        }
        state.revealed = true;
        // Where the window manager puts it is not where the agent dragged it.
        state.settled_at = Instant::now() + AT_REST;
    }
    if let Err(fault) = window.show() {
        tracing::error!(%fault, "the bar could not be shown");
    }
    paint::reached(app, LABEL, "shown");
}

/// Closes to the tray: the page is gone, the phone goes on. Minimised where there is no tray to come back from.
pub(crate) fn put_away(app: &AppHandle) {
    let Some(window) = app.get_webview_window(LABEL) else {
        return;
    };
    let gone = if tray::host_is_there() {
        tray::ensure(app);
        window.destroy()
    } else {
        window.minimize()
    };
    if let Err(fault) = gone {
        tracing::warn!(%fault, "the bar could not be put away");
    }
}

/// Gives the window the size that the page needs, without moving the bar itself.
pub(crate) fn make_room(app: &AppHandle, surface: Surface) -> Room {
    let Some(window) = app.get_webview_window(LABEL) else {
        return Room { above: false };
    };
    let bar = app.state::<BarWindow>();
    let (before, kept, width, was_above) = {
        let mut state = bar.state();
        let before = state.surface.replace(surface);
        if before == Some(surface) {
            return Room { above: state.above };
        }
        state.settled_at = Instant::now() + AT_REST;
        (before, state.kept, state.width, state.above)
    };
    let scale = window.scale_factor().unwrap_or(1.0);
    let px = |logical: u32| (f64::from(logical) * scale).round() as i32;
    match surface.screen {
        Screen::SignIn => {
            fix_size(&window, SIGN_IN.0, SIGN_IN.0, SIGN_IN.1, SIGN_IN.0);
            if let Some((screen, _)) = screen(&window, None) {
                let place = place::centred(px(SIGN_IN.0), px(SIGN_IN.1), screen);
                let _ = window.set_position(PhysicalPosition::new(place.x, place.y));
            }
            Room { above: false }
        }
        Screen::Bar => {
            let extra = surface.extra.min(LARGEST_EXTRA);
            let screens = screens(&window);
            let areas: Vec<Area> = screens.iter().map(work_area).collect();
            let place = place::bar(px(width), px(HEIGHT), kept.position, &areas);
            let screen = areas.iter().find(|area| area.meets(place)).copied();
            let above =
                screen.is_some_and(|screen| place::opens_above(place, screen, px(LARGEST_EXTRA)));
            bar.state().above = above;
            fix_size(&window, NARROWEST, WIDEST, HEIGHT + extra, width);
            let fresh = before.is_none_or(|before| before.screen != Screen::Bar);
            if fresh || above || was_above != above {
                let y = if above { place.y - px(extra) } else { place.y };
                let _ = window.set_position(PhysicalPosition::new(place.x, y));
            }
            Room { above }
        }
    }
}

/// Whether the bar stays above other windows.
pub(crate) fn always_on_top(app: &AppHandle) -> bool {
    app.state::<BarWindow>().state().kept.always_on_top
}

/// Keeps the bar above other windows, or lets it go; remembered.
pub(crate) fn set_always_on_top(app: &AppHandle, on: bool) {
    app.state::<BarWindow>()
        .keep(|kept| kept.always_on_top = on);
    if let Some(window) = app.get_webview_window(LABEL) {
        let _ = window.set_always_on_top(on);
    }
}

/// Where the bar's window is, when it is on the screen.
pub(crate) fn area(app: &AppHandle) -> Option<Area> {
    let window = app.get_webview_window(LABEL)?;
    if !window.is_visible().ok()? || window.is_minimized().ok()? {
        return None;
    }
    // Without decorations the two are the same; on Linux only the inner one is right before the first drag.
    let (position, size) = if cfg!(target_os = "linux") {
        (window.inner_position().ok()?, window.inner_size().ok()?)
    } else {
        (window.outer_position().ok()?, window.outer_size().ok()?)
    };
    Some(Area {
        x: position.x,
        y: position.y,
        width: i32::try_from(size.width).ok()?,
        height: i32::try_from(size.height).ok()?,
    })
}

/// The screen that the bar is on, or the first one, without its panels, and its scale.
pub(crate) fn screen(window: &WebviewWindow, bar: Option<Area>) -> Option<(Area, f64)> {
    let screens = screens(window);
    let found = screens
        .iter()
        .find(|monitor| bar.is_some_and(|bar| work_area(monitor).meets(bar)))
        .or(screens.first())?;
    Some((work_area(found), found.scale_factor()))
}

/// The screens, the primary one first.
fn screens(window: &WebviewWindow) -> Vec<Monitor> {
    let primary = window.primary_monitor().ok().flatten();
    let first = primary.as_ref().map(|monitor| *monitor.position());
    let mut all = window.available_monitors().unwrap_or_default();
    all.sort_by_key(|monitor| first != Some(*monitor.position()));
    all
}

fn work_area(monitor: &Monitor) -> Area {
    let area = monitor.work_area();
    Area {
        x: area.position.x,
        y: area.position.y,
        width: i32::try_from(area.size.width).unwrap_or(i32::MAX),
        height: i32::try_from(area.size.height).unwrap_or(i32::MAX),
    }
}

/// A fixed height, and a width within limits: equal limits are what fixes an undecorated window everywhere.
fn fix_size(window: &WebviewWindow, narrowest: u32, widest: u32, height: u32, width: u32) {
    // The limits are lifted first: some window managers refuse a size that the old ones forbid.
    let _ = window.set_min_size(None::<LogicalSize<u32>>);
    let _ = window.set_max_size(None::<LogicalSize<u32>>);
    let _ = window.set_size(LogicalSize::new(width, height));
    let _ = window.set_min_size(Some(LogicalSize::new(narrowest, height)));
    let _ = window.set_max_size(Some(LogicalSize::new(widest, height)));
}

fn on_event(app: &AppHandle, event: &WindowEvent) {
    match event {
        WindowEvent::CloseRequested { api, .. } => {
            api.prevent_close();
            let app = app.clone();
            // The tray is asked for over the session bus: not on the thread that paints.
            tauri::async_runtime::spawn_blocking(move || put_away(&app));
        }
        WindowEvent::Moved(_) | WindowEvent::Resized(_) => {
            let width = match event {
                WindowEvent::Resized(size) => {
                    scale(app).and_then(|scale| as_bar(size.width, scale))
                }
                _ => None,
            };
            let bar = app.state::<BarWindow>();
            let mut state = bar.state();
            let now = Instant::now();
            if now < state.settled_at {
                return;
            }
            state.moved_at = now;
            state.width = width.unwrap_or(state.width);
            drop(state);
            let app = app.clone();
            tauri::async_runtime::spawn(async move {
                tokio::time::sleep(AT_REST).await;
                come_to_rest(&app, now);
            });
        }
        _ => {}
    }
}

/// After a drag: snaps to the edge and remembers the place.
fn come_to_rest(app: &AppHandle, moved_at: Instant) {
    let bar = app.state::<BarWindow>();
    let (extra, above) = {
        let state = bar.state();
        match state.surface {
            Some(Surface {
                screen: Screen::Bar,
                extra,
            }) if state.moved_at == moved_at => (extra, state.above),
            _ => return,
        }
    };
    let (Some(window), Some(whole)) = (app.get_webview_window(LABEL), area(app)) else {
        return;
    };
    let scale = window.scale_factor().unwrap_or(1.0);
    let px = |logical: f64| (logical * scale).round() as i32;
    let beside = if above { px(f64::from(extra)) } else { 0 };
    let place = Area {
        y: whole.y + beside,
        height: px(f64::from(HEIGHT)),
        ..whole
    };
    let Some((screen, _)) = screen(&window, Some(place)) else {
        return;
    };
    let snapped = place::snapped(place, screen, px(REACH));
    if snapped != place {
        let _ = window.set_position(PhysicalPosition::new(snapped.x, snapped.y - beside));
    }
    bar.keep(|kept| {
        kept.position = Some((snapped.x, snapped.y));
        if let Some(width) = as_bar(whole.width.unsigned_abs(), scale) {
            kept.width = Some(width);
        }
    });
}

/// The width that the bar opens with.
fn bar_width(kept: Preferences) -> u32 {
    kept.width.unwrap_or(WIDTH).clamp(NARROWEST, WIDEST)
}

/// This width in logical pixels, when it is one that the bar may have; the sign-in window's is told late sometimes.
fn as_bar(physical: u32, scale: f64) -> Option<u32> {
    let width = (f64::from(physical) / scale).round() as u32;
    (NARROWEST..=WIDEST).contains(&width).then_some(width)
}

fn scale(app: &AppHandle) -> Option<f64> {
    app.get_webview_window(LABEL)?.scale_factor().ok()
}
