//! `sidetone-headless` and baresip straight at each other: plain RTP and SDES-SRTP, and what each of them hears.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use serde_json::json;
use sidetone_interop::compare::{Comparison, Sound, compare};
use sidetone_interop::namespace::isolated;
use sidetone_interop::phone::{Identity, PATIENCE, Phone};
use sidetone_interop::{WorkDir, speech};

/// Where baresip listens; nothing else is in the namespace.
const PORT: u16 = 5066;

/// A baresip that answers by itself, speaks and keeps what it hears.
struct Baresip {
    process: Child,
    home: PathBuf,
}

impl Baresip {
    fn start(home: PathBuf, said: &Path, media_encryption: Option<&str>) -> Self {
        std::fs::create_dir_all(home.join("dump")).expect("a folder");
        let config = format!(
            "poll_method epoll\nsip_listen 127.0.0.1:{PORT}\nnet_interface 127.0.0.1\naudio_player aubridge,x\n\
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
            "<sip:600@127.0.0.1:{PORT}>;regint=0;answermode=auto;audio_codecs=pcmu;ptime=20{encryption}\n"
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

    fn until(&mut self, what: &str, wanted: impl Fn(&str) -> bool) {
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
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
    }

    /// What it heard, once it has ended and closed its files.
    fn heard(mut self) -> Sound {
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

/// Calls until both heard each other's words: both keep time by themselves, and a machine that is busy with something
/// else tears holes that are no fault of the call.
fn call(encrypted: bool) {
    for attempt in 1..=3 {
        let heard = talk(encrypted);
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

/// One call; what the phone and what baresip heard, against what was said.
fn talk(encrypted: bool) -> [Option<Comparison>; 2] {
    let folder = WorkDir::new("baresip").expect("a folder for the run");
    let (agent, customer) = (
        speech::agent().expect("speech"),
        speech::customer().expect("speech"),
    );
    let said = folder.file("customer-8k.wav");
    at_8_khz(&customer, &said);
    let encryption = encrypted.then_some("srtp-mand");
    let baresip = Baresip::start(folder.file("baresip"), &said, encryption);
    let identity = Identity::Profile {
        secret: "none",
        profile: json!({
            "sip": {
                "user": "1001", "secret": { "fd": 0 }, "domain": format!("127.0.0.1:{PORT}"),
                "host": "127.0.0.1", "port": PORT, "transport": "udp",
            },
            // At a fixed address: there is nobody to register at.
            "typology": "phonebar", "host": "127.0.0.1", "allow": ["ulaw"],
            "encryption": if encrypted { "yes" } else { "no" },
        }),
    };
    // No authority is asked; the file has to be one.
    let authority = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("signed");
    let ca = folder.file("ca.pem");
    std::fs::write(&ca, authority.cert.pem()).expect("written");
    let mut phone = Phone::start(&identity, folder.path(), &ca, &agent).expect("the phone starts");
    phone.green().unwrap_or_else(|said| panic!("{said}"));
    phone.tell("dial 600").expect("the phone runs");
    phone.call("up").unwrap_or_else(|said| panic!("{said}"));
    let media = phone.listen(7).unwrap_or_else(|said| panic!("{said}"));
    let keying = media["keying"].as_str().unwrap_or_default();
    let expected = if encrypted {
        "AES_CM_128_HMAC_SHA1_80"
    } else {
        "none"
    };
    assert_eq!(keying, expected, "{media}");
    phone.tell("hangup").expect("the phone runs");
    phone.call("ended").unwrap_or_else(|said| panic!("{said}"));
    assert!(phone.quit().expect("the phone ends").success());
    let at_baresip = baresip.heard();
    let at_phone = Sound::read(phone.heard()).expect("a WAV file");
    [(at_phone, &customer), (at_baresip, &agent)].map(|(heard, said)| {
        let result = compare(&heard, &Sound::read(said).expect("speech"));
        println!("{result:?}");
        result
    })
}

#[test]
#[ignore = "needs root and baresip: cargo xtask test --only interop"]
fn a_plain_rtp_call_with_baresip_is_heard_by_both() {
    isolated("a_plain_rtp_call_with_baresip_is_heard_by_both", || {
        call(false);
    });
}

#[test]
#[ignore = "needs root and baresip: cargo xtask test --only interop"]
fn an_sdes_srtp_call_with_baresip_is_heard_by_both() {
    isolated("an_sdes_srtp_call_with_baresip_is_heard_by_both", || {
        call(true);
    });
}
