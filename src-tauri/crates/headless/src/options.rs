use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;
use sidetone_engine::{AudioSetup, DeviceSelection};

const AFTER_HELP: &str = "\
Commands on standard input, one a line:
  dial NUMBER        place a call
  answer [ID]        answer the oldest ringing call, or this one
  decline [ID]       refuse the oldest ringing call, or this one
  hangup [ID]        end the call that is up, or this one
  hold [ID]          put the call that is up on hold
  resume [ID]        take the held call off hold
  mute on|off        microphone off or on
  process-voice on|off  keep echo, rumble and noise out of the voice and even its loudness, or send it as it is; it is
                     on with sound devices and off with files until it is said
  dtmf DIGITS        send digits 0-9 * # A-D in the call that is up
  transfer [ID] N    hand the call that is up, or this one, over to a number
  transfer-to ID ID  connect two calls with each other and leave both
  conference [ID ID] join two calls: everybody hears everybody
  check network [NUMBER]  ask STUN and TURN servers, and call the echo test NUMBER
  check microphone   record the microphone for some seconds, then play that
  record on|off [ID] record the call that is up, or this one
  pause-recording on|off [ID]  keep what is said out of the recording
  pickup             take a call that rings at a colleague of the pickup group
  pause REASON       pause on every queue
  play               take calls again
  pause-channel CHANNEL REASON, unpause-channel CHANNEL
                     the same for voice, chat, email, sms, openchannel, fax or whatsapp alone
  accept-interaction ID, decline-interaction ID, open-interaction ID
                     an offer of another channel
  preview ID         call the contact of a preview call
  callback ID, callback-done ID, callback-later ID
                     call who asked for it; it is done, or stays for later
  dispose A/B/C [NOTE]  say what the call was about, by identifiers from the first level down
  wrap-up-end        take the next call before the time after the call is over
  history            tell the calls of the past; with them the entries' numbers
  call-again ENTRY   call the number of an entry
  missed-seen        the missed calls were seen
  clear-history      forget the calls of the past
  trace FILE         write the last SIP messages into a file, without secrets and with masked numbers masked: a capture
                     for Wireshark where its name ends in .pcap, else text
  settings           tell every setting, who set it, and whether it may be changed
  setting FIELD VALUE  change a setting (on, off, a number, text, or default for the server's)
  code CODE          the one-time code that the server asked for
  take-over          the agent is signed in elsewhere: end that session and go on here
  new-password       set a new password: read from --new-password-fd, or asked for without an echo
  quit               sign out and end
The end of standard input is not the end of the phone.

The password comes from --password-fd, else from the keychain, else from a prompt; never from the command
line or the environment. With --browser the address of the sign-in page is told instead, to be opened in a browser
on this computer.

The file of --sip-profile has a table sip (user, domain, secret, transport, host, port, wssUrl), a table settings with
what a server would set: any field of its agent object (allow, phoneBarAutoAnswer, privacyEnabled, …) and
wrapUpSeconds, noAnswerSeconds, pickupCode and screenPops; an unknown field is refused by name. Fields of the agent
object may also stand at the top. For the PBX's queues there are the lists pauses and queues and a table codes: pause,
unpause or pauseToggle, login, logout or loginToggle, pickup. {extension}, {reason} and {queue} are put into a code; each is
dialled in silence, and the state changes when the PBX has answered.

Events of --json, one object a line, the kind in `event`; `words` is the sentence that the bar would show:
  state     phase, light, notice, words, extension, presence, reason, pending, stale, channels, muted, masked
  notice    a toast or a warning: notice, words
  call      every change of a call, with its recording and transfer; words when it ended
  audio     the first sound of a call; media: the numbers of the call that is heard, once a second
  picture   the agent's picture came, or is gone: kind (media type or null), bytes
  dtmf      the far end pressed a key
  ringing   what the desktop would show of a call that rings: call, shown, notification (with auto answer)
  offer     an interaction is announced, or no longer: interaction, shown
  interactions, previews, callbacks   the whole list whenever it changes: rows
  wrap_up   the time after a call: wrap_up, null when it is over; dispositions
  missed    missed calls that were not seen: count
  history   answer to the command: entries, newest first
  trace     answer to the command: file, messages (how many)
  settings  answer to the command: groups with their rows
  open      an address to be opened in a browser: address
  error     a command that was not understood: words
  end       the last one: code, words

Exit codes:
  0  done: quit, a signal, or the end of --for
  1  the phone could not start: sound, CA file, profile file, keychain
  2  wrong options
  3  sign-in refused: password, one-time code, account locked or disabled
  4  not registered when --for ended: refused, unreachable or misconfigured
  5  the contact-centre server cannot be reached, cannot be trusted, or is none
  6  the contact-centre server ended the session
  7  signed in elsewhere, and nobody is there to say take-over
  8  a new password is needed, and nobody is there to give one

SIDETONE_LOG sets what is logged on standard error, for example sidetone_sip=debug.";

/// The softphone without a window: signs in, registers, takes and places calls.
#[derive(Clone, Debug, Parser)]
#[command(name = "sidetone-headless", version, after_help = AFTER_HELP)]
#[command(group = clap::ArgGroup::new("who").args(["user", "browser"]))]
pub(crate) struct Options {
    /// Address of the contact-centre server, for example https://motion.example.com
    #[arg(
        long,
        value_name = "URL",
        requires = "who",
        required_unless_present = "sip_profile"
    )]
    pub(crate) server: Option<String>,

    /// Sign-in name
    #[arg(long, value_name = "NAME", requires = "server")]
    pub(crate) user: Option<String>,

    /// Sign in through a browser; the address to open is told
    #[arg(long, requires = "server", conflicts_with_all = ["user", "password_fd", "save_password", "forget_password"])]
    pub(crate) browser: bool,

    /// Read a new password from the first line of this file descriptor, when one is needed or asked for; its second
    /// line, if there is one, is the password that holds
    #[arg(long, value_name = "N")]
    pub(crate) new_password_fd: Option<u32>,

    /// End the agent's session elsewhere, if there is one
    #[arg(long, requires = "server")]
    pub(crate) take_over: bool,

    /// IT's policy file, instead of the one at the system's place
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,

    /// Keep settings, history and recordings in this folder; without it nothing is kept
    #[arg(long, value_name = "FOLDER")]
    pub(crate) data: Option<PathBuf>,

    /// Read the password from the first line of this file descriptor (0 is standard input)
    #[arg(long, value_name = "N", requires = "server")]
    pub(crate) password_fd: Option<u32>,

    /// Keep the password in the keychain once the server accepted it
    #[arg(long, requires = "server")]
    pub(crate) save_password: bool,

    /// Take the password out of the keychain, and end
    #[arg(long, requires = "server", conflicts_with_all = ["password_fd", "save_password"])]
    pub(crate) forget_password: bool,

    /// A JSON or TOML agent profile with a `sip` table: no contact-centre server, straight to any SIP server
    #[arg(long, value_name = "FILE", conflicts_with_all = ["server", "user"])]
    pub(crate) sip_profile: Option<PathBuf>,

    /// Where sound comes from and goes to: `device`, `null`, or `file:IN.wav,OUT.wav`
    #[arg(long, value_name = "SOUND", default_value = "device", value_parser = audio)]
    pub(crate) audio: AudioSetup,

    /// A PEM file with a CA to trust besides the system's
    #[arg(long, value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,

    /// End after this time, for example 90, 90s, 5m or 1h30m
    #[arg(long = "for", value_name = "DURATION", value_parser = duration)]
    pub(crate) run_for: Option<Duration>,

    /// Tell what happens as JSON, one event a line
    #[arg(long)]
    pub(crate) json: bool,

    /// What to log on standard error: error, warn, info, debug or trace
    #[arg(long, value_name = "LEVEL", default_value = "warn")]
    pub(crate) log: String,
}

fn audio(text: &str) -> Result<AudioSetup, String> {
    match text {
        "device" => Ok(AudioSetup::Devices(DeviceSelection::default())),
        "null" => Ok(AudioSetup::Null),
        _ => {
            let files = text
                .strip_prefix("file:")
                .ok_or("it is device, null or file:IN.wav,OUT.wav")?;
            match files.split_once(',') {
                Some((input, output)) if !input.is_empty() && !output.is_empty() => {
                    Ok(AudioSetup::Files {
                        input: input.into(),
                        output: output.into(),
                    })
                }
                _ => Err("two files are needed: file:IN.wav,OUT.wav".to_owned()),
            }
        }
    }
}

fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("{text:?} is no time; write 90, 90s, 5m or 1h30m");
    let mut total: u64 = 0;
    let mut number = String::new();
    for c in text.chars() {
        if c.is_ascii_digit() {
            number.push(c);
            continue;
        }
        let seconds = match c {
            's' => 1,
            'm' => 60,
            'h' => 3600,
            _ => return Err(wrong()),
        };
        let count: u64 = std::mem::take(&mut number).parse().map_err(|_| wrong())?;
        total = count
            .checked_mul(seconds)
            .and_then(|more| total.checked_add(more))
            .ok_or_else(wrong)?;
    }
    match (number.is_empty(), text.is_empty()) {
        (_, true) => Err(wrong()),
        (true, false) => Ok(Duration::from_secs(total)),
        (false, false) => {
            let rest: u64 = number.parse().map_err(|_| wrong())?;
            let total = total.checked_add(rest).ok_or_else(wrong)?;
            Ok(Duration::from_secs(total))
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn options_are_consistent() {
        Options::command().debug_assert();
    }

    #[test]
    fn times_are_read() {
        for (text, seconds) in [
            ("90", 90),
            ("90s", 90),
            ("5m", 300),
            ("1h30m", 5400),
            ("1m5", 65),
        ] {
            assert_eq!(duration(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in [
            "",
            "s",
            "5x",
            "-1",
            "99999999999999999999",
            "9999999999999999999h",
        ] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn sound_is_read() {
        assert_eq!(audio("null"), Ok(AudioSetup::Null));
        assert_eq!(
            audio("file:a.wav,b.wav"),
            Ok(AudioSetup::Files {
                input: "a.wav".into(),
                output: "b.wav".into()
            })
        );
        for text in [
            "",
            "files",
            "file:",
            "file:a.wav",
            "file:,b.wav",
            "file:a.wav,",
        ] {
            assert!(audio(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_server_or_a_profile_is_needed_and_not_both() {
        let parse = |args: &[&str]| {
            Options::try_parse_from(
                std::iter::once("sidetone-headless").chain(args.iter().copied()),
            )
        };
        assert!(parse(&["--server", "a", "--user", "b"]).is_ok());
        assert!(parse(&["--sip-profile", "f.toml"]).is_ok());
        assert!(parse(&[]).is_err());
        assert!(parse(&["--server", "a", "--browser"]).is_ok());
        assert!(parse(&["--server", "a"]).is_err());
        assert!(parse(&["--browser"]).is_err());
        assert!(parse(&["--server", "a", "--user", "b", "--browser"]).is_err());
        assert!(parse(&["--sip-profile", "f", "--server", "a", "--user", "b"]).is_err());
        assert!(parse(&["--server", "a", "--user", "b", "--password", "c"]).is_err());
        let forget = ["--server", "a", "--user", "b", "--forget-password"];
        assert!(parse(&forget).is_ok());
        assert!(parse(&[&forget[..], &["--save-password"]].concat()).is_err());
    }
}
