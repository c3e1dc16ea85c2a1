//! Which devices there are, and which of them mean something to an agent.

use cpal::traits::{DeviceTrait, HostTrait};

use super::DeviceInfo;

/// A device with what is shown of it.
#[derive(Clone)]
pub(super) struct Listed<D> {
    pub(super) info: DeviceInfo,
    pub(super) device: D,
}

/// Looks at what is connected: inputs and outputs, each default first.
pub(super) fn look(host: &cpal::Host) -> Vec<Listed<cpal::Device>> {
    let defaults = [host.default_input_device(), host.default_output_device()];
    let mut listed: Vec<Listed<cpal::Device>> = Vec::new();
    for (input, default) in [(true, &defaults[0]), (false, &defaults[1])] {
        if let Some(device) = default {
            add(&mut listed, device.clone(), input, true);
        }
    }
    match host.devices() {
        Ok(devices) => {
            for device in devices {
                for input in [true, false] {
                    let fits = match input {
                        true => device.supports_input(),
                        false => device.supports_output(),
                    };
                    if fits {
                        add(&mut listed, device.clone(), input, false);
                    }
                }
            }
        }
        Err(error) => tracing::debug!(%error, "listing the sound devices"),
    }
    listed
}

fn add(listed: &mut Vec<Listed<cpal::Device>>, device: cpal::Device, input: bool, default: bool) {
    let Ok(id) = device.id() else {
        return;
    };
    if !default && !is_for_people(id.id()) {
        return;
    }
    let id = id.to_string();
    let known = listed
        .iter()
        .any(|other| other.info.id == id && other.info.input == input);
    if known {
        return;
    }
    let name = match device.description() {
        // ALSA's own default is a rule, not a device.
        _ if id == "alsa:default" => "System default".to_owned(),
        Ok(description) => description.name().to_owned(),
        Err(_) => id.clone(),
    };
    listed.push(Listed {
        info: DeviceInfo {
            id,
            name,
            input,
            default,
        },
        device,
    });
}

/// ALSA lists every plug-in and every speaker layout of a card; an agent chooses among cards.
fn is_for_people(id: &str) -> bool {
    if !cfg!(target_os = "linux") {
        return true;
    }
    const PLUGINS: [&str; 12] = [
        "null",
        "lavrate",
        "samplerate",
        "speexrate",
        "speex",
        "jack",
        "oss",
        "upmix",
        "vdownmix",
        "a52",
        "default",
        "sysdefault",
    ];
    const LAYOUTS: [&str; 11] = [
        "hw:",
        "dmix:",
        "dsnoop:",
        "front:",
        "rear:",
        "center_lfe:",
        "side:",
        "surround",
        "sysdefault:",
        "usbstream:",
        "default:",
    ];
    // The same card again, by number.
    let numbered = id
        .strip_prefix("plughw:CARD=")
        .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    !numbered && !PLUGINS.contains(&id) && !LAYOUTS.iter().any(|layout| id.starts_with(layout))
}
