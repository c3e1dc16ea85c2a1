use sidetone_media::{DeviceInfo, ToneKind};

use crate::api::{DeviceCommand, DeviceView, DevicesView, Role};
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
        }
    }

    /// Shows the chosen devices.
    pub(crate) fn show_choices(&mut self) {
        let choices = self.settings.choices();
        self.devices.microphone.clone_from(&choices.microphone);
        self.devices.speaker.clone_from(&choices.speaker);
        self.devices.ringer.clone_from(&choices.ringer);
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
