//! A baresip that answers by itself, speaks and keeps what it hears.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::compare::{Comparison, Sound, compare};
use crate::phone::{PATIENCE, Phone};

/// Where it listens; nothing else is in the namespace.
pub const PORT: u16 = 5066;

/// A running baresip; ended when dropped.
#[derive(Debug)]
pub struct Baresip {
    process: Child,
    home: PathBuf,
}

impl Baresip {
    /// Starts it at `address` with its files in `home`; it says `speech` (WAV, 16 kHz), and knows no other number than 600.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    pub fn start(
        home: PathBuf,
        address: &str,
        speech: &Path,
        media_encryption: Option<&str>,
    ) -> Self {
        std::fs::create_dir_all(home.join("dump")).expect("a folder");
        let said = home.join("said-8k.wav");
        at_8_khz(speech, &said);
        let config = format!(
            "poll_method epoll\nsip_listen {address}:{PORT}\nnet_interface {address}\naudio_player aubridge,x\n\
             audio_source aufile,{}\naudio_alert aubridge,y\nmodule_path /usr/lib/baresip/modules\n\
             module g711.so\nmodule aubridge.so\nmodule aufile.so\nmodule sndfile.so\nmodule srtp.so\n\
             module uuid.so\nmodule stdio.so\nmodule_tmp account.so\nmodule_app menu.so\n\
             snd_path {}\nmenu_bell no\n",
            said.display(),
            home.join("dump").display(),
        );
        let encryption = media_encryption
            .map(|kind| format!(";mediaenc={kind}"))
            .unwrap_or_default();
        let account = format!(
            "<sip:600@{address}:{PORT}>;regint=0;answermode=auto;audio_codecs=pcmu;ptime=20{encryption}\n"
        );
        for (name, text) in [
            ("config", config.as_str()),
            ("accounts", account.as_str()),
            ("contacts", ""),
        ] {
            std::fs::write(home.join(name), text).expect("a file");
        }
        let log = std::fs::File::create(home.join("log")).expect("a log");
        let process = Command::new("baresip")
            .arg("-f")
            .arg(&home)
            .stdin(Stdio::piped())
            .stdout(log.try_clone().expect("a log"))
            .stderr(log)
            .spawn()
            .expect("baresip starts: `cargo xtask setup` installs it");
        let mut baresip = Self { process, home };
        baresip.until("ready", |log| log.contains("baresip is ready"));
        baresip
    }

    /// Waits until its log is as wanted.
    ///
    /// # Panics
    /// When it is not after a while.
    pub fn until(&mut self, what: &str, wanted: impl Fn(&str) -> bool) {
        let end = Instant::now() + PATIENCE;
        loop {
            let log = std::fs::read_to_string(self.home.join("log")).unwrap_or_default();
            if wanted(&log) {
                return;
            }
            let ended = self.process.try_wait().expect("a process");
            assert!(
                ended.is_none() && Instant::now() < end,
                "baresip is not {what}:\n{log}"
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// What it heard, once it has ended and closed its files.
    ///
    /// # Panics
    /// When it keeps no recording.
    #[must_use]
    pub fn heard(mut self) -> Sound {
        let id = self.process.id().to_string();
        let asked = Command::new("kill").args(["-TERM", &id]).status();
        assert!(asked.is_ok_and(|status| status.success()));
        self.process.wait().expect("it ends");
        let files = std::fs::read_dir(self.home.join("dump")).expect("a folder");
        let decoded = files
            .map(|file| file.expect("a file").path())
            .find(|path| path.to_string_lossy().ends_with("-dec.wav"))
            .expect("a recording of what baresip heard");
        Sound::read(&decoded).expect("a WAV file")
    }
}

impl Drop for Baresip {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Calls until both heard each other's words: both keep time by themselves, and a machine that is busy with something
/// else tears holes that are no fault of the call.
///
/// # Panics
/// When they do not in three calls.
pub fn heard_by_both(mut talk: impl FnMut() -> [Option<Comparison>; 2]) {
    for attempt in 1..=3 {
        let heard = talk();
        if heard.iter().all(|result| {
            // Other words stay below a half, noise below a third.
            result.is_some_and(|it| it.correlation >= 0.7 && it.compared_s >= 4.0)
        }) {
            return;
        }
        println!("call {attempt}: {heard:?}");
    }
    panic!("three calls, and the words were not heard by both");
}

/// What a phone and a baresip heard, each against what was said to it.
///
/// # Panics
/// When one of them kept no recording.
#[must_use]
pub fn compare_both(phone: (&Phone, &Path), baresip: (Baresip, &Path)) -> [Option<Comparison>; 2] {
    let at_phone = Sound::read(phone.0.heard()).expect("a WAV file");
    [(at_phone, phone.1), (baresip.0.heard(), baresip.1)].map(|(heard, said)| {
        let result = compare(&heard, &Sound::read(said).expect("speech"));
        println!("{result:?}");
        result
    })
}

/// The same at 8 kHz and often enough for the call: baresip's file must have the codec's rate, and ends once.
fn at_8_khz(speech: &Path, file: &Path) {
    let mut reader = hound::WavReader::open(speech).expect("speech");
    assert_eq!(reader.spec().sample_rate, 16_000);
    let samples: Vec<i32> = reader
        .samples::<i16>()
        .map(|sample| sample.expect("a sample").into())
        .collect();
    let spec = hound::WavSpec {
        sample_rate: 8_000,
        ..reader.spec()
    };
    let mut writer = hound::WavWriter::create(file, spec).expect("a file");
    for _ in 0..10 {
        for pair in samples.chunks_exact(2) {
            let mean = (pair[0] + pair[1]) / 2;
            writer.write_sample(mean as i16).expect("written");
        }
    }
    writer.finalize().expect("written");
}
