//! What each stage of the voice costs: microseconds for 10 ms of sound. Printed, not judged.

use std::time::{Duration, Instant};

/// Blocks in a batch: a second of sound.
const BATCH: u32 = 100;
const BATCHES: usize = 30;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("{:>9} {:>9}  stage", "median us", "worst us");
    for mut stage in sidetone_media::stages::stages()? {
        // What is learned, built or warmed at the start does not count.
        let mut batches: Vec<Duration> = (0..BATCHES + 3)
            .map(|_| {
                let began = Instant::now();
                for _ in 0..BATCH {
                    stage.run();
                }
                began.elapsed() / BATCH
            })
            .skip(3)
            .collect();
        batches.sort_unstable();
        let us = |duration: Duration| duration.as_secs_f64() * 1e6;
        println!(
            "{:>9.1} {:>9.1}  {}",
            us(batches[BATCHES / 2]),
            us(batches[BATCHES - 1]),
            stage.name
        );
    }
    Ok(())
}
