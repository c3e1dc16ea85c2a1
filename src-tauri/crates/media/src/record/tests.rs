use std::io::{self, Cursor, ErrorKind, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use super::{Recorder, Recording, RecordingChannels, RecordingFormat, SoundFile};
use crate::level::{dbov, tone_level};
use crate::{BLOCK, Block, MediaError, SAMPLE_RATE};

const AGENT: f64 = 440.0;
const CUSTOMER: f64 = 1_000.0;

/// A folder of its own for each test, gone afterwards.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let name = format!("sidetone-record-{}-{name}", std::process::id());
        Self(std::env::temp_dir().join(name))
    }

    fn recording(&self, format: RecordingFormat, channels: RecordingChannels) -> Recording {
        Recording {
            path: self
                .0
                .join("calls")
                .join(format!("call.{}", format.extension())),
            format,
            channels,
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn tone(frequency: f64, block: u64) -> Block {
    std::array::from_fn(|n| {
        let at = (block * BLOCK as u64 + n as u64) as f64 / f64::from(SAMPLE_RATE);
        (at * frequency * std::f64::consts::TAU).sin() as f32 * 0.25
    })
}

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn start(recording: &Recording) -> Recorder {
    Recorder::start(recording, |error| panic!("{error}")).expect("start")
}

/// Two tones for as many blocks of 10 ms, as fast as the disk takes them.
fn talk(recorder: &mut Recorder, from: u64, blocks: u64) {
    for block in from..from + blocks {
        while recorder.ring.is_full() {
            std::thread::yield_now();
        }
        recorder.take(ms(block * 10), &tone(AGENT, block), &tone(CUSTOMER, block));
    }
}

fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < Duration::from_secs(30), "{what}");
        std::thread::sleep(ms(5));
    }
}

/// The channels of a PCM file.
fn read(path: &Path) -> (u32, Vec<Vec<f32>>) {
    let mut reader = hound::WavReader::open(path).expect("a WAV file");
    let spec = reader.spec();
    let samples: Vec<f32> = reader
        .samples::<i16>()
        .map(|sample| f32::from(sample.expect("every counted sample is there")) / 32_768.0)
        .collect();
    let count = usize::from(spec.channels);
    let channels = (0..count)
        .map(|channel| {
            samples
                .iter()
                .skip(channel)
                .step_by(count)
                .copied()
                .collect()
        })
        .collect();
    (spec.sample_rate, channels)
}

#[test]
fn the_agent_is_left_and_the_customer_right() {
    let folder = Folder::new("stereo");
    let recording = folder.recording(
        RecordingFormat::Wav,
        RecordingChannels::AgentLeftCustomerRight,
    );
    let mut recorder = start(&recording);
    talk(&mut recorder, 0, 200);
    let recorded = recorder.stop(ms(2_000));
    assert_eq!(
        (&recorded.path, recorded.duration_ms),
        (&recording.path, 2_000)
    );
    let (rate, channels) = read(&recording.path);
    let [left, right] = &channels[..] else {
        panic!("{} channels", channels.len());
    };
    assert!(
        (left.len() as i64 - 2 * i64::from(rate)).abs() < 100,
        "{}",
        left.len()
    );
    for (pcm, own, other) in [(left, AGENT, CUSTOMER), (right, CUSTOMER, AGENT)] {
        assert!((tone_level(pcm, rate, own) + 15.05).abs() < 0.3);
        assert!(
            tone_level(pcm, rate, other) < -70.0,
            "the other side is not heard"
        );
    }
}

#[test]
fn a_mono_mix_holds_both() {
    let folder = Folder::new("mono");
    let recording = folder.recording(RecordingFormat::Wav, RecordingChannels::MonoMix);
    let mut recorder = start(&recording);
    talk(&mut recorder, 0, 100);
    assert_eq!(recorder.stop(ms(1_000)).duration_ms, 1_000);
    let (rate, channels) = read(&recording.path);
    assert_eq!(channels.len(), 1);
    for frequency in [AGENT, CUSTOMER] {
        let level = tone_level(&channels[0], rate, frequency);
        assert!((level + 15.05).abs() < 0.3, "{level}");
    }
}

#[test]
fn the_file_can_be_played_at_any_moment_as_after_a_kill() {
    let folder = Folder::new("killed");
    let recording = folder.recording(RecordingFormat::Wav, RecordingChannels::MonoMix);
    let mut recorder = start(&recording);
    assert_eq!(read(&recording.path).1[0].len(), 0, "playable though empty");
    talk(&mut recorder, 0, 300);
    eventually("the sound reaches the disk", || {
        read(&recording.path).1[0].len() >= 40_000
    });
    // Nothing of the recorder runs from here on.
    let copy = recording.path.with_file_name("left-behind.wav");
    std::fs::copy(&recording.path, &copy).expect("copy");
    let (rate, channels) = read(&copy);
    assert!((tone_level(&channels[0], rate, AGENT) + 15.05).abs() < 0.3);
    drop(recorder);
    eventually("dropping it completes the file", || {
        read(&recording.path).1[0].len() >= 47_900
    });
}

#[test]
fn a_pause_is_silence_of_the_same_length() {
    let folder = Folder::new("pause");
    let recording = folder.recording(
        RecordingFormat::Wav,
        RecordingChannels::AgentLeftCustomerRight,
    );
    let mut recorder = start(&recording);
    talk(&mut recorder, 0, 100);
    recorder.pause(true);
    talk(&mut recorder, 100, 100);
    recorder.pause(false);
    talk(&mut recorder, 200, 100);
    assert_eq!(recorder.stop(ms(3_000)).duration_ms, 3_000);
    let (rate, channels) = read(&recording.path);
    let second = rate as usize;
    for pcm in &channels {
        assert!(dbov(&pcm[..second]) > -20.0);
        let pause = &pcm[second + 400..2 * second - 400];
        assert!(
            dbov(pause) < -90.0,
            "{} dBov while the card is told",
            dbov(pause)
        );
        assert!(dbov(&pcm[2 * second..]) > -20.0);
    }
}

#[test]
fn time_without_a_listener_is_silence_and_not_cut_out() {
    let folder = Folder::new("held");
    let recording = folder.recording(RecordingFormat::Wav, RecordingChannels::MonoMix);
    let mut recorder = start(&recording);
    talk(&mut recorder, 0, 50);
    talk(&mut recorder, 250, 50);
    // Held again at the end.
    assert_eq!(recorder.stop(ms(4_000)).duration_ms, 4_000);
    let (rate, channels) = read(&recording.path);
    let pcm = &channels[0];
    let at = |ms: usize| ms * rate as usize / 1_000;
    assert!((pcm.len() as i64 - at(4_000) as i64).abs() < 100);
    assert!(dbov(&pcm[at(600)..at(2_400)]) < -90.0);
    assert!(dbov(&pcm[at(2_550)..at(2_950)]) > -20.0, "in its place");
}

#[test]
fn gsm_files_hold_whole_frames_and_name_their_format() {
    let folder = Folder::new("gsm");
    for format in [RecordingFormat::Wav49, RecordingFormat::Gsm] {
        // Stereo is asked for; GSM files are mixed.
        let recording = folder.recording(format, RecordingChannels::AgentLeftCustomerRight);
        let mut recorder = start(&recording);
        talk(&mut recorder, 0, 150);
        assert_eq!(recorder.stop(ms(1_500)).duration_ms, 1_500);
        let bytes = std::fs::read(&recording.path).expect("read");
        let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four"));
        if format == RecordingFormat::Gsm {
            // 75 frames of 20 ms; the resampler's delay may cost the last.
            assert!(bytes.len().is_multiple_of(33) && (74..=75).contains(&(bytes.len() / 33)));
            assert!(bytes.chunks(33).all(|frame| frame[0] >> 4 == 0xd));
            continue;
        }
        assert_eq!(&bytes[..4], b"RIFF");
        assert_eq!(word(4) as usize, bytes.len() - 8, "the size is true");
        assert_eq!(u16::from_le_bytes([bytes[20], bytes[21]]), 49);
        assert_eq!(u16::from_le_bytes([bytes[22], bytes[23]]), 1);
        assert_eq!(&bytes[52..56], b"data");
        assert_eq!(word(56) as usize, bytes.len() - 60);
        assert!(
            (11_900..=12_000).contains(&word(48)),
            "{} samples",
            word(48)
        );
    }
}

#[test]
fn what_is_there_is_not_overwritten() {
    let folder = Folder::new("twice");
    let recording = folder.recording(RecordingFormat::Wav, RecordingChannels::MonoMix);
    drop(start(&recording));
    let error = Recorder::start(&recording, |_| {}).expect_err("refused");
    assert!(error.to_string().contains("is there already"), "{error}");
}

#[cfg(unix)]
#[test]
fn nobody_else_may_read_a_recording() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new("private");
    let recording = folder.recording(RecordingFormat::Wav, RecordingChannels::MonoMix);
    drop(start(&recording));
    let mode = std::fs::metadata(&recording.path)
        .expect("there")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
}

/// A disk with room for so many octets.
struct SmallDisk {
    octets: Cursor<Vec<u8>>,
    room: usize,
}

impl Write for SmallDisk {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.octets.position() as usize + bytes.len() > self.room {
            return Err(ErrorKind::StorageFull.into());
        }
        self.octets.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for SmallDisk {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.octets.seek(to)
    }
}

#[test]
fn a_full_disk_is_said_in_words_and_does_not_stop_the_call() {
    let disk = SmallDisk {
        octets: Cursor::new(Vec::new()),
        room: 40_000,
    };
    let file = SoundFile::on(
        Box::new(disk),
        RecordingFormat::Wav,
        RecordingChannels::MonoMix,
    )
    .expect("room for the header");
    let (told, said) = mpsc::channel();
    let mut recorder = Recorder::on(file, PathBuf::from("call.wav"), move |error| {
        let _ = told.send(error);
    })
    .expect("start");
    let mut block = 0;
    let error = loop {
        recorder.take(ms(block * 10), &tone(AGENT, block), &tone(CUSTOMER, block));
        block += 1;
        assert!(block < 100_000, "never told");
        if let Ok(error) = said.recv_timeout(ms(1)) {
            break error;
        }
    };
    let MediaError::File { path, fault } = error else {
        panic!("{error}");
    };
    assert_eq!(path, "call.wav");
    assert_eq!(fault, "the recording stopped: the disk is full");
    recorder.take(ms(block * 10), &tone(AGENT, 0), &tone(CUSTOMER, 0));
    recorder.stop(ms(block * 10));
}

/// Set in the process that is killed.
const CHILD: &str = "SIDETONE_TEST_RECORDING";

#[test]
fn a_killed_process_leaves_files_that_can_be_played() {
    let folder = Folder::new("kill");
    std::fs::create_dir_all(&folder.0).expect("a folder");
    for format in [
        RecordingFormat::Wav,
        RecordingFormat::Wav49,
        RecordingFormat::Gsm,
    ] {
        let path = folder.recording(format, RecordingChannels::MonoMix).path;
        let mut child = std::process::Command::new(std::env::current_exe().expect("this test"))
            .args([
                "--exact",
                "record::tests::recording_until_killed",
                "--ignored",
            ])
            .env(CHILD, &path)
            .stdout(std::process::Stdio::null())
            .spawn()
            .expect("a process");
        let two_seconds = match format {
            RecordingFormat::Wav => 64_000,
            RecordingFormat::Wav49 | RecordingFormat::Gsm => 3_300,
        };
        eventually("two seconds are in the file", || {
            std::fs::metadata(&path).is_ok_and(|file| file.len() > two_seconds)
        });
        child.kill().expect("killed");
        child.wait().expect("gone");
        if format == RecordingFormat::Wav {
            let (rate, channels) = read(&path);
            assert!((tone_level(&channels[0], rate, AGENT) + 15.05).abs() < 0.3);
        }
        // Another program's reading of it, where there is one.
        let played = std::process::Command::new("sox")
            .arg(&path)
            .args(["-t", "raw", "-e", "signed", "-b", "16", "-"])
            .output();
        let Ok(played) = played else { continue };
        assert!(
            played.status.success(),
            "{}",
            String::from_utf8_lossy(&played.stderr)
        );
        let pcm: Vec<f32> = played
            .stdout
            .chunks_exact(2)
            .map(|pair| f32::from(i16::from_le_bytes([pair[0], pair[1]])) / 32_768.0)
            .collect();
        let rate = if format == RecordingFormat::Wav {
            16_000
        } else {
            8_000
        };
        assert!(pcm.len() > 8_000, "{format:?}: {} samples", pcm.len());
        let level = tone_level(&pcm, rate, AGENT);
        assert!((level + 15.05).abs() < 2.0, "{format:?}: {level} dBov");
    }
}

#[test]
#[ignore = "run by a_killed_process_leaves_files_that_can_be_played"]
fn recording_until_killed() {
    let path = PathBuf::from(std::env::var_os(CHILD).expect("run by the other test"));
    let format = match path.extension().and_then(|ending| ending.to_str()) {
        Some("wav") => RecordingFormat::Wav,
        Some("WAV") => RecordingFormat::Wav49,
        _ => RecordingFormat::Gsm,
    };
    let mut recorder = start(&Recording {
        path,
        format,
        channels: RecordingChannels::MonoMix,
    });
    // As long as the other test is patient.
    for block in 0..6_000 {
        recorder.take(ms(block * 10), &tone(AGENT, block), &tone(CUSTOMER, block));
        std::thread::sleep(ms(5));
    }
}
