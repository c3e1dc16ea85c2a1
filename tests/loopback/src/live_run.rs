//! From options to measurements by the clock on the wall.

use std::fmt::Write as _;
use std::io::IsTerminal as _;

use sidetone_loopback::against::{Phone, Server};
use sidetone_loopback::devices::{self, Desk, Names, Setting};
use sidetone_loopback::live::measured;
use sidetone_loopback::measure::Measured;
use sidetone_loopback::plan::{self, Run};
use sidetone_loopback::profile::{DIRECT, SERVER};
use sidetone_loopback::speech::Talk;
use sidetone_motion::trust;
use sidetone_profile::Secret;
use url::Url;

use crate::fault::Fault;
use crate::options::Options;

/// The sound devices, for people.
pub(crate) fn devices() -> Result<String, Fault> {
    let devices = devices::list()?;
    let mut text = String::new();
    for (title, input) in [
        ("inputs (--microphone, --record-from)", true),
        ("outputs (--speaker, --play-into)", false),
    ] {
        let _ = writeln!(text, "{title}");
        for device in devices.iter().filter(|device| device.input == input) {
            let default = if device.default { ", the default" } else { "" };
            let _ = writeln!(text, "  {} ({}{default})", device.name, device.id);
        }
    }
    Ok(text)
}

/// Measures from mouth to ear; gives the runs and what they were, in words.
pub(crate) fn through_devices(
    options: &Options,
    said: &Talk,
) -> Result<(Vec<Measured>, String), Fault> {
    let runs = match options.profile.as_slice() {
        [] => plan::live_runs(&DIRECT, &options.codec, &options.keying),
        profiles => {
            let codecs = or(&options.codec, "opus");
            let keyings = or(&options.keying, "dtls");
            plan::runs(profiles, &codecs, &keyings)
        }
    };
    only_what_is_live(&runs)?;
    let names = Names {
        play_into: options.play_into.clone(),
        microphone: options.microphone.clone(),
        speaker: options.speaker.clone(),
        record_from: options.record_from.clone(),
    };
    let desk = Desk::find(&names, &devices::list()?)?;
    let setting = Setting {
        desk: &desk,
        said,
        seed: options.seed,
        processing: !options.no_processing,
    };
    let runtime = tokio::runtime::Runtime::new().map_err(Fault::Start)?;
    let mut results = Vec::new();
    for run in &runs {
        eprintln!("{} …", run.name());
        let outcome = devices::make(&runtime, run, &setting)?;
        results.push(measured(run, said, outcome, !options.no_visqol));
    }
    Ok((results, desk.words()))
}

/// Calls a server's echo; gives the runs and what they were, in words.
pub(crate) fn against(
    url: &Url,
    options: &Options,
    said: &Talk,
) -> Result<(Vec<Measured>, String), Fault> {
    let runs = plan::live_runs(&SERVER, &options.codec, &options.keying);
    only_what_is_live(&runs)?;
    let bad = || Fault::Address(url.clone());
    let host = url
        .host_str()
        .filter(|_| url.scheme() == "wss")
        .ok_or_else(bad)?;
    // The password belongs into neither the process list nor the results.
    if url.password().is_some() || !url.username().is_empty() {
        return Err(bad());
    }
    let authorities = match &options.ca {
        None => Vec::new(),
        Some(path) => trust::read_authorities(path).map_err(|fault| Fault::Authority {
            path: path.clone(),
            fault,
        })?,
    };
    let server = Server {
        url: url.clone(),
        domain: options.domain.clone().unwrap_or_else(|| host.to_owned()),
        user: options.user.clone().unwrap_or_default(),
        number: options.number.clone().unwrap_or_default(),
        password: password(&options.password_env)?,
        tls: trust::client_config(authorities).map_err(Fault::Trust)?,
    };
    let runtime = tokio::runtime::Runtime::new().map_err(Fault::Start)?;
    let results = runtime.block_on(async {
        let mut phone = Phone::register(&server).await?;
        let mut results = Vec::new();
        for run in &runs {
            eprintln!("{} …", run.name());
            match phone.call(run, said).await {
                Ok(outcome) => results.push(measured(run, said, outcome, !options.no_visqol)),
                Err(fault) => {
                    phone.leave().await;
                    return Err(fault);
                }
            }
        }
        phone.leave().await;
        Ok(results)
    })?;
    let words = format!(
        "in real time against {url}, echo {}: everything was coded, carried and buffered twice, so delay, loss and scores \
         are those of both ways at once",
        server.number
    );
    Ok((results, words))
}

/// What the real sessions cannot be told to do.
fn only_what_is_live(runs: &[Run]) -> Result<(), Fault> {
    for run in runs {
        if run.tuning.is_some() {
            return Err(Fault::VirtualOnly(run.codec_name.to_owned()));
        }
        if run.profile.drift_ppm != 0.0 {
            return Err(Fault::VirtualOnly(run.profile.name.to_owned()));
        }
    }
    Ok(())
}

fn or(names: &[String], otherwise: &str) -> Vec<String> {
    match names {
        [] => vec![otherwise.to_owned()],
        names => names.to_vec(),
    }
}

fn password(variable: &str) -> Result<Secret, Fault> {
    let fault = |fault: String| Fault::Password {
        variable: variable.to_owned(),
        fault,
    };
    match std::env::var(variable) {
        Ok(password) => return Ok(Secret::new(password)),
        Err(std::env::VarError::NotPresent) => {}
        Err(error) => return Err(fault(error.to_string())),
    }
    if !std::io::stdin().is_terminal() {
        return Err(fault("there is none to ask at".to_owned()));
    }
    rpassword::prompt_password("Type the SIP password: ")
        .map(Secret::new)
        .map_err(|error| fault(error.to_string()))
}
