//! Sound as a picture.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use rustfft::FftPlanner;
use rustfft::num_complex::Complex;
use sidetone_media::SAMPLE_RATE;
use sidetone_media::offline::resampled;

/// Shown up to half of this, Hz: what speech has.
const RATE: u32 = 16_000;
/// Length of a frame, samples: 32 ms.
const FRAME: usize = 512;
/// Height, pixels: one a bin.
const HEIGHT: usize = FRAME / 2;
/// Width, pixels.
const WIDTH: usize = 720;
/// What is black, and by how much more it is white, dB against full scale.
const DARK_DB: f32 = -95.0;
const RANGE_DB: f32 = 75.0;

/// A picture of the spectrum over time, 0 to 8 kHz from bottom to top, as a `data:` address.
///
/// # Errors
/// When the picture cannot be packed, which does not happen with a picture in memory.
pub fn data_url(sound: &[f32]) -> Result<String, png::EncodingError> {
    let sound = resampled(sound, SAMPLE_RATE, RATE);
    let window: Vec<f32> = (0..FRAME)
        .map(|i| 0.5 - 0.5 * (std::f32::consts::TAU * (i as f32 + 0.5) / FRAME as f32).cos())
        .collect();
    let fft = FftPlanner::new().plan_fft_forward(FRAME);
    let mut pixels = vec![0; WIDTH * HEIGHT];
    let mut buffer = vec![Complex::default(); FRAME];
    for column in 0..WIDTH {
        let start = column * sound.len().saturating_sub(FRAME) / WIDTH;
        let frame = sound.get(start..).unwrap_or_default();
        buffer.fill(Complex::default());
        for (slot, (sample, weight)) in buffer.iter_mut().zip(frame.iter().zip(&window)) {
            slot.re = sample * weight;
        }
        fft.process(&mut buffer);
        for (bin, value) in buffer[..HEIGHT].iter().enumerate() {
            let power = value.norm_sqr() * 16.0 / (FRAME * FRAME) as f32;
            let level = (10.0 * power.max(1e-12).log10() - DARK_DB) / RANGE_DB;
            pixels[(HEIGHT - 1 - bin) * WIDTH + column] = (level.clamp(0.0, 1.0) * 255.0) as u8;
        }
    }
    let mut packed = Vec::new();
    let mut encoder = png::Encoder::new(&mut packed, WIDTH as u32, HEIGHT as u32);
    encoder.set_color(png::ColorType::Indexed);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_palette(palette());
    encoder.write_header()?.write_image_data(&pixels)?;
    Ok(format!("data:image/png;base64,{}", BASE64.encode(packed)))
}

/// From black over violet and orange to pale yellow: as bright as it is loud, also without seeing colours.
fn palette() -> Vec<u8> {
    const STOPS: [[f32; 3]; 6] = [
        [0.0, 0.0, 4.0],
        [52.0, 15.0, 96.0],
        [130.0, 37.0, 129.0],
        [212.0, 72.0, 100.0],
        [251.0, 150.0, 70.0],
        [252.0, 253.0, 191.0],
    ];
    (0..256_u16)
        .flat_map(|level| {
            let at = f32::from(level) / 255.0 * (STOPS.len() - 1) as f32;
            let from = (at as usize).min(STOPS.len() - 2);
            let share = at - from as f32;
            [0, 1, 2].map(|channel| {
                let (low, high) = (STOPS[from][channel], STOPS[from + 1][channel]);
                (low + (high - low) * share) as u8
            })
        })
        .collect()
}
