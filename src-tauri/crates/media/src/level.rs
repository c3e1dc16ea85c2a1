//! Levels in dBov: 0 is a full-scale square wave, -127 is silence (RFC 6464).

/// The level of silence.
pub(crate) const SILENCE: f32 = -127.0;

/// Root mean square of a piece of sound, dBov.
#[must_use]
pub(crate) fn dbov(pcm: &[f32]) -> f32 {
    if pcm.is_empty() {
        return SILENCE;
    }
    let energy: f64 = pcm.iter().map(|&sample| f64::from(sample).powi(2)).sum();
    from_energy(energy / pcm.len() as f64)
}

/// Level of a mean square, dBov.
#[must_use]
pub(crate) fn from_energy(mean_square: f64) -> f32 {
    if mean_square < 1e-13 {
        return SILENCE;
    }
    (10.0 * mean_square.log10()).clamp(f64::from(SILENCE), 0.0) as f32
}

/// Level of one frequency in a piece of sound, dBov of its own root mean square (Goertzel).
#[cfg(test)]
pub(crate) fn tone_level(pcm: &[f32], rate: u32, frequency: f64) -> f32 {
    let (mut re, mut im, mut gain) = (0.0, 0.0, 0.0);
    for (n, &sample) in pcm.iter().enumerate() {
        let angle = std::f64::consts::TAU * frequency * n as f64 / f64::from(rate);
        // A Hann window keeps neighbours out.
        let turn = std::f64::consts::TAU * n as f64 / pcm.len() as f64;
        let weight = 0.5 - 0.5 * turn.cos();
        re += f64::from(sample) * angle.cos() * weight;
        im += f64::from(sample) * angle.sin() * weight;
        gain += weight;
    }
    let amplitude = 2.0 * re.hypot(im) / gain;
    from_energy(amplitude * amplitude / 2.0)
}
