//! Embeds the bar and generates the permissions of its commands.

fn main() {
    let commands = tauri_build::AppManifest::new().commands(&[
        "snapshot",
        "command",
        "desktop",
        "surface",
        "ready",
        "painted",
        "set_always_on_top",
        "avatar",
        "sip_trace",
        "keep_sip_trace",
        "keep_ringtone",
        "put_away",
        "quit",
    ]);
    let attributes = tauri_build::Attributes::new().app_manifest(commands);
    if let Err(fault) = tauri_build::try_build(attributes) {
        println!("cargo:warning={fault:#}");
        std::process::exit(1);
    }
}
