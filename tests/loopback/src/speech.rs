//! What is said: synthetic speech that is shipped with the sandbox, male and female, in two languages.

use sidetone_media::SAMPLE_RATE;
use sidetone_media::offline::resampled;

/// A speaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Voice {
    /// As on the command line.
    pub name: &'static str,
    wav: &'static [u8],
}

/// Every speaker; made with eSpeak NG, no person was recorded.
pub const VOICES: [Voice; 4] = [
    Voice {
        name: "en-female",
        wav: include_bytes!("../../sandbox/speech/en-female.wav"),
    },
    Voice {
        name: "it-male",
        wav: include_bytes!("../../sandbox/speech/it-male.wav"),
    },
    Voice {
        name: "en-male",
        wav: include_bytes!("../../sandbox/speech/en-male.wav"),
    },
    Voice {
        name: "it-female",
        wav: include_bytes!("../../sandbox/speech/it-female.wav"),
    },
];

/// Silence before the first word and behind each speaker, seconds.
const PAUSE_S: f32 = 0.6;

/// Who says what and when.
#[derive(Clone, Debug, PartialEq)]
pub struct Talk {
    /// At 48 kHz.
    pub samples: Vec<f32>,
    /// Speakers and their samples.
    pub parts: Vec<(&'static str, std::ops::Range<usize>)>,
}

/// A recording that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("the speech of {voice} cannot be read: {fault}")]
pub struct SpeechError {
    voice: &'static str,
    fault: hound::Error,
}

impl Voice {
    /// The one of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        VOICES.into_iter().find(|voice| voice.name == name)
    }

    /// At 48 kHz.
    ///
    /// # Errors
    /// When the recording is not what it should be.
    pub fn samples(self) -> Result<Vec<f32>, SpeechError> {
        let fault = |fault| SpeechError {
            voice: self.name,
            fault,
        };
        let mut reader = hound::WavReader::new(self.wav).map_err(fault)?;
        let rate = reader.spec().sample_rate;
        let samples = reader
            .samples::<i16>()
            .map(|sample| sample.map(|sample| f32::from(sample) / 32_768.0))
            .collect::<Result<Vec<_>, _>>()
            .map_err(fault)?;
        Ok(resampled(&samples, rate, SAMPLE_RATE))
    }
}

impl Talk {
    /// The speakers one after the other, for so many seconds; the last one may be cut short.
    ///
    /// # Errors
    /// See [`Voice::samples`].
    pub fn of(voices: &[Voice], seconds: u32) -> Result<Self, SpeechError> {
        let length = seconds as usize * SAMPLE_RATE as usize;
        let pause = (PAUSE_S * SAMPLE_RATE as f32) as usize;
        let mut talk = Self {
            samples: vec![0.0; pause],
            parts: Vec::new(),
        };
        let spoken = voices
            .iter()
            .map(|voice| Ok((voice.name, voice.samples()?)))
            .collect::<Result<Vec<_>, _>>()?;
        for (name, samples) in spoken.iter().cycle() {
            let start = talk.samples.len();
            if start + pause >= length {
                break;
            }
            let take = samples.len().min(length - pause - start);
            talk.samples.extend_from_slice(&samples[..take]);
            talk.parts.push((name, start..start + take));
            talk.samples.resize(talk.samples.len() + pause, 0.0);
        }
        talk.samples.resize(length, 0.0);
        Ok(talk)
    }
}
