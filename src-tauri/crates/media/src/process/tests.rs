use std::time::Instant;

use super::{EchoCancelling, ProcessingStats, Processor, VoiceProcessing, is_worn};
use crate::level::{dbov, tone_level};
use crate::{BLOCK, Block, SAMPLE_RATE};

/// A voice: a gliding pitch and breath under the envelope of syllables, shaped by a simple mouth.
struct Speaker {
    state: u32,
    at: usize,
    pitch: f64,
    phase: f64,
    mouth: [f64; 2],
    gain: f32,
}

impl Speaker {
    fn new(seed: u32, pitch: f64, gain: f32) -> Self {
        Self {
            state: seed,
            at: 0,
            pitch,
            phase: 0.0,
            mouth: [0.0; 2],
            gain,
        }
    }

    fn noise(&mut self) -> f64 {
        self.state = self
            .state
            .wrapping_mul(1_664_525)
            .wrapping_add(1_013_904_223);
        f64::from(self.state >> 8) / f64::from(1 << 24) - 0.5
    }

    fn speak(&mut self) -> Block {
        std::array::from_fn(|_| {
            let time = self.at as f64 / f64::from(SAMPLE_RATE);
            self.at += 1;
            let pitch = self.pitch * (1.0 + 0.1 * (time * 1.7).sin());
            self.phase = (self.phase + pitch / f64::from(SAMPLE_RATE)).fract();
            let pulse = 1.0 - 2.0 * self.phase;
            let syllable = (time * 3.7 * std::f64::consts::TAU).sin().max(0.0);
            let breath = (time * 3.7 * std::f64::consts::TAU).cos().max(0.0);
            let source = pulse * syllable + self.noise() * (breath * 0.7 + 0.02);
            // Two resonators of about 700 Hz.
            self.mouth[0] += 0.09 * (source - self.mouth[0]);
            self.mouth[1] += 0.3 * (self.mouth[0] - self.mouth[1]);
            (self.mouth[1] as f32) * self.gain
        })
    }
}

/// Loudspeaker, desk and microphone.
struct Room {
    /// What the speaker played, newest last.
    played: Vec<f32>,
    delay: usize,
    clips_at: f32,
}

impl Room {
    fn new(delay_ms: usize) -> Self {
        Self {
            played: vec![0.0; SAMPLE_RATE as usize],
            delay: delay_ms * 48,
            clips_at: 1.0,
        }
    }

    /// The echo that the microphone hears while the speaker plays this.
    fn echo(&mut self, ear: &Block) -> Block {
        let clips_at = self.clips_at;
        self.played.drain(..BLOCK);
        self.played
            .extend(ear.iter().map(|sample| sample.clamp(-clips_at, clips_at)));
        let now = self.played.len() - BLOCK;
        // The way straight, two reflections, and a tail.
        let ways = [
            (0, 0.25),
            (113, 0.11),
            (390, -0.08),
            (900, 0.05),
            (1_700, -0.03),
        ];
        std::array::from_fn(|n| {
            ways.iter()
                .map(|(more, gain)| self.played[now + n - self.delay - more] * gain)
                .sum()
        })
    }
}

/// One call: what the far end would hear, and the echo in it before processing.
#[derive(Default)]
struct Heard {
    echo: Vec<f32>,
    near: Vec<f32>,
    sent: Vec<f32>,
    stats: ProcessingStats,
}

impl Heard {
    /// Level of the echo without and with the canceller over some seconds.
    fn echo_levels(&self, seconds: std::ops::Range<usize>) -> (f32, f32) {
        let of = seconds.start * 48_000..seconds.end * 48_000;
        (dbov(&self.echo[of.clone()]), dbov(&self.sent[of]))
    }
}

const CANCEL: VoiceProcessing = VoiceProcessing {
    echo_canceller: EchoCancelling::On,
    ..VoiceProcessing::OFF
};

/// Runs a call of so many seconds; `near` says whether the agent speaks at a second, `change` may alter the room.
fn call(
    wanted: VoiceProcessing,
    mut room: Room,
    seconds: usize,
    near: impl Fn(usize) -> bool,
    change: impl Fn(usize, &mut Room),
) -> Heard {
    let mut processor = Processor::new(wanted);
    let mut customer = Speaker::new(1, 190.0, 0.6);
    let mut agent = Speaker::new(77, 115.0, 0.5);
    let mut heard = Heard::default();
    for block in 0..seconds * 100 {
        change(block, &mut room);
        let ear = customer.speak();
        processor.render(&ear);
        let echo = room.echo(&ear);
        let voice = match near(block / 100) {
            true => agent.speak(),
            false => [0.0; BLOCK],
        };
        let mut microphone: Block =
            std::array::from_fn(|n| echo[n] + voice[n] + agent.noise() as f32 * 1e-4);
        processor.capture(&mut microphone);
        heard.echo.extend(echo);
        heard.near.extend(voice);
        heard.sent.extend(microphone);
    }
    heard.stats = processor.stats();
    heard
}

#[test]
fn an_echo_is_gone_within_seconds_and_the_figures_say_so() {
    let heard = call(CANCEL, Room::new(60), 8, |_| false, |_, _| {});
    let (before, after) = heard.echo_levels(4..8);
    println!("echo {before:.1} -> {after:.1} dBov, {:?}", heard.stats);
    assert!(after < before - 35.0, "{after} of {before} dBov");
    assert!(heard.stats.echo_canceller);
    let erle = heard.stats.echo_removed_db.expect("measured");
    assert!(erle > 6.0, "{erle} dB");
}

#[test]
fn both_speak_at_once_and_the_agent_is_heard() {
    let heard = call(CANCEL, Room::new(60), 12, |second| second >= 6, |_, _| {});
    let of = 7 * 48_000..12 * 48_000;
    let (near, sent) = (dbov(&heard.near[of.clone()]), dbov(&heard.sent[of]));
    println!("double talk: near {near:.1}, sent {sent:.1} dBov");
    assert!((near - sent).abs() < 6.0, "{sent} for {near} dBov");
}

#[test]
fn a_delay_that_jumps_is_found_again() {
    let heard = call(
        CANCEL,
        Room::new(60),
        14,
        |_| false,
        |block, room| {
            if block == 600 {
                room.delay += 40 * 48;
            }
        },
    );
    let (before, after) = heard.echo_levels(10..14);
    println!(
        "after the jump: {before:.1} -> {after:.1} dBov, {:?}",
        heard.stats
    );
    assert!(after < before - 30.0, "{after} of {before} dBov");
}

#[test]
fn a_speaker_that_clips_leaves_little_echo() {
    let mut room = Room::new(60);
    // Half of the voice's peaks are cut off.
    room.clips_at = 0.15;
    let heard = call(CANCEL, room, 10, |_| false, |_, _| {});
    let (before, after) = heard.echo_levels(5..10);
    println!("clipped: {before:.1} -> {after:.1} dBov");
    assert!(after < before - 18.0, "{after} of {before} dBov");
    assert!(after < -50.0, "{after} dBov");
}

#[test]
fn a_fan_is_quieter_and_the_voice_is_not() {
    let wanted = VoiceProcessing {
        noise_suppression: true,
        ..VoiceProcessing::OFF
    };
    let mut processor = Processor::new(wanted);
    let (mut agent, mut fan) = (Speaker::new(3, 115.0, 0.5), Speaker::new(9, 1.0, 0.0));
    let mut levels = Vec::new();
    for speaks in [false, true] {
        let (mut before, mut after) = (Vec::new(), Vec::new());
        for _ in 0..600 {
            let voice = if speaks { agent.speak() } else { [0.0; BLOCK] };
            let mut block: Block = std::array::from_fn(|n| voice[n] + fan.noise() as f32 * 0.02);
            before.extend(block);
            processor.capture(&mut block);
            after.extend(block);
        }
        levels.push(dbov(&after[144_000..]) - dbov(&before[144_000..]));
    }
    println!("noise {:.1} dB, voice {:.1} dB", levels[0], levels[1]);
    assert!(levels[0] < -8.0, "{} dB", levels[0]);
    assert!(levels[1] > -3.0, "{} dB", levels[1]);
}

#[test]
fn rumble_is_removed_and_a_quiet_voice_is_raised() {
    let mut high_pass = Processor::new(VoiceProcessing {
        high_pass: true,
        ..VoiceProcessing::OFF
    });
    let mut sent = Vec::new();
    for n in 0..100 {
        let mut block: Block = std::array::from_fn(|i| {
            let at = ((n * BLOCK + i) % 48_000) as f32 / 48_000.0;
            let wave = |hz: f32| (at * hz * std::f32::consts::TAU).sin() * 0.2;
            wave(30.0) + wave(500.0)
        });
        high_pass.capture(&mut block);
        sent.extend(block);
    }
    let rumble = tone_level(&sent[24_000..], SAMPLE_RATE, 30.0);
    let voice = tone_level(&sent[24_000..], SAMPLE_RATE, 500.0);
    assert!(rumble < voice - 15.0, "{rumble} and {voice} dBov");

    let mut gain = Processor::new(VoiceProcessing {
        automatic_gain: true,
        ..VoiceProcessing::OFF
    });
    let mut agent = Speaker::new(3, 115.0, 0.05);
    let (mut before, mut after) = (Vec::new(), Vec::new());
    for _ in 0..1_500 {
        let mut block = agent.speak();
        before.extend(block);
        gain.capture(&mut block);
        after.extend(block);
    }
    let raised = dbov(&after[480_000..]) - dbov(&before[480_000..]);
    println!("raised by {raised:.1} dB");
    assert!(raised > 6.0, "{raised} dB");
}

#[test]
fn nothing_wanted_is_nothing_done() {
    let mut processor = Processor::new(VoiceProcessing::OFF);
    let mut agent = Speaker::new(3, 115.0, 0.5);
    for _ in 0..10 {
        let block = agent.speak();
        let mut sent = block;
        processor.render(&block);
        processor.capture(&mut sent);
        assert_eq!(sent, block);
    }
    assert_eq!(processor.stats(), ProcessingStats::default());
}

#[test]
fn a_headset_needs_no_canceller_unless_the_agent_says_so() {
    let mut processor = Processor::new(VoiceProcessing::AUTOMATIC);
    assert!(processor.stats().echo_canceller);
    processor.set_headset(true);
    assert!(!processor.stats().echo_canceller);
    processor.set(VoiceProcessing {
        echo_canceller: EchoCancelling::On,
        ..VoiceProcessing::AUTOMATIC
    });
    assert!(processor.stats().echo_canceller);
    for worn in [
        "Headset Earphone (Jabra EVOLVE 20)",
        "External Headphones",
        "AirPods Pro",
    ] {
        assert!(is_worn(worn), "{worn}");
    }
    for loud in [
        "Speakers (Realtek Audio)",
        "HDA Intel PCH, ALC257 Analog",
        "System default",
    ] {
        assert!(!is_worn(loud), "{loud}");
    }
}

/// Cost of 10 ms with everything on; a figure to read, with a bound that a debug build meets.
#[test]
fn it_costs_little() {
    let mut processor = Processor::new(VoiceProcessing {
        echo_canceller: EchoCancelling::On,
        ..VoiceProcessing::AUTOMATIC
    });
    let (mut customer, mut agent) = (Speaker::new(1, 190.0, 0.6), Speaker::new(77, 115.0, 0.5));
    let blocks: Vec<(Block, Block)> = (0..500)
        .map(|_| (customer.speak(), agent.speak()))
        .collect();
    let began = Instant::now();
    for (ear, voice) in &blocks {
        processor.render(ear);
        processor.capture(&mut voice.clone());
    }
    let each = began.elapsed() / 500;
    println!("{each:?} for each 10 ms");
    assert!(each.as_millis() < 10, "slower than the sound: {each:?}");
}
