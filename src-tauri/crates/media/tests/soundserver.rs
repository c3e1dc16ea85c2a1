//! The voice against a real sound server: a PulseAudio of our own with null sinks, reached through ALSA.
//!
//! Left out, with the reason printed, where PulseAudio is not installed.
#![cfg(target_os = "linux")]

mod pulse;

use std::io::Read as _;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use pulse::{RATE, Server, control, private};
use sidetone_media::{
    AudioSetup, BLOCK, DeviceSelection, KeyingPlan, MediaConfig, Session, ToneKind, Voice,
};
use sidetone_profile::Codec;

/// The sinks of [`ASOUND`].
const SINKS: [&str; 3] = ["headset", "desk", "mic"];
/// Set in the child process that talks to the server.
const INSIDE: &str = "SIDETONE_TEST_SOUND_SERVER";

const ASOUND: &str = "\
</usr/share/alsa/alsa.conf>
pcm.headset { type pulse device headset hint { show on description \"Headset\" } }
pcm.desk { type pulse device desk hint { show on description \"Desk speaker\" } }
pcm.mic { type pulse device mic.monitor hint { show on description \"Boom microphone\" } }
pcm.!default { type pulse device desk hint { show on description \"Default\" } }
";

/// Takes a sink away, as pulling its plug would.
fn unload(folder: &Path, sink: &str) -> bool {
    let mut command = Command::new("pactl");
    private(&mut command, folder);
    let modules = command
        .args(["list", "short", "modules"])
        .output()
        .expect("pactl");
    let modules = String::from_utf8_lossy(&modules.stdout);
    let wanted = format!("sink_name={sink} ");
    let index = modules
        .lines()
        .find(|line| line.contains(&wanted))
        .and_then(|line| line.split_whitespace().next())
        .expect("a module");
    control(folder, &["unload-module", index])
}

/// Records what a sink plays.
fn record(folder: &Path, sink: &str, seconds: f64) -> Vec<f32> {
    let mut command = Command::new("parec");
    private(&mut command, folder);
    let device = format!("--device={sink}.monitor");
    let mut recorder = command
        .args([
            device.as_str(),
            "--format=s16le",
            "--rate=48000",
            "--channels=1",
            "--latency-msec=20",
        ])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("parec");
    let mut bytes = vec![0; (f64::from(RATE) * seconds) as usize * 2];
    let read = recorder
        .stdout
        .as_mut()
        .expect("piped")
        .read_exact(&mut bytes);
    let _ = recorder.kill();
    let _ = recorder.wait();
    read.expect("a recording");
    bytes
        .chunks_exact(2)
        .map(|pair| f32::from(i16::from_le_bytes([pair[0], pair[1]])) / 32_768.0)
        .collect()
}

/// Records what a sink plays into a file, beside whatever happens to us.
struct Recorder {
    process: Child,
    file: PathBuf,
}

impl Recorder {
    fn start(folder: &Path, sink: &str) -> Self {
        let file = folder.join(format!("{sink}.raw"));
        let mut command = Command::new("parec");
        private(&mut command, folder);
        let device = format!("--device={sink}.monitor");
        let process = command
            .args([
                device.as_str(),
                "--format=s16le",
                "--rate=48000",
                "--channels=1",
                "--latency-msec=20",
            ])
            .stdout(std::fs::File::create(&file).expect("a file"))
            .stderr(Stdio::null())
            .spawn()
            .expect("parec");
        Self { process, file }
    }

    /// What was heard so far.
    fn heard(&self) -> Vec<f32> {
        std::fs::read(&self.file)
            .expect("a recording")
            .chunks_exact(2)
            .map(|pair| f32::from(i16::from_le_bytes([pair[0], pair[1]])) / 32_768.0)
            .collect()
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Pieces without sound between the first and the last sound, in order.
fn holes(pcm: &[f32]) -> Vec<Duration> {
    const PIECE: usize = 480;
    let mut holes = Vec::new();
    let (mut begun, mut quiet) = (false, 0);
    for piece in pcm.chunks_exact(PIECE) {
        if level(piece) < -60.0 {
            quiet += 1;
            continue;
        }
        if begun && quiet > 0 {
            holes.push(Duration::from_millis(10 * quiet));
        }
        (begun, quiet) = (true, 0);
    }
    holes
}

/// Level of a frequency, dBov.
fn tone_level(pcm: &[f32], frequency: f64) -> f64 {
    let (mut re, mut im, mut gain) = (0.0, 0.0, 0.0);
    for (n, &sample) in pcm.iter().enumerate() {
        let angle = std::f64::consts::TAU * frequency * n as f64 / f64::from(RATE);
        let weight = 0.5 - 0.5 * (std::f64::consts::TAU * n as f64 / pcm.len() as f64).cos();
        re += f64::from(sample) * angle.cos() * weight;
        im += f64::from(sample) * angle.sin() * weight;
        gain += weight;
    }
    let amplitude = 2.0 * re.hypot(im) / gain;
    10.0 * (amplitude * amplitude / 2.0).max(1e-13).log10()
}

fn level(pcm: &[f32]) -> f64 {
    let energy: f64 = pcm.iter().map(|&sample| f64::from(sample).powi(2)).sum();
    10.0 * (energy / pcm.len() as f64).max(1e-13).log10()
}

fn eventually(what: &str, mut condition: impl FnMut() -> bool) -> Duration {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < Duration::from_secs(30), "{what}");
        std::thread::sleep(Duration::from_millis(10));
    }
    start.elapsed()
}

/// Runs a scenario in a process of its own, whose surroundings point at a server of its own.
fn inside(scenario: &str) {
    let server = match Server::start(scenario, ASOUND, &SINKS) {
        Ok(server) => server,
        Err(reason) => {
            println!("left out: {scenario}: {reason}");
            return;
        }
    };
    let program = std::env::current_exe().expect("this test");
    let mut command = Command::new(program);
    command.args(["--exact", scenario, "--ignored", "--nocapture"]);
    private(&mut command, &server.folder);
    // Would overrule the buffers that we ask for.
    command.env_remove("PULSE_LATENCY_MSEC");
    let output = command.env(INSIDE, &server.folder).output().expect("run");
    println!("{}", String::from_utf8_lossy(&output.stdout));
    assert!(
        output.status.success(),
        "{scenario}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

fn folder() -> PathBuf {
    tracing_subscriber::fmt()
        .with_ansi(false)
        .with_max_level(tracing::Level::DEBUG)
        .with_writer(std::io::stdout)
        .init();
    PathBuf::from(std::env::var_os(INSIDE).expect("run by its outer test"))
}

fn headset() -> AudioSetup {
    AudioSetup::Devices(DeviceSelection {
        microphone: Some("alsa:mic".to_owned()),
        speaker: Some("alsa:headset".to_owned()),
        ringer: Some("alsa:desk".to_owned()),
        second_ringer: None,
    })
}

#[test]
fn what_is_played_reaches_the_chosen_device() {
    inside("playing");
}

#[test]
#[ignore = "run by what_is_played_reaches_the_chosen_device"]
fn playing() {
    let folder = folder();
    let voice = Voice::start(headset()).expect("start");
    let names: Vec<String> = voice.devices().into_iter().map(|one| one.name).collect();
    for name in ["Headset", "Desk speaker", "Boom microphone"] {
        assert!(
            names.iter().any(|other| other == name),
            "{name} in {names:?}"
        );
    }
    voice.tone(Some(ToneKind::Test));
    eventually("the tone begins", || {
        level(&record(&folder, "headset", 0.1)) > -30.0
    });
    // A machine under load may drop a piece now and then; a second without a flaw must come.
    eventually("a clean tone of the right level", || {
        let heard = record(&folder, "headset", 1.0);
        let (tone, all) = (tone_level(&heard, 440.0), level(&heard));
        println!("test tone: {tone:.1} dBov at 440 Hz, {all:.1} dBov in all");
        (tone + 23.0).abs() < 0.3 && (all - tone).abs() < 0.3
    });
    assert!(level(&record(&folder, "desk", 0.5)) < -90.0, "only there");
    // The ringtone has a device of its own.
    voice.tone(Some(ToneKind::Ring));
    eventually("it rings", || level(&record(&folder, "desk", 0.5)) > -35.0);
    eventually("both notes are there", || {
        let ring = record(&folder, "desk", 3.0);
        let loudest = |frequency| {
            let pieces = ring.chunks_exact(4_800);
            pieces
                .map(|piece| tone_level(piece, frequency))
                .fold(-127.0, f64::max)
        };
        let (low, high) = (loudest(659.26), loudest(880.0));
        println!("ringtone: {low:.1} dBov at 659 Hz, {high:.1} dBov at 880 Hz");
        low > -22.0 && high > -22.0
    });
    voice.tone(None);
    eventually("silence", || level(&record(&folder, "desk", 0.3)) < -90.0);
}

#[test]
fn it_rings_on_a_second_device_too() {
    inside("ringing_twice");
}

#[test]
#[ignore = "run by it_rings_on_a_second_device_too"]
fn ringing_twice() {
    let folder = folder();
    let voice = Voice::start(AudioSetup::Devices(DeviceSelection {
        microphone: Some("alsa:mic".to_owned()),
        speaker: Some("alsa:headset".to_owned()),
        ringer: Some("alsa:headset".to_owned()),
        second_ringer: Some("alsa:desk".to_owned()),
    }))
    .expect("start");
    voice.tone(Some(ToneKind::Ring));
    for sink in ["headset", "desk"] {
        let took = eventually("it rings", || {
            tone_level(&record(&folder, sink, 0.5), 880.0) > -45.0
        });
        println!("{sink}: rings after {took:?}");
    }
    // Taken away while it rings: the first one goes on.
    assert!(unload(&folder, "desk"), "unplugged");
    eventually("the headset rings on", || {
        tone_level(&record(&folder, "headset", 0.5), 880.0) > -45.0
    });
}

#[test]
fn what_is_said_reaches_the_meter() {
    inside("speaking");
}

#[test]
#[ignore = "run by what_is_said_reaches_the_meter"]
fn speaking() {
    let folder = folder();
    let voice = Voice::start(headset()).expect("start");
    let levels = voice.levels();
    // Half of full scale, without end, into the sink whose monitor is the microphone.
    let wave: Vec<u8> = (0..RATE)
        .flat_map(|n| {
            let turns = 1_000.0 * f64::from(n) / f64::from(RATE);
            let sample = ((turns * std::f64::consts::TAU).sin() * 16_384.0) as i16;
            sample.to_le_bytes()
        })
        .collect();
    let file = folder.join("wave.raw");
    std::fs::write(&file, wave.repeat(30)).expect("write");
    let mut command = Command::new("pacat");
    private(&mut command, &folder);
    let mut player = command
        .args([
            "--device=mic",
            "--latency-msec=20",
            "--format=s16le",
            "--rate=48000",
            "--channels=1",
        ])
        .arg(&file)
        .spawn()
        .expect("pacat");
    voice.monitor(true);
    let shown = eventually("the meter shows -9 dBov", || {
        (levels.borrow().microphone + 9.03).abs() < 0.3
    });
    println!("microphone on the meter after {shown:?}");
    let _ = player.kill();
    let quiet = eventually("the meter falls", || levels.borrow().microphone < -60.0);
    println!("silence on the meter after {quiet:?}");
    voice.monitor(false);
    eventually("the meter rests", || levels.borrow().microphone < -120.0);
    let _ = player.wait();
}

#[test]
fn a_device_that_vanishes_is_named_and_replaced_until_it_returns() {
    inside("vanishing");
}

#[test]
#[ignore = "run by a_device_that_vanishes_is_named_and_replaced_until_it_returns"]
fn vanishing() {
    let folder = folder();
    let voice = Voice::start(headset()).expect("start");
    let faults = voice.faults();
    voice.tone(Some(ToneKind::Test));
    eventually("the tone begins", || {
        level(&record(&folder, "headset", 0.1)) > -30.0
    });
    assert_eq!(*faults.borrow(), None);
    // Were another sink left, the server itself would move us there.
    assert!(control(&folder, &["unload-module", "module-null-sink"]));
    let named = eventually("the fault is told", || faults.borrow().is_some());
    println!("told after {named:?}: {:?}", *faults.borrow());
    assert!(control(
        &folder,
        &[
            "load-module",
            "module-null-sink",
            "sink_name=desk",
            "rate=48000"
        ]
    ));
    let replaced = eventually("the desk takes over", || {
        level(&record(&folder, "desk", 0.1)) > -30.0
    });
    println!("heard on the other device after {replaced:?}");
    eventually("the fault names both", || {
        faults
            .borrow()
            .as_deref()
            .is_some_and(|fault| fault.contains("Headset") && fault.contains("is used meanwhile"))
    });
    println!("{:?}", *faults.borrow());
    assert!(control(
        &folder,
        &[
            "load-module",
            "module-null-sink",
            "sink_name=headset",
            "rate=48000"
        ]
    ));
    let back = eventually("the headset takes over again", || {
        level(&record(&folder, "headset", 0.1)) > -30.0
    });
    println!("back after {back:?}");
    eventually("the fault is over", || faults.borrow().is_none());
    eventually("the desk is silent", || {
        level(&record(&folder, "desk", 0.2)) < -90.0
    });
}

#[test]
fn a_device_that_vanishes_beside_another_one_leaves_no_silence() {
    inside("moving");
}

#[test]
#[ignore = "run by a_device_that_vanishes_beside_another_one_leaves_no_silence"]
fn moving() {
    let folder = folder();
    let voice = Voice::start(headset()).expect("start");
    voice.tone(Some(ToneKind::Test));
    eventually("the tone begins", || {
        level(&record(&folder, "headset", 0.1)) > -30.0
    });
    assert!(unload(&folder, "headset"));
    let elsewhere = ["desk", "mic"];
    let heard = eventually("it is heard on another device", || {
        elsewhere
            .iter()
            .any(|sink| level(&record(&folder, sink, 0.1)) > -30.0)
    });
    println!("heard on another device after {heard:?}");
}

#[test]
fn a_stall_of_the_machine_costs_little_more_than_itself() {
    inside("stalling");
}

#[test]
#[ignore = "run by a_stall_of_the_machine_costs_little_more_than_itself"]
fn stalling() {
    const STALL: Duration = Duration::from_millis(300);
    let folder = folder();
    let voice = Voice::start(headset()).expect("start");
    voice.tone(Some(ToneKind::Test));
    eventually("the tone begins", || {
        level(&record(&folder, "headset", 0.1)) > -30.0
    });
    let recorder = Recorder::start(&folder, "headset");
    let mut best = Duration::MAX;
    for _ in 0..4 {
        let before = recorder.heard().len();
        eventually("a second of the tone", || {
            recorder.heard().len() > before + RATE as usize
        });
        let asleep = stop(STALL);
        eventually("the tone goes on", || {
            let heard = recorder.heard();
            heard.len() > before + 4 * RATE as usize
                && level(&heard[heard.len() - RATE as usize / 10..]) > -30.0
        });
        let holes = holes(&recorder.heard()[before..]);
        println!("stalled for {asleep:?}: holes {holes:?}");
        let hole = holes.into_iter().max().unwrap_or_default();
        best = best.min(hole.saturating_sub(asleep));
    }
    // A machine under load stalls us elsewhere too; once it must have been our own stall alone.
    assert!(
        best < Duration::from_millis(400),
        "{best:?} beyond the stall"
    );
}

/// Stops this process and all its threads, as a starved machine would, and gives how long it took.
fn stop(stall: Duration) -> Duration {
    let begun = Instant::now();
    let script = format!(
        "kill -STOP {0}; sleep {1}; kill -CONT {0}",
        std::process::id(),
        stall.as_secs_f64()
    );
    let status = Command::new("sh").args(["-c", &script]).status();
    assert!(status.is_ok_and(|status| status.success()));
    begun.elapsed()
}

#[test]
fn a_call_outlives_its_devices() {
    inside("calling");
}

#[test]
#[ignore = "run by a_call_outlives_its_devices"]
fn calling() {
    let folder = folder();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let (ours, theirs) = runtime.block_on(joined());
    let voice = Voice::start(headset()).expect("start");
    let faults = voice.faults();
    let talking = Arc::new(AtomicBool::new(true));
    let far_end = std::thread::spawn({
        let (theirs, talking) = (theirs.clone(), Arc::clone(&talking));
        move || talk(&theirs, &talking)
    });
    voice.attach(Some(ours));
    eventually("the customer is heard", || {
        level(&record(&folder, "headset", 0.1)) > -30.0
    });
    assert_eq!(*faults.borrow(), None);

    // One device of two goes: sound goes on without a word of ours, where the server moves it.
    let desk = Recorder::start(&folder, "desk");
    eventually("the desk records", || !desk.heard().is_empty());
    assert!(unload(&folder, "headset"));
    let moved = eventually("the customer is heard elsewhere", || {
        ["desk", "mic"]
            .iter()
            .any(|sink| level(&record(&folder, sink, 0.1)) > -30.0)
    });
    println!("heard elsewhere after {moved:?}");

    // All go, speaker and microphone: the call goes on, in silence, and says why.
    drop(desk);
    let sent = theirs.stats().packets_received;
    assert!(control(&folder, &["unload-module", "module-null-sink"]));
    let told = eventually("both are named, with what it means", || {
        faults.borrow().as_deref().is_some_and(|fault| {
            fault.contains("Headset")
                && fault.contains("Boom microphone")
                && fault.contains("the customer cannot hear you")
        })
    });
    println!("told after {told:?}: {:?}", *faults.borrow());
    eventually("packets go on without any device", || {
        theirs.stats().packets_received > sent + 100
    });

    for sink in ["desk", "mic", "headset"] {
        let name = format!("sink_name={sink}");
        let words = ["load-module", "module-null-sink", &name, "rate=48000"];
        assert!(control(&folder, &words));
    }
    let back = eventually("the customer is heard again", || {
        level(&record(&folder, "headset", 0.1)) > -30.0
    });
    let over = eventually("the faults are over", || faults.borrow().is_none());
    println!("heard again after {back:?}, faults over {over:?} later");
    talking.store(false, Ordering::Relaxed);
    let pause = far_end.join().expect("the far end");
    println!("longest pause between packets: {pause:?}");
    // Packets leave every 20 ms; a loaded machine is not a fault, a device that stops the voice is.
    assert!(pause < Duration::from_secs(1), "{pause:?}");
}

/// Speaks a tone to the agent and gives the longest time without a packet from there.
fn talk(session: &Session, talking: &AtomicBool) -> Duration {
    let mut heard = [0.0; BLOCK];
    let mut spoken = [0.0; BLOCK];
    let (mut n, mut packets) = (0u64, 0);
    let (mut last, mut longest) = (None::<Instant>, Duration::ZERO);
    let mut due = Instant::now();
    while talking.load(Ordering::Relaxed) {
        for sample in &mut spoken {
            let turns = 440.0 * n as f64 / f64::from(RATE);
            *sample = (0.2 * (turns * std::f64::consts::TAU).sin()) as f32;
            n += 1;
        }
        session.exchange(&spoken, &mut heard);
        let received = session.stats().packets_received;
        if received > packets {
            packets = received;
            if let Some(last) = last.replace(Instant::now()) {
                longest = longest.max(last.elapsed());
            }
        }
        due += Duration::from_millis(10);
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
    }
    longest
}

/// A call between two sessions on this machine.
async fn joined() -> (Session, Session) {
    let config = MediaConfig {
        codecs: vec![Codec::Ulaw],
        plan: KeyingPlan::Plain,
        ice_servers: Vec::new(),
        tls: None,
        bind: vec![Ipv4Addr::LOCALHOST.into()],
        latch: false,
    };
    let (ours, offer, _) = Session::offer(config.clone()).await.expect("an offer");
    let (theirs, answer, _) = Session::answer(config, &offer).await.expect("an answer");
    ours.apply_answer(&answer).expect("joined");
    (ours, theirs)
}

#[test]
fn without_any_device_the_voice_goes_on_and_says_so() {
    let folder =
        std::env::temp_dir().join(format!("sidetone-sound-nothing-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("folder");
    // The default leads to a sound server that is not there.
    std::fs::write(folder.join("asound.conf"), ASOUND).expect("write");
    let program = std::env::current_exe().expect("this test");
    let mut command = Command::new(program);
    command.args(["--exact", "nothing", "--ignored", "--nocapture"]);
    private(&mut command, &folder);
    let output = command.env(INSIDE, &folder).output().expect("run");
    println!("{}", String::from_utf8_lossy(&output.stdout));
    let _ = std::fs::remove_dir_all(&folder);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
#[ignore = "run by without_any_device_the_voice_goes_on_and_says_so"]
fn nothing() {
    let _ = folder();
    let voice = Voice::start(AudioSetup::Devices(DeviceSelection::default())).expect("start");
    let faults = voice.faults();
    let mut levels = voice.levels();
    voice.tone(Some(ToneKind::Ringback));
    voice.monitor(true);
    eventually(
        "both roles are named, with what it means and a remedy",
        || {
            faults.borrow().as_deref().is_some_and(|fault| {
                fault.contains("microphone")
                    && fault.contains("the customer cannot hear you")
                    && fault.contains("speaker")
                    && fault.contains("Connect it or choose another")
            })
        },
    );
    println!("{:?}", *faults.borrow());
    for _ in 0..5 {
        eventually("the meter ticks", || levels.has_changed().unwrap_or(false));
        assert!(levels.borrow_and_update().microphone < -120.0);
    }
}
