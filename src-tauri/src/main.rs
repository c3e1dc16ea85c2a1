//! The desktop shell: windows, tray and notifications around the engine.
//!
//! It starts the engine, shows what the engine publishes and hands the page's commands to it. It holds no state
//! of a call and decides nothing about one; it knows where windows are. The phone goes on without any window.

mod address;
mod badge;
mod bar_window;
mod bridge;
mod notification;
mod options;
mod paint;
mod phone;
mod place;
mod preferences;
mod ringing_window;
mod ringtone;
mod tray;
mod words;

use std::process::ExitCode;

use clap::Parser;
use options::Options;
use tauri::RunEvent;

fn main() -> ExitCode {
    let options = Options::parse();
    sidetone_engine::logging::start("warn");
    // Already installed is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();

    let built = tauri::Builder::default()
        .plugin(tauri_plugin_single_instance::init(|app, _, _| {
            bar_window::open(app);
        }))
        .invoke_handler(tauri::generate_handler![
            bridge::snapshot,
            bridge::command,
            bridge::desktop,
            bridge::surface,
            bridge::ready,
            bridge::painted,
            bridge::set_always_on_top,
            bridge::avatar,
            bridge::sip_trace,
            bridge::keep_sip_trace,
            ringtone::keep_ringtone,
            bridge::put_away,
            bridge::quit,
        ])
        .setup(move |app| {
            phone::start(app.handle(), options);
            Ok(())
        })
        .build(tauri::generate_context!());
    match built {
        Ok(app) => {
            app.run(|_, event| {
                // Without a window the phone goes on; only `quit` ends it, and that has a code.
                if let RunEvent::ExitRequested {
                    code: None, api, ..
                } = event
                {
                    api.prevent_exit();
                }
            });
            ExitCode::SUCCESS
        }
        Err(fault) => {
            eprintln!("Sidetone could not start: {fault}");
            ExitCode::FAILURE
        }
    }
}
