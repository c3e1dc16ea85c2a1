use std::path::Path;

use sidetone_media::{DeviceInfo, EchoCancelling, ToneKind, VoiceProcessing};

use crate::api::{DeviceCommand, DeviceView, DevicesView, EchoCanceller, Role, VoiceView};
use crate::phone::Phone;

impl Phone {
    /// Carries out what is asked about this machine's sound.
    pub(crate) fn device_command(&mut self, command: DeviceCommand) {
        match command {
            DeviceCommand::ChooseDevice { role, device } => {
                self.settings.change(|choices| match role {
                    Role::Microphone => choices.microphone = device,
                    Role::Speaker => choices.speaker = device,
                    Role::Ringer => choices.ringer = device,
                    Role::SecondRinger => choices.second_ringer = device,
                });
                self.voice.select(self.settings.choices().devices());
                self.show_choices();
            }
            DeviceCommand::TestTone { on } => {
                self.devices.test_tone = on;
                self.voice.tone(on.then_some(ToneKind::Test));
            }
            DeviceCommand::Monitor { on } => {
                self.devices.monitoring = on;
                self.voice.monitor(on);
            }
            DeviceCommand::ProcessVoice {
                echo_canceller,
                noise_suppression,
                automatic_gain,
            } => {
                self.settings.change(|choices| {
                    choices.echo_canceller = echo_canceller;
                    choices.noise_suppression = noise_suppression;
                    choices.automatic_gain = automatic_gain;
                });
                self.process_voice();
            }
            DeviceCommand::Ringtone { file } => self.ring_with(file),
            DeviceCommand::Country { code } => {
                let code = code.filter(|code| !code.is_empty());
                self.settings.change(|choices| choices.country = code);
                self.use_country();
                self.show_choices();
            }
            DeviceCommand::CheckNetwork { echo_number } => self.check_network(echo_number),
            DeviceCommand::CheckMicrophone { on } => self.check_microphone(on),
        }
    }

    /// Brings the voice to what was chosen before; at the start.
    pub(crate) fn use_choices(&mut self) {
        self.process_voice();
        self.use_country();
        if let Some(file) = self.settings.choices().ringtone.clone() {
            let fault = self.voice.ringtone(Some(Path::new(&file))).err();
            self.devices.ringtone_fault = fault.map(|fault| fault.to_string());
        }
        self.show_choices();
    }

    /// Keeps and plays a ringtone, when it can be played.
    fn ring_with(&mut self, file: Option<String>) {
        match self.voice.ringtone(file.as_deref().map(Path::new)) {
            Ok(()) => {
                self.devices.ringtone_fault = None;
                self.settings.change(|choices| choices.ringtone = file);
                self.show_choices();
            }
            Err(fault) => self.devices.ringtone_fault = Some(fault.to_string()),
        }
    }

    fn use_country(&self) {
        let code = self.settings.choices().country.as_deref();
        self.voice.country(code.unwrap_or_default());
    }

    /// What was chosen over what the phone comes with.
    fn process_voice(&mut self) {
        let choices = self.settings.choices();
        let usual = self.voice.usual_processing();
        let echo_canceller = match choices.echo_canceller {
            Some(EchoCanceller::Auto) => EchoCancelling::Automatic,
            Some(EchoCanceller::On) => EchoCancelling::On,
            Some(EchoCanceller::Off) => EchoCancelling::Off,
            None => usual.echo_canceller,
        };
        let noise_suppression = choices.noise_suppression.unwrap_or(usual.noise_suppression);
        let automatic_gain = choices.automatic_gain.unwrap_or(usual.automatic_gain);
        let wanted = VoiceProcessing {
            // Rumble only spoils what the others do; who switches all of them off wants the voice as it is.
            high_pass: echo_canceller != EchoCancelling::Off || noise_suppression || automatic_gain,
            echo_canceller,
            noise_suppression,
            automatic_gain,
        };
        let chosen = choices.echo_canceller.is_some()
            || choices.noise_suppression.is_some()
            || choices.automatic_gain.is_some();
        self.devices.voice = VoiceView {
            echo_canceller: match wanted.echo_canceller {
                EchoCancelling::Automatic => EchoCanceller::Auto,
                EchoCancelling::On => EchoCanceller::On,
                EchoCancelling::Off => EchoCanceller::Off,
            },
            noise_suppression: wanted.noise_suppression,
            automatic_gain: wanted.automatic_gain,
            chosen,
            ..std::mem::take(&mut self.devices.voice)
        };
        self.voice.process(wanted);
    }

    /// Shows what the voice processing measures; in a call only.
    pub(crate) fn show_processing(&mut self) {
        let stats = *self.voice.processing().borrow();
        let voice = &mut self.devices.voice;
        voice.cancelling = stats.echo_canceller;
        voice.echo_removed_db = stats.echo_removed_db;
        voice.echo_delay_ms = stats.echo_delay_ms;
    }

    /// Shows the chosen devices.
    pub(crate) fn show_choices(&mut self) {
        let choices = self.settings.choices();
        self.devices.microphone.clone_from(&choices.microphone);
        self.devices.speaker.clone_from(&choices.speaker);
        self.devices.ringer.clone_from(&choices.ringer);
        self.devices
            .second_ringer
            .clone_from(&choices.second_ringer);
        self.devices.ringtone.clone_from(&choices.ringtone);
        self.devices.country.clone_from(&choices.country);
        self.checks.echo_number.clone_from(&choices.echo_number);
    }
}

/// Shows these devices, and keeps what else is shown.
pub(crate) fn list(view: &mut DevicesView, devices: Vec<DeviceInfo>) {
    let (inputs, outputs): (Vec<_>, Vec<_>) = devices.into_iter().partition(|d| d.input);
    let show = |d: DeviceInfo| DeviceView {
        id: d.id,
        name: d.name,
        default: d.default,
    };
    view.microphones = inputs.into_iter().map(show).collect();
    view.speakers = outputs.into_iter().map(show).collect();
}
