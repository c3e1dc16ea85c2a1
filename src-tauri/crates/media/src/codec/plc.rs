//! Loss concealment for waveform codecs, after the idea of ITU-T G.711 Appendix I: repeat the last pitch
//! period, fade it out, and cross-fade back into the first sound that arrives.

/// Remembers what was heard and continues it.
#[derive(Debug)]
pub(super) struct Concealer {
    rate: usize,
    /// The last sound, oldest first; always full.
    history: Vec<f32>,
    /// The period that is repeated, while concealing.
    period: Vec<f32>,
    /// Next sample of `period`.
    at: usize,
    /// Samples concealed in this loss.
    concealed: usize,
}

impl Concealer {
    pub(super) fn new(rate: u32) -> Self {
        let rate = rate as usize;
        Self {
            rate,
            history: vec![0.0; rate * 48 / 1_000],
            period: Vec::new(),
            at: 0,
            concealed: 0,
        }
    }

    /// Takes decoded sound; its beginning is blended with the concealment that went before.
    pub(super) fn heard(&mut self, pcm: &mut [f32]) {
        if self.concealed > 0 {
            let overlap = (self.rate * 5 / 1_000).min(pcm.len());
            for (index, sample) in pcm.iter_mut().take(overlap).enumerate() {
                let weight = (index + 1) as f32 / (overlap + 1) as f32;
                let made_up = self.next();
                *sample = *sample * weight + made_up * (1.0 - weight);
            }
            self.concealed = 0;
        }
        self.remember(pcm);
    }

    /// Appends `samples` of made-up sound.
    pub(super) fn conceal(&mut self, samples: usize, pcm: &mut Vec<f32>) {
        if self.concealed == 0 {
            self.start();
        }
        let start = pcm.len();
        for _ in 0..samples {
            let sample = self.next();
            pcm.push(sample);
        }
        self.remember(&pcm[start..]);
    }

    /// Takes the last pitch period and makes its ends meet.
    fn start(&mut self) {
        let lag = self.pitch();
        let from = self.history.len() - lag;
        self.period.clear();
        self.period.extend_from_slice(&self.history[from..]);
        // The end of the period leads into its beginning: blend it with what came before the period.
        let overlap = lag / 4;
        for index in 0..overlap {
            let weight = (index + 1) as f32 / (overlap + 1) as f32;
            let end = lag - overlap + index;
            let before = self.history[from - overlap + index];
            self.period[end] = self.period[end] * (1.0 - weight) + before * weight;
        }
        self.at = 0;
    }

    fn next(&mut self) -> f32 {
        if self.period.is_empty() {
            return 0.0;
        }
        let sample = self.period[self.at];
        self.at = (self.at + 1) % self.period.len();
        let gain = self.gain();
        self.concealed += 1;
        sample * gain
    }

    /// Full for 10 ms, then down to nothing at 70 ms.
    fn gain(&self) -> f32 {
        let full = self.rate / 100;
        let fade = self.rate * 60 / 1_000;
        1.0 - (self.concealed.saturating_sub(full) as f32 / fade as f32).min(1.0)
    }

    /// The lag, 2.5 to 16 ms, at which the last 16 ms look most like themselves.
    fn pitch(&self) -> usize {
        let window = self.rate * 16 / 1_000;
        let recent = &self.history[self.history.len() - window..];
        let mut best = (self.rate / 100, 0.0_f32);
        for lag in self.rate / 400..=window {
            let from = self.history.len() - window - lag;
            let past = &self.history[from..from + window];
            let (mut cross, mut energy) = (0.0_f32, 1e-9_f32);
            for (a, b) in recent.iter().zip(past) {
                cross += a * b;
                energy += b * b;
            }
            let score = cross.max(0.0) * cross / energy;
            // A longer lag must be clearly better: multiples of the pitch look alike.
            if score > best.1 * 1.02 {
                best = (lag, score);
            }
        }
        best.0
    }

    fn remember(&mut self, pcm: &[f32]) {
        let room = self.history.len();
        let new = &pcm[pcm.len().saturating_sub(room)..];
        self.history.drain(..new.len());
        self.history.extend_from_slice(new);
    }
}
