use std::path::Path;
use std::time::Instant;

use super::coupling::{Coupling, Hearing};
use super::{EchoCancelling, ProcessingStats, Processor, Route, VoiceProcessing, is_worn};
use crate::level::{dbov, tone_level};
use crate::wav::LoopedWav;
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
fn a_headset_begins_without_canceller_unless_the_agent_wants_it() {
    let mut processor = Processor::new(VoiceProcessing::AUTOMATIC);
    assert!(processor.stats().echo_canceller);
    processor.set_route(Route { id: 1, worn: true });
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

/// Recorded speech, at 48 kHz.
fn recorded(name: &str) -> LoopedWav {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../tests/sandbox/speech");
    LoopedWav::open(&Path::new(folder).join(name)).expect("shipped speech")
}

/// What the customer hears of an agent, both talking without a pause, at the two ends of a room.
struct Talk {
    said: Vec<f32>,
    sent: Vec<f32>,
    stats: ProcessingStats,
}

fn talk(wanted: VoiceProcessing, coupling: f32, seconds: usize) -> Talk {
    let (mut agent, mut customer) = (recorded("it-male.wav"), recorded("en-female.wav"));
    let (mut processor, mut room) = (Processor::new(wanted), Room::new(60));
    let (mut said, mut sent) = (Vec::new(), Vec::new());
    for _ in 0..seconds * 100 {
        let (mut voice, mut ear) = ([0.0; BLOCK], [0.0; BLOCK]);
        agent.fill(&mut voice);
        customer.fill(&mut ear);
        let echo = room.echo(&ear);
        said.extend(voice);
        for (sample, echo) in voice.iter_mut().zip(echo) {
            *sample += echo * coupling;
        }
        processor.capture(&mut voice);
        processor.render(&ear);
        sent.extend(voice);
    }
    let stats = processor.stats();
    Talk { said, sent, stats }
}

impl Talk {
    fn likeness(&self, seconds: std::ops::Range<usize>) -> f32 {
        let of = seconds.start * 48_000..seconds.end * 48_000;
        likeness(&self.sent[of.clone()], &self.said[of])
    }
}

/// Correlation of the levels in speech bands, 1 is the same speech; level and tone colour do not count.
fn likeness(heard: &[f32], said: &[f32]) -> f32 {
    let (heard, said) = (bands(heard), bands(said));
    (0..4)
        .map(|late| {
            let pairs = || heard[late..].iter().zip(&said);
            let count = pairs().count() as f32;
            let mut sums = [0.0_f32; 3];
            for band in 0..BANDS.len() {
                let x_mean = pairs().map(|(x, _)| x[band]).sum::<f32>() / count;
                let y_mean = pairs().map(|(_, y)| y[band]).sum::<f32>() / count;
                for (x, y) in pairs() {
                    let (x, y) = (x[band] - x_mean, y[band] - y_mean);
                    sums[0] += x * y;
                    sums[1] += x * x;
                    sums[2] += y * y;
                }
            }
            sums[0] / (sums[1] * sums[2]).sqrt().max(f32::MIN_POSITIVE)
        })
        .fold(0.0, f32::max)
}

const BANDS: [f32; 12] = [
    200.0, 300.0, 400.0, 550.0, 700.0, 900.0, 1_150.0, 1_450.0, 1_800.0, 2_200.0, 2_700.0, 3_300.0,
];

/// Levels in dBov of 20 ms every 10 ms; what is softer than -65 dBov is silence.
fn bands(pcm: &[f32]) -> Vec<[f32; 12]> {
    let frames = pcm.windows(2 * BLOCK).step_by(BLOCK);
    frames
        .map(|frame| {
            BANDS.map(|hz| {
                let turn = std::f32::consts::TAU * hz / SAMPLE_RATE as f32;
                let (mut before, mut last, step) = (0.0, 0.0, 2.0 * turn.cos());
                for (n, &sample) in frame.iter().enumerate() {
                    let turn = std::f32::consts::TAU * n as f32 / (2 * BLOCK) as f32;
                    let next = sample * (0.5 - 0.5 * turn.cos()) + step * last - before;
                    (before, last) = (last, next);
                }
                let power = last * last + before * before - step * last * before;
                let amplitude = power.max(0.0).sqrt() * 2.0 / BLOCK as f32;
                (10.0 * (amplitude * amplitude / 2.0).max(1e-12).log10()).max(-65.0)
            })
        })
        .collect()
}

/// What each stage does to speech where nothing is coupled; the worst case for a canceller that believes in echoes.
#[test]
fn without_an_echo_the_agent_is_heard_as_he_speaks_also_when_both_do() {
    let stages = [
        ("nothing", VoiceProcessing::OFF, 0.999),
        (
            "high-pass",
            VoiceProcessing {
                high_pass: true,
                ..VoiceProcessing::OFF
            },
            0.97,
        ),
        (
            "noise suppression",
            VoiceProcessing {
                noise_suppression: true,
                ..VoiceProcessing::OFF
            },
            0.9,
        ),
        (
            "gain",
            VoiceProcessing {
                automatic_gain: true,
                ..VoiceProcessing::OFF
            },
            0.95,
        ),
        (
            "canceller where needed",
            VoiceProcessing {
                echo_canceller: EchoCancelling::Automatic,
                ..VoiceProcessing::OFF
            },
            0.999,
        ),
        ("all", VoiceProcessing::AUTOMATIC, 0.9),
    ];
    for (name, wanted, least) in stages {
        let talk = talk(wanted, 0.0, 8);
        let (first, later) = (talk.likeness(0..4), talk.likeness(2..6));
        println!("{name}: {first:.3} in the first seconds, then {later:.3}");
        assert!(later >= least, "{name}: {later}");
        assert!(!talk.stats.echo_canceller, "{name}");
    }
    let always = talk(CANCEL, 0.0, 8);
    println!(
        "canceller always: {:.3}, then {:.3}",
        always.likeness(0..4),
        always.likeness(2..6)
    );
}

#[test]
fn an_echo_in_speech_is_found_and_removed_and_both_are_heard_when_they_talk() {
    let heard = talk(VoiceProcessing::AUTOMATIC, 1.0, 12);
    println!("double talk with an echo: {:.3}", heard.likeness(6..12));
    assert_eq!(heard.stats.echo_heard, Some(true));
    let delay = heard.stats.echo_delay_ms.expect("measured");
    assert!(delay.abs_diff(60) <= 10, "{delay} ms");
    assert!(heard.likeness(6..12) > 0.7);
}

/// The customer talks, the agent listens: blocks of what is sent and of the echo in it.
fn listen(
    processor: &mut Processor,
    room: &mut Room,
    customer: &mut LoopedWav,
    coupling: f32,
    blocks: usize,
) -> (Vec<f32>, Vec<f32>) {
    let (mut echoes, mut sent) = (Vec::new(), Vec::new());
    for _ in 0..blocks {
        let mut ear = [0.0; BLOCK];
        customer.fill(&mut ear);
        let mut microphone = room.echo(&ear).map(|sample| sample * coupling);
        echoes.extend(microphone);
        processor.capture(&mut microphone);
        processor.render(&ear);
        sent.extend(microphone);
    }
    (echoes, sent)
}

#[test]
fn the_canceller_wakes_within_a_second_when_an_echo_begins_and_is_remembered_by_device() {
    let mut processor = Processor::new(VoiceProcessing {
        echo_canceller: EchoCancelling::Automatic,
        ..VoiceProcessing::OFF
    });
    let (mut room, mut customer) = (Room::new(60), recorded("en-female.wav"));
    let desk = Route { id: 7, worn: false };
    processor.set_route(desk);
    assert!(processor.stats().echo_canceller, "until it is known");
    listen(&mut processor, &mut room, &mut customer, 0.0, 400);
    assert_eq!(processor.stats().echo_heard, Some(false));
    assert!(!processor.stats().echo_canceller, "it rests");

    // The headset is laid beside the microphone.
    let (echo, sent) = listen(&mut processor, &mut room, &mut customer, 1.0, 600);
    let (before, after) = (dbov(&echo[96_000..]), dbov(&sent[96_000..]));
    let leaked = echo
        .chunks(BLOCK)
        .zip(sent.chunks(BLOCK))
        .filter(|(echo, sent)| dbov(echo) > -50.0 && dbov(sent) > dbov(echo) - 10.0)
        .count();
    println!("echo {before:.1} -> {after:.1} dBov, {leaked} blocks heard first");
    assert_eq!(processor.stats().echo_heard, Some(true));
    assert!(after < before - 30.0, "{after} of {before} dBov");
    assert!(leaked < 100, "{leaked} blocks of 10 ms");

    // Another device, and back; and the next call.
    processor.set_route(Route { id: 8, worn: true });
    assert!(!processor.stats().echo_canceller);
    processor.set_route(desk);
    assert_eq!(processor.stats().echo_heard, Some(true), "known before");
    processor.restart();
    assert_eq!(processor.stats().echo_heard, Some(true), "in the next call");
}

#[test]
fn four_voices_are_not_taken_for_echoes_of_each_other() {
    let names = [
        "en-female.wav",
        "en-male.wav",
        "it-female.wav",
        "it-male.wav",
    ];
    let (mut judged, mut mistaken) = (0, 0);
    for near in names {
        for far in names.into_iter().filter(|far| *far != near) {
            let (mut near, mut far) = (recorded(near), recorded(far));
            let mut coupling = Coupling::new();
            for _ in 0..800 {
                let (mut voice, mut ear) = ([0.0; BLOCK], [0.0; BLOCK]);
                near.fill(&mut voice);
                far.fill(&mut ear);
                if let Some(hearing) = coupling.hear(&voice) {
                    judged += 1;
                    mistaken += usize::from(hearing != Hearing::Nothing);
                }
                coupling.play(&ear);
            }
        }
    }
    println!("{mistaken} of {judged} segments mistaken for an echo");
    assert!(judged > 200, "{judged}");
    assert!(mistaken <= 1, "{mistaken} of {judged}");
}
