//! What happens to the sound in one tick of 10 ms: gate, session, tones, meters. No device, no clock.

use std::fmt;

use tokio::sync::watch;

use super::check::{Check, Presence};
use super::party::{Line, Party};
use super::{Levels, ProcessingStats, VoiceProcessing};
use crate::level::{SILENCE, from_energy};
use crate::process::{Processor, Route};
use crate::tone::{Keypad, Tone, Tones};
use crate::wav::LoopedWav;
use crate::{BLOCK, Block, MediaError, ToneKind};

/// Ticks between two meter readings: 50 ms.
const METER_TICKS: u32 = 5;

/// What the owner of the voice asks for.
pub(super) enum Command {
    /// The far ends; two and more hear each other.
    Attach(Vec<Box<dyn Line>>),
    Mute(bool),
    Tone(Option<ToneKind>),
    Keys(String),
    Ringtone(Option<LoopedWav>),
    Country(String),
    Process(VoiceProcessing),
    Monitor(bool),
    Check(Check),
}

/// Which devices the desk has a use for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Need {
    pub(crate) microphone: bool,
    pub(crate) speaker: bool,
    pub(crate) ringer: bool,
}

/// Joins the microphone, the line, the tones and the ears.
pub(super) struct Desk {
    party: Party,
    attached: bool,
    muted: bool,
    /// Gain of the gate now; it moves over one block so that it does not click.
    gate: f32,
    tone: Option<Tone>,
    tones: Tones,
    /// Rings in place of the built-in one.
    ringtone: Option<LoopedWav>,
    keypad: Keypad,
    monitor: bool,
    check: Option<Check>,
    presence: Presence,
    meter: Meter,
    levels: watch::Sender<Levels>,
    processor: Processor,
    processing: watch::Sender<ProcessingStats>,
}

#[derive(Debug, Default)]
struct Meter {
    ticks: u32,
    microphone: f64,
    speaker: f64,
    clipped: bool,
}

/// The microphone is overdriven from here on, full scale 1.0.
const FULL: f32 = 0.99;

impl Meter {
    fn hear(&mut self, microphone: &Block) {
        self.microphone += energy(microphone);
        self.clipped |= microphone.iter().any(|sample| sample.abs() >= FULL);
    }
}

impl Desk {
    pub(super) fn new(
        levels: watch::Sender<Levels>,
        wanted: VoiceProcessing,
        processing: watch::Sender<ProcessingStats>,
    ) -> Self {
        Self {
            party: Party::default(),
            attached: false,
            muted: false,
            gate: 1.0,
            tone: None,
            tones: Tones::default(),
            ringtone: None,
            keypad: Keypad::default(),
            monitor: false,
            check: None,
            presence: Presence {
                microphone: true,
                speaker: true,
            },
            meter: Meter::default(),
            levels,
            processor: Processor::new(wanted),
            processing,
        }
    }

    pub(super) fn apply(&mut self, command: Command) {
        match command {
            Command::Attach(lines) => {
                self.attached |= !lines.is_empty();
                if !lines.is_empty()
                    && let Some(check) = self.check.take()
                {
                    check.end(MediaError::CheckEnded("a call came"));
                }
                if self.party.is_empty() {
                    self.processor.restart();
                }
                self.party.attach(lines);
                self.rest_meter();
            }
            Command::Mute(on) => self.muted = on,
            Command::Tone(kind) => {
                // The same tone again goes on instead of starting anew.
                if self.tone.as_ref().map(Tone::kind) != kind {
                    self.tone = kind.map(|kind| self.tones.start(kind));
                    if let Some(ringtone) = &mut self.ringtone {
                        ringtone.restart();
                    }
                }
            }
            Command::Keys(digits) => self.keypad.press(&digits),
            Command::Ringtone(ringtone) => self.ringtone = ringtone,
            Command::Country(country) => self.tones = Tones::of(&country),
            Command::Process(wanted) => self.processor.set(wanted),
            Command::Monitor(on) => {
                self.monitor = on;
                self.rest_meter();
            }
            Command::Check(check) => self.check(check),
        }
    }

    fn check(&mut self, check: Check) {
        if !self.party.is_empty() {
            check.end(MediaError::CheckEnded("a call is up"));
            return;
        }
        if let Some(last) = self.check.replace(check) {
            last.end(MediaError::CheckEnded("another one was begun"));
        }
        self.processor.restart();
    }

    /// A line was attached since the last question.
    pub(super) fn take_attached(&mut self) -> bool {
        std::mem::take(&mut self.attached)
    }

    pub(super) fn need(&self) -> Need {
        let call = !self.party.is_empty();
        let tone = self.tone.as_ref().map(Tone::kind);
        // While it rings or dials, microphone and speaker are opened ahead: the answer must not wait for them.
        let soon = matches!(
            tone,
            Some(ToneKind::Ring | ToneKind::Ringback | ToneKind::CallWaiting)
        );
        Need {
            microphone: call || soon || self.monitor || self.is_recording(),
            speaker: call || tone.is_some() || !self.keypad.is_quiet() || self.check.is_some(),
            ringer: tone == Some(ToneKind::Ring),
        }
    }

    /// Nothing is to be heard, sent or measured.
    pub(super) fn is_idle(&self) -> bool {
        self.need() == Need::default()
    }

    /// One tick: `microphone` in; `ear` and `ringer` out.
    pub(super) fn tick(&mut self, microphone: &mut Block, ear: &mut Block, ringer: &mut Block) {
        ringer.fill(0.0);
        ear.fill(0.0);
        self.meter.hear(microphone);
        // A check lets the agent hear what a customer would.
        let live = !self.party.is_empty() || self.is_recording();
        if live {
            self.processor.capture(microphone);
        }
        if let Some(check) = self.check.take() {
            self.check = check.tick(microphone, ear, self.presence);
            if self.check.is_none() {
                self.rest_meter();
            }
        }
        self.gate(microphone);
        self.party.exchange(microphone, ear);
        if let Some(tone) = &mut self.tone {
            match tone.kind() {
                ToneKind::Ring => match &mut self.ringtone {
                    Some(ringtone) => ringtone.fill(ringer),
                    None => tone.add(ringer),
                },
                _ => tone.add(ear),
            }
        }
        self.keypad.add(ear);
        for sample in ear.iter_mut() {
            *sample = sample.clamp(-1.0, 1.0);
        }
        self.meter.speaker += energy(ear);
        if live {
            self.processor.render(ear);
        }
        self.publish();
    }

    /// Says which devices are open.
    pub(super) fn set_presence(&mut self, presence: Presence) {
        self.presence = presence;
        if self.check.as_ref().is_some_and(Check::is_abandoned) {
            self.check = None;
            self.rest_meter();
        }
    }

    fn is_recording(&self) -> bool {
        self.check.as_ref().is_some_and(Check::is_recording)
    }

    /// The meter is of interest.
    fn is_metered(&self) -> bool {
        !self.party.is_empty() || self.monitor || self.check.is_some()
    }

    /// Tells which devices are in use.
    pub(super) fn set_route(&mut self, route: Route) {
        self.processor.set_route(route);
    }

    fn gate(&mut self, microphone: &mut Block) {
        let goal = if self.muted { 0.0 } else { 1.0 };
        if self.gate == goal {
            if goal == 0.0 {
                microphone.fill(0.0);
            }
            return;
        }
        let from = self.gate;
        for (index, sample) in microphone.iter_mut().enumerate() {
            let share = (index + 1) as f32 / BLOCK as f32;
            *sample *= from + (goal - from) * share;
        }
        self.gate = goal;
    }

    fn publish(&mut self) {
        self.meter.ticks += 1;
        if self.meter.ticks < METER_TICKS {
            return;
        }
        let meter = std::mem::take(&mut self.meter);
        if !self.is_metered() {
            return;
        }
        let mean = |energy: f64| from_energy(energy / f64::from(METER_TICKS));
        self.levels.send_replace(Levels {
            microphone: mean(meter.microphone),
            speaker: mean(meter.speaker),
            clipping: meter.clipped,
        });
        let stats = self.processor.stats();
        self.processing.send_if_modified(|last| {
            let changed = *last != stats;
            *last = stats;
            changed
        });
    }

    /// Without a call, a monitor and a check the meter must not keep its last reading.
    fn rest_meter(&mut self) {
        if !self.is_metered() {
            self.meter = Meter::default();
            self.levels.send_if_modified(|levels| {
                let changed = levels.microphone != SILENCE || levels.speaker != SILENCE;
                *levels = Levels::SILENT;
                changed
            });
        }
    }
}

impl fmt::Debug for Desk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Desk")
            .field("lines", &self.party.len())
            .field("muted", &self.muted)
            .field("tone", &self.tone)
            .finish_non_exhaustive()
    }
}

/// Mean square of a block.
pub(super) fn energy(block: &Block) -> f64 {
    let sum: f64 = block.iter().map(|&sample| f64::from(sample).powi(2)).sum();
    sum / BLOCK as f64
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::level::{dbov, tone_level};
    use crate::voice::party::Line;
    use crate::wav::LoopedWav;

    /// Says 300 Hz.
    struct Customer(usize);

    impl Line for Customer {
        fn exchange(&mut self, _: &Block, received: &mut Block) {
            for sample in received {
                let turns = 300.0 * self.0 as f32 / 48_000.0;
                *sample = (turns * std::f32::consts::TAU).sin() * 0.2;
                self.0 = (self.0 + 1) % 48_000;
            }
        }
    }

    fn desk() -> Desk {
        Desk::new(
            watch::channel(Levels::SILENT).0,
            VoiceProcessing::OFF,
            watch::channel(ProcessingStats::default()).0,
        )
    }

    /// What ear and ring device get in so many blocks.
    fn listen(desk: &mut Desk, blocks: usize) -> (Vec<f32>, Vec<f32>) {
        let (mut heard, mut rung) = (Vec::new(), Vec::new());
        for _ in 0..blocks {
            let (mut ear, mut ringer) = ([0.0; BLOCK], [0.0; BLOCK]);
            desk.tick(&mut [0.0; BLOCK], &mut ear, &mut ringer);
            heard.extend(ear);
            rung.extend(ringer);
        }
        (heard, rung)
    }

    #[test]
    fn a_second_call_is_announced_in_the_ear_and_rings_nowhere() {
        let mut desk = desk();
        desk.apply(Command::Attach(vec![Box::new(Customer(0))]));
        desk.apply(Command::Tone(Some(ToneKind::CallWaiting)));
        assert!(!desk.need().ringer, "the ring device is left alone");
        let (heard, rung) = listen(&mut desk, 20);
        assert!(tone_level(&heard, 48_000, 425.0) > -25.0, "the tone");
        assert!(
            tone_level(&heard, 48_000, 300.0) > -20.0,
            "the customer goes on"
        );
        assert_eq!(dbov(&rung), SILENCE);
    }

    #[test]
    fn a_key_is_heard_in_the_ear_during_a_call_and_outside_of_one() {
        let mut desk = desk();
        desk.apply(Command::Keys("5".to_owned()));
        assert!(desk.need().speaker, "the speaker is opened for it");
        let (alone, _) = listen(&mut desk, 15);
        assert!(!desk.need().speaker, "and let go");
        desk.apply(Command::Attach(vec![Box::new(Customer(0))]));
        desk.apply(Command::Keys("5".to_owned()));
        let (talking, rung) = listen(&mut desk, 15);
        for heard in [alone, talking] {
            for frequency in [770.0, 1_336.0] {
                let level = tone_level(&heard[..4_800], 48_000, frequency);
                assert!(level > -27.0, "{frequency} Hz at {level} dBov");
            }
        }
        assert_eq!(dbov(&rung), SILENCE);
    }

    #[test]
    fn a_ringtone_from_a_file_rings_from_its_start() {
        let mut file = std::io::Cursor::new(Vec::new());
        let spec = hound::WavSpec {
            channels: 1,
            sample_rate: 48_000,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        let mut writer = hound::WavWriter::new(&mut file, spec).expect("a file");
        for n in 0..48_000 {
            writer.write_sample(n / 480).expect("a sample");
        }
        writer.finalize().expect("whole");
        let ringtone = LoopedWav::read(std::io::Cursor::new(file.into_inner())).expect("a file");
        let mut desk = desk();
        desk.apply(Command::Ringtone(Some(ringtone)));
        for _ in 0..2 {
            desk.apply(Command::Tone(Some(ToneKind::Ring)));
            let (heard, rung) = listen(&mut desk, 30);
            assert_eq!(dbov(&heard), SILENCE);
            for (n, block) in rung.chunks(BLOCK).enumerate() {
                assert!((block[7] * 32_768.0 - n as f32).abs() < 0.5, "block {n}");
            }
            desk.apply(Command::Tone(None));
        }
        desk.apply(Command::Ringtone(None));
        desk.apply(Command::Tone(Some(ToneKind::Ring)));
        let (_, rung) = listen(&mut desk, 15);
        assert!(
            tone_level(&rung, 48_000, 659.26) > -30.0,
            "the built-in one again"
        );
    }

    /// Says 300 Hz into a check of a second and gives what is heard until it is over.
    fn speak_and_listen(desk: &mut Desk) -> Vec<f32> {
        let mut said = Customer(0);
        let mut heard = Vec::new();
        for _ in 0..1_000 {
            let (mut microphone, mut ear, mut ringer) = ([0.0; BLOCK], [0.0; BLOCK], [0.0; BLOCK]);
            said.exchange(&[0.0; BLOCK], &mut microphone);
            desk.tick(&mut microphone, &mut ear, &mut ringer);
            heard.extend(ear);
            if desk.is_idle() {
                break;
            }
        }
        heard
    }

    #[test]
    fn a_checked_microphone_is_recorded_and_then_heard() {
        let mut desk = desk();
        let (done, mut found) = tokio::sync::oneshot::channel();
        desk.apply(Command::Check(Check::new(Duration::from_secs(1), done)));
        assert!(desk.need().microphone && desk.need().speaker);
        let heard = speak_and_listen(&mut desk);
        assert_eq!(dbov(&heard[..48_000]), SILENCE, "while it records");
        assert_eq!(heard.len(), 96_000, "as long as it was recorded");
        let level = tone_level(&heard[48_000..], 48_000, 300.0);
        assert!((level + 17.0).abs() < 0.2, "{level} dBov");
        let found = found.try_recv().expect("over").expect("a result");
        assert!(found.heard && !found.clipping, "{found:?}");
        assert!((found.level + 17.0).abs() < 0.2, "{found:?}");
        assert!(desk.is_idle());
    }

    #[test]
    fn a_check_waits_for_its_devices_but_not_forever_and_ends_when_a_call_comes() {
        let (mut desk, second) = (desk(), Duration::from_secs(1));
        let closed = Presence {
            microphone: false,
            speaker: true,
        };
        desk.set_presence(closed);
        let (done, mut found) = tokio::sync::oneshot::channel();
        desk.apply(Command::Check(Check::new(second, done)));
        listen(&mut desk, 400);
        assert!(found.try_recv().is_err(), "it waits");
        listen(&mut desk, 101);
        let why = found.try_recv().expect("over").expect_err("no microphone");
        assert!(why.to_string().contains("The microphone"), "{why}");
        assert!(desk.is_idle());

        let (done, mut found) = tokio::sync::oneshot::channel();
        desk.apply(Command::Check(Check::new(second, done)));
        desk.apply(Command::Attach(vec![Box::new(Customer(0))]));
        let why = found.try_recv().expect("over").expect_err("a call came");
        assert_eq!(why, MediaError::CheckEnded("a call came"));
        let (done, mut found) = tokio::sync::oneshot::channel();
        desk.apply(Command::Check(Check::new(second, done)));
        assert!(found.try_recv().expect("over").is_err(), "a call is up");
        desk.apply(Command::Attach(Vec::new()));

        let (done, found) = tokio::sync::oneshot::channel();
        desk.apply(Command::Check(Check::new(second, done)));
        drop(found);
        desk.set_presence(closed);
        assert!(desk.is_idle(), "nobody waits for it");
    }
}
