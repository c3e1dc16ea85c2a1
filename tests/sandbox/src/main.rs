//! `sidetone-sandbox`: the embedded contact centre as a program.

use std::io::IsTerminal;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use serde_json::{Value, json};
use sidetone_profile::Secret;
use sidetone_sandbox::{
    AsteriskConfig, Config, Handle, PbxConfig, Sandbox, SandboxError, SmallConfig,
};

mod arguments;

use arguments::Arguments;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    tracing_subscriber::fmt()
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_default_env()
                .unwrap_or_else(|_| "warn,sidetone_sandbox=info".into()),
        )
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
    // Fails only when a provider is installed already, which is then this one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&error.to_string()),
    };
    match runtime.block_on(run(arguments)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error),
    }
}

fn fail(sentence: &str) -> ExitCode {
    eprintln!("sidetone-sandbox: {sentence}");
    ExitCode::FAILURE
}

async fn run(arguments: Arguments) -> Result<(), String> {
    let json = arguments.json;
    let ca_out = arguments.ca_out.clone();
    let config = arguments.into_config()?;
    let data = config.data.clone();
    let (handle, mut events) = Sandbox::start_with_events(config)
        .await
        .map_err(|error: SandboxError| error.to_string())?;
    if let Some(path) = &ca_out {
        std::fs::write(path, &handle.ca_pem)
            .map_err(|error| format!("cannot write {}: {error}", path.display()))?;
    }
    let ca = ca_out.or_else(|| data.map(|folder| folder.join("ca.pem")));
    if json {
        say(&ready(&handle, ca.as_ref()));
    } else {
        introduce(&handle, ca.as_ref());
    }
    let stop = stop_signal();
    tokio::pin!(stop);
    loop {
        tokio::select! {
            () = &mut stop => break,
            event = events.recv() => match event {
                Some(event) if json => say(&event),
                Some(event) => tracing::info!(
                    id = event["id"].as_u64(),
                    state = event["state"].as_str(),
                    answered_by = event["answeredBy"].as_str(),
                    "call"
                ),
                None => break,
            },
        }
    }
    handle.shutdown().await;
    Ok(())
}

fn ready(handle: &Handle, ca: Option<&PathBuf>) -> Value {
    json!({
        "event": "ready",
        "server": handle.https_url,
        "admin": handle.admin_url,
        "wss": handle.wss_url,
        "sipUdp": handle.sip_udp.map(|address| address.to_string()),
        "ca": ca.map(|path| path.display().to_string()),
        "users": ["anna", "ben", "carla", "dana", "emil"],
        "password": handle.password.as_ref().map(Secret::reveal),
        "adminToken": handle.admin_token.as_ref().map(Secret::reveal),
    })
}

fn introduce(handle: &Handle, ca: Option<&PathBuf>) {
    println!("Contact centre  {}", handle.https_url);
    println!("Administration  {}", handle.admin_url);
    println!("SIP over WSS    {}", handle.wss_url);
    if let Some(udp) = handle.sip_udp {
        println!("SIP over UDP    {udp}");
    }
    match ca {
        Some(path) => println!("Certificate     {}", path.display()),
        None => println!("Certificate     in memory only; keep it with --ca-out FILE"),
    }
    if let Some(password) = &handle.password {
        println!(
            "Agents          anna, ben, carla, dana, emil; password {}",
            password.reveal()
        );
    }
    if let Some(token) = &handle.admin_token {
        println!("Admin token     {}", token.reveal());
    }
    println!(
        "Numbers         600 echo, 601 tone, 603 record, 604 queue, 608 busy, 609 no answer, 611 early media"
    );
    println!("Stop with Ctrl-C.");
}

/// One line, at once: whoever reads it waits for it.
fn say(value: &Value) {
    use std::io::Write as _;
    let mut out = std::io::stdout().lock();
    // A reader that went away does not stop the contact centre.
    let _ = writeln!(out, "{value}").and_then(|()| out.flush());
}

#[cfg(unix)]
async fn stop_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        let _ = tokio::signal::ctrl_c().await;
        return;
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}

#[cfg(not(unix))]
async fn stop_signal() {
    let _ = tokio::signal::ctrl_c().await;
}
