//! What happens to the sound in one tick of 10 ms: gate, session, tones, meters. No device, no clock.

use std::fmt;

use tokio::sync::watch;

use super::party::{Line, Party};
use super::{Levels, ProcessingStats, VoiceProcessing};
use crate::level::{SILENCE, from_energy};
use crate::process::Processor;
use crate::tone::{Keypad, Tone, Tones};
use crate::wav::LoopedWav;
use crate::{BLOCK, Block, ToneKind};

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
                if self.party.is_empty() {
                    // The next call may be in another room.
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
        }
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
            microphone: call || soon || self.monitor,
            speaker: call || tone.is_some() || !self.keypad.is_quiet(),
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
        let call = !self.party.is_empty();
        if call {
            self.processor.capture(microphone);
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
        if call {
            self.processor.render(ear);
        }
        self.publish();
    }

    /// Whether the customer is heard through something worn.
    pub(super) fn set_headset(&mut self, headset: bool) {
        self.processor.set_headset(headset);
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
        if self.party.is_empty() && !self.monitor {
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

    /// Without a call and a monitor the meter must not keep its last reading.
    fn rest_meter(&mut self) {
        if self.party.is_empty() && !self.monitor {
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
fn energy(block: &Block) -> f64 {
    let sum: f64 = block.iter().map(|&sample| f64::from(sample).powi(2)).sum();
    sum / BLOCK as f64
}

#[cfg(test)]
mod tests {
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
}
