//! Figures about speed, printed and not judged: the phone beside baresip, each calling the same echo of the same
//! Asterisk for the same time. The phone's call is Opus over DTLS-SRTP and WSS, baresip's plain RTP over UDP.

use std::io::{Error, Result};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;
use sidetone_interop::asterisk::{self, Asterisk};
use sidetone_interop::namespace::{self, ADDRESS};
use sidetone_interop::phone::{Identity, PATIENCE, Phone};
use sidetone_interop::{WorkDir, speech};

/// Seconds of call that are measured.
const CALL_S: u32 = 60;

fn main() -> Result<ExitCode> {
    if !namespace::is_inside() {
        // Inside there is no network to fetch it from.
        asterisk::root().map_err(Error::other)?;
        let status = namespace::inside(std::env::current_exe()?.as_os_str()).status()?;
        return Ok(if status.success() {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        });
    }
    let folder = WorkDir::new("bench")?;
    let mut asterisk =
        Asterisk::start(folder.path(), &speech::customer()?).map_err(Error::other)?;
    let peer = baresip(&asterisk, &folder)?;
    let [plain, processed] = phone(&mut asterisk, &folder)?;
    println!(
        "{:<22} {:>14} {:>9} {:>10} {:>9}",
        "", "CPU, s per min", "of peer's", "PSS, MiB", "of peer's"
    );
    for (name, used) in [
        ("baresip", &peer),
        ("sidetone", &plain.used),
        ("sidetone, processing", &processed.used),
    ] {
        println!(
            "{name:<22} {:>14.2} {:>9.2} {:>10.1} {:>9.2}",
            used.cpu_s_per_min,
            used.cpu_s_per_min / peer.cpu_s_per_min,
            used.pss_mib,
            used.pss_mib / peer.pss_mib
        );
    }
    for (name, call) in [("sidetone", &plain), ("sidetone, processing", &processed)] {
        println!(
            "{name}: green after {} ms, sound {} ms after the answer",
            call.green.as_millis(),
            call.answered.as_millis()
        );
    }
    Ok(ExitCode::SUCCESS)
}

/// What a process uses in its call.
struct Used {
    cpu_s_per_min: f64,
    pss_mib: f64,
}

struct Call {
    green: Duration,
    answered: Duration,
    used: Used,
}

/// A call with the voice sent as it is, and one with all voice processing.
fn phone(asterisk: &mut Asterisk, folder: &WorkDir) -> Result<[Call; 2]> {
    Ok([
        phone_call(asterisk, folder, "off")?,
        phone_call(asterisk, folder, "on")?,
    ])
}

fn phone_call(asterisk: &mut Asterisk, folder: &WorkDir, processing: &str) -> Result<Call> {
    let identity = Identity::Account {
        user: "201",
        secret: asterisk.secret("201"),
        domain: ADDRESS,
        wss: &asterisk.wss_url(),
        settings: json!({ "allow": ["opus"] }),
    };
    let began = Instant::now();
    let mut phone = Phone::start(&identity, folder.path(), &asterisk.ca(), &speech::agent()?)?;
    phone.green().map_err(Error::other)?;
    let green = began.elapsed();
    phone.tell(&format!("process-voice {processing}"))?;
    let answered = answer(asterisk, &mut phone)?;
    phone.tell("dial 600")?;
    phone.call("up").map_err(Error::other)?;
    phone.listen(2).map_err(Error::other)?;
    let used = measure(phone.program().id())?;
    phone.quit()?;
    Ok(Call {
        green,
        answered,
        used,
    })
}

/// Time from `answer` to the first sound that is given to the speaker; the meter that sees it has steps of 50 ms.
fn answer(asterisk: &mut Asterisk, phone: &mut Phone) -> Result<Duration> {
    asterisk.ami.action(&[
        ("Action", "Originate"),
        ("Channel", "PJSIP/201"),
        // A tone: nothing silent at its beginning.
        ("Application", "Milliwatt"),
        ("Async", "true"),
    ])?;
    phone.call("ringing").map_err(Error::other)?;
    let began = Instant::now();
    phone.tell("answer")?;
    phone
        .program()
        .wait_for("sound", PATIENCE, |event| event["event"] == "audio")
        .map_err(Error::other)?;
    let answered = began.elapsed();
    phone.tell("hangup")?;
    phone.call("ended").map_err(Error::other)?;
    Ok(answered)
}

fn baresip(asterisk: &Asterisk, folder: &WorkDir) -> Result<Used> {
    let home = folder.file("baresip");
    std::fs::create_dir_all(&home)?;
    std::fs::write(home.join("config"), BARESIP)?;
    std::fs::write(
        home.join("accounts"),
        format!(
            "<sip:220@127.0.0.1>;auth_user=220;auth_pass={};regint=60;audio_codecs=opus/48000/2\n",
            asterisk.secret("220")
        ),
    )?;
    std::fs::write(home.join("contacts"), "")?;
    let mut child = Command::new("baresip")
        .arg("-f")
        .arg(&home)
        .args(["-e", "/dial sip:600@127.0.0.1"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let answered = asterisk.log_line("Executing [600@agents:2]", Duration::from_secs(30));
    let measured = asterisk
        .log_line("PJSIP/220", Duration::from_secs(30))
        .and(answered)
        .map_err(Error::other)
        .and_then(|_| measure(child.id()));
    child.kill()?;
    child.wait()?;
    measured
}

/// Measures a process in its call.
fn measure(process: u32) -> Result<Used> {
    let before = cpu_seconds(process)?;
    // The time is what is measured here, not waited for.
    std::thread::sleep(Duration::from_secs(CALL_S.into()));
    let cpu_s = cpu_seconds(process)? - before;
    Ok(Used {
        cpu_s_per_min: cpu_s * 60.0 / f64::from(CALL_S),
        pss_mib: pss_mib(process)?,
    })
}

fn cpu_seconds(process: u32) -> Result<f64> {
    let text = std::fs::read_to_string(format!("/proc/{process}/stat"))?;
    let fields: Vec<&str> = text
        .rsplit(')')
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .collect();
    let ticks = |index: usize| {
        fields
            .get(index)
            .and_then(|field| field.parse::<f64>().ok())
            .unwrap_or(0.0)
    };
    // User and system time, in the kernel's ticks of 1/100 s.
    Ok((ticks(11) + ticks(12)) / 100.0)
}

fn pss_mib(process: u32) -> Result<f64> {
    let text = std::fs::read_to_string(format!("/proc/{process}/smaps_rollup"))?;
    let kib = text.lines().find_map(|line| {
        line.strip_prefix("Pss:")?
            .trim()
            .strip_suffix(" kB")?
            .trim()
            .parse()
            .ok()
    });
    kib.map(|kib: f64| kib / 1024.0)
        .ok_or_else(|| Error::other("no Pss in smaps_rollup"))
}

const BARESIP: &str = "poll_method epoll
sip_listen 127.0.0.1:0
audio_player aubridge,nil
audio_source ausine,440
audio_alert aubridge,nil2
rtp_ports 27000-27400
net_interface 127.0.0.1
module_path /usr/lib/baresip/modules
module opus.so
module aubridge.so
module ausine.so
module_tmp account.so
module_app menu.so
";
