use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::{Capture, Gauge, Playback, ring_size};
use crate::level::tone_level;
use crate::{BLOCK, Block, SAMPLE_RATE};

/// Plays a tone into a microphone whose clock is `ppm` off, for `seconds`, in chunks of `chunk` frames.
fn capture(rate: u32, ppm: f64, chunk: usize, seconds: usize) -> Vec<f32> {
    let (mut producer, consumer) = rtrb::RingBuffer::new(ring_size(rate));
    let gauge = Arc::new(Gauge::default());
    gauge.saw(chunk);
    let mut capture = Capture::new(consumer, rate, gauge);
    let per_tick = f64::from(rate) / 100.0 * (1.0 + ppm * 1e-6);
    let (mut due, mut at) = (0.0, 0_u64);
    let mut heard = Vec::new();
    for _ in 0..seconds * 100 {
        due += per_tick;
        while due >= chunk as f64 {
            due -= chunk as f64;
            for _ in 0..chunk {
                let turns = 400.0 * at as f64 / f64::from(rate);
                let sample = ((turns * std::f64::consts::TAU).sin() * 0.5) as f32;
                producer.push(sample).expect("the voice keeps up");
                at += 1;
            }
        }
        let mut block: Block = [0.0; BLOCK];
        capture.pull(&mut block);
        heard.extend(block);
    }
    heard
}

fn largest_step(pcm: &[f32]) -> f32 {
    pcm.windows(2)
        .map(|pair| (pair[1] - pair[0]).abs())
        .fold(0.0, f32::max)
}

#[test]
fn a_microphone_clock_that_is_off_is_absorbed_without_a_gap() {
    for (rate, chunk) in [
        (48_000, 480),
        (44_100, 441),
        (16_000, 256),
        (96_000, 1_024),
        (8_000, 80),
    ] {
        for ppm in [-500.0, 0.0, 500.0] {
            let heard = capture(rate, ppm, chunk, 60);
            let settled = &heard[10 * SAMPLE_RATE as usize..];
            // The steepest slope of 400 Hz at half scale.
            let slope = largest_step(settled);
            assert!(slope < 0.032, "{rate} Hz, {ppm} ppm: a step of {slope}");
            let last = &settled[settled.len() - 24_000..];
            let level = tone_level(last, SAMPLE_RATE, 400.0 * (1.0 + ppm * 1e-6));
            assert!(
                (level + 9.03).abs() < 0.5,
                "{rate} Hz, {ppm} ppm: {level} dBov"
            );
        }
    }
}

#[test]
fn a_microphone_that_often_comes_late_is_given_more_time() {
    let (mut producer, consumer) = rtrb::RingBuffer::new(ring_size(48_000));
    let gauge = Arc::new(Gauge::default());
    gauge.saw(BLOCK);
    let mut capture = Capture::new(consumer, 48_000, gauge);
    let mut gaps = [0; 20];
    let mut waiting = 0;
    for tick in 0..20 * 6_000 {
        // Every twenty seconds the device's thread sleeps through four blocks: seldom enough for the drift to forget it.
        waiting += 1;
        if tick % 2_000 >= 4 {
            for _ in 0..waiting * BLOCK {
                producer.push(0.25).expect("the voice keeps up");
            }
            waiting = 0;
        }
        let mut block: Block = [0.0; BLOCK];
        capture.pull(&mut block);
        gaps[tick / 6_000] += usize::from(block[BLOCK - 1] == 0.0);
    }
    let [before, after] = [&gaps[..5], &gaps[5..]].map(|gaps| gaps.iter().sum::<usize>());
    assert!(before > 8, "it begins with little delay: {gaps:?}");
    assert!(after < before, "it learns in five minutes: {gaps:?}");
    assert!(capture.delay_ms() < 90.0, "{} ms", capture.delay_ms());
}

#[test]
fn a_microphone_that_stalls_comes_back_without_lasting_delay() {
    let (mut producer, consumer) = rtrb::RingBuffer::new(ring_size(48_000));
    let gauge = Arc::new(Gauge::default());
    gauge.saw(BLOCK);
    let mut capture = Capture::new(consumer, 48_000, gauge);
    let mut block: Block = [0.0; BLOCK];
    // 400 ms come at once, as after a stall.
    for _ in 0..40 * BLOCK {
        producer.push(0.0).expect("room");
    }
    for _ in 0..10 {
        for _ in 0..BLOCK {
            producer.push(0.0).expect("room");
        }
        capture.pull(&mut block);
    }
    for _ in 0..BLOCK {
        producer.push(1.0).expect("room");
    }
    let mut ticks = 0;
    while block.iter().all(|&sample| sample < 0.5) {
        for _ in 0..BLOCK {
            producer.push(1.0).expect("room");
        }
        capture.pull(&mut block);
        ticks += 1;
        assert!(ticks < 5, "the delay stayed");
    }
}

#[test]
fn a_speaker_is_fed_before_it_runs_dry_and_learns_from_it() {
    let (producer, mut consumer) = rtrb::RingBuffer::new(ring_size(48_000));
    let gauge = Arc::new(Gauge::default());
    gauge.saw(480);
    let mut playback = Playback::new(producer, 48_000, Arc::clone(&gauge));
    let block: Block = [0.25; BLOCK];
    let fill = |playback: &mut Playback| {
        let mut blocks = 0;
        while playback.is_hungry() {
            playback.push(&block);
            blocks += 1;
            assert!(blocks < 100, "never satisfied");
        }
        blocks
    };
    let first = fill(&mut playback);
    assert!((1..=3).contains(&first), "a small buffer: {first} blocks");
    let waiting = consumer.slots();
    assert!(
        waiting < 480 * 8 / 5,
        "{waiting} samples wait before the first is taken"
    );
    // The device takes 10 ms at a time: one block feeds it.
    for _ in 0..100 {
        for _ in 0..480 {
            assert!(consumer.pop().is_ok(), "it ran dry");
        }
        assert!(fill(&mut playback) <= 2);
    }
    let before = consumer.slots();
    gauge.faults.fetch_add(5, Ordering::Relaxed);
    fill(&mut playback);
    for _ in 0..5 {
        gauge.faults.fetch_add(1, Ordering::Relaxed);
        fill(&mut playback);
    }
    assert!(
        consumer.slots() > before,
        "the reserve grows after running dry"
    );
}

#[test]
fn a_ring_device_on_its_own_clock_neither_fills_nor_runs_dry() {
    for ppm in [-500.0, 500.0] {
        let rate = 44_100;
        let (producer, mut consumer) = rtrb::RingBuffer::new(ring_size(rate));
        let gauge = Arc::new(Gauge::default());
        gauge.saw(441);
        let mut playback = Playback::new(producer, rate, gauge);
        let mut due = 0.0;
        let mut dry = 0;
        for tick in 0..6_000 {
            playback.push_drifting(&[0.1; BLOCK]);
            due += 441.0 * (1.0 + ppm * 1e-6);
            while due >= 1.0 {
                due -= 1.0;
                if consumer.pop().is_err() && tick > 100 {
                    dry += 1;
                }
            }
            assert!(
                consumer.slots() < rate as usize / 10,
                "{ppm} ppm: it fills up"
            );
        }
        assert_eq!(dry, 0, "{ppm} ppm");
    }
}
