//! The command line.

use std::path::PathBuf;

use clap::Parser;
use clap::builder::PossibleValuesParser;
use sidetone_loopback::plan::{CODECS, KEYINGS, OPUS_WAYS};
use sidetone_loopback::profile::PROFILES;
use sidetone_loopback::speech::VOICES;
use url::Url;

const AFTER_HELP: &str = "\
Without --profile, --codec and --keying the usual set is run: every network with Opus over DTLS-SRTP, every codec on a
good and on a lossy network, and every keying once. With one of them the others default to all networks, Opus and dtls.

Without a simulated clock: --realtime --devices plays the speech into a microphone and records a speaker, and measures
the delay from mouth to ear; --against calls a real server's echo and scores the way there and back as one. Both take
Opus and dtls unless --codec and --keying say otherwise.

Exit codes: 0 all is well, 1 a threshold is not met or a call failed, 2 it could not be started.

A threshold file has one [[rule]] or more, each with limits and the runs that it is for:

  [[rule]]
  profile = \"office-wifi\"     # also codec and keying; what is left out is any
  min_visqol = 3.5
  max_buffer_ms = 60

--list tells all names of networks, codecs, keyings, voices and limits.";

/// Makes calls between two media sessions of the phone through simulated networks, in virtual time, and scores what
/// was heard.
#[derive(Debug, Parser)]
#[command(version, after_help = AFTER_HELP)]
pub(crate) struct Options {
    /// Networks, separated by commas, or all
    #[arg(long, value_delimiter = ',', value_name = "NAME", value_parser = names(PROFILES.map(|p| p.name)), hide_possible_values = true)]
    pub(crate) profile: Vec<String>,

    /// Codecs, separated by commas, or all; opus-classic, -neural, -deep, -light and -full are Opus with its neural
    /// parts one by one, -speech without the transform that it has for clear lines, -thorough with libopus's own settings
    #[arg(long, value_delimiter = ',', value_name = "NAME", value_parser = codecs(), hide_possible_values = true)]
    pub(crate) codec: Vec<String>,

    /// Keyings, separated by commas, or all
    #[arg(long, value_delimiter = ',', value_name = "NAME", value_parser = names(KEYINGS.map(|k| k.name)), hide_possible_values = true)]
    pub(crate) keying: Vec<String>,

    /// Who speaks, in turn, separated by commas, or all
    #[arg(long, value_delimiter = ',', value_name = "NAME", default_value = "all", value_parser = names(VOICES.map(|v| v.name)), hide_possible_values = true)]
    pub(crate) voice: Vec<String>,

    /// Length of what is said in each run, seconds
    #[arg(long, default_value_t = 34, value_parser = clap::value_parser!(u32).range(2..=7_200))]
    pub(crate) seconds: u32,

    /// Seed of all chances: the same seed gives the same result
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,

    /// Leave out ViSQOL, which takes longer than the calls
    #[arg(long)]
    pub(crate) no_visqol: bool,

    /// Runs at the same time; results do not hang on it
    #[arg(long, value_name = "COUNT", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(crate) jobs: u16,

    /// Write report.html, results.json and the WAV files into this folder
    #[arg(long, value_name = "FOLDER")]
    pub(crate) report: Option<PathBuf>,

    /// Print the results as JSON instead of a table
    #[arg(long)]
    pub(crate) json: bool,

    /// Check the results against this file of thresholds
    #[arg(long, value_name = "FILE")]
    pub(crate) thresholds: Option<PathBuf>,

    /// Measure by the clock on the wall instead of in virtual time
    #[arg(long, requires = "devices")]
    pub(crate) realtime: bool,

    /// Through sound devices, from mouth to ear; networks are simulated only where --profile names them
    #[arg(long, requires = "realtime", conflicts_with = "against")]
    pub(crate) devices: bool,

    /// The phones' microphone, by name or identity [default: the system's]
    #[arg(long, value_name = "DEVICE", requires = "devices")]
    pub(crate) microphone: Option<String>,

    /// The phones' speaker [default: the system's]
    #[arg(long, value_name = "DEVICE", requires = "devices")]
    pub(crate) speaker: Option<String>,

    /// Where the harness plays the speech that the microphone hears [default: the system's]
    #[arg(long, value_name = "DEVICE", requires = "devices")]
    pub(crate) play_into: Option<String>,

    /// Where the harness hears what the speaker plays [default: the system's]
    #[arg(long, value_name = "DEVICE", requires = "devices")]
    pub(crate) record_from: Option<String>,

    /// Leave out echo canceller, noise suppression and gain control
    #[arg(long, requires = "devices")]
    pub(crate) no_processing: bool,

    /// Tell the sound devices; nothing is run
    #[arg(long, exclusive = true)]
    pub(crate) list_devices: bool,

    /// Register at this server (wss://HOST[:PORT]/path), call its echo, and score what comes back
    #[arg(
        long,
        value_name = "URL",
        requires = "user",
        requires = "number",
        conflicts_with = "profile"
    )]
    pub(crate) against: Option<Url>,

    /// SIP user at the server
    #[arg(long, value_name = "NAME", requires = "against")]
    pub(crate) user: Option<String>,

    /// Number of the server's echo
    #[arg(long, value_name = "NUMBER", requires = "against")]
    pub(crate) number: Option<String>,

    /// Host of the SIP addresses [default: the server's]
    #[arg(long, value_name = "HOST", requires = "against")]
    pub(crate) domain: Option<String>,

    /// Environment variable with the SIP password; asked for at the terminal when it is not set
    #[arg(long, value_name = "NAME", default_value = "SIDETONE_SIP_PASSWORD")]
    pub(crate) password_env: String,

    /// PEM file with an authority to trust besides the system's
    #[arg(long, value_name = "FILE", requires = "against")]
    pub(crate) ca: Option<PathBuf>,

    /// Say what changed from one file of results to another; nothing is run
    #[arg(long, num_args = 2, value_names = ["BEFORE", "AFTER"], exclusive = true)]
    pub(crate) compare: Option<Vec<PathBuf>>,

    /// Tell the names of networks, codecs, keyings, voices and limits; nothing is run
    #[arg(long, exclusive = true)]
    pub(crate) list: bool,
}

fn names<const N: usize>(names: [&'static str; N]) -> PossibleValuesParser {
    PossibleValuesParser::new(names.into_iter().chain(["all"]))
}

fn codecs() -> PossibleValuesParser {
    let codecs = CODECS.into_iter().map(|codec| codec.0);
    let ways = OPUS_WAYS.into_iter().map(|way| way.0);
    PossibleValuesParser::new(codecs.chain(ways).chain(["all"]))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_sound() {
        super::Options::command().debug_assert();
    }
}
