//! From options to results, files and a verdict.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use sidetone_loopback::compare::compare;
use sidetone_loopback::measure::{Measured, measure};
use sidetone_loopback::plan::{self, CODECS, KEYINGS, OPUS_WAYS, Run};
use sidetone_loopback::profile::PROFILES;
use sidetone_loopback::report::{self, Verdict};
use sidetone_loopback::result::{METRICS, Results};
use sidetone_loopback::speech::{Talk, VOICES, Voice};
use sidetone_loopback::table::table;
use sidetone_loopback::thresholds::Thresholds;

use crate::fault::Fault;
use crate::live_run;
use crate::options::Options;

/// Sample rate of the WAV files, Hz.
const WAV_RATE: u32 = sidetone_media::SAMPLE_RATE;

/// Does what was asked for; `false` when a call failed or a threshold is not met.
pub(crate) fn run(options: &Options) -> Result<bool, Fault> {
    if options.list {
        print!("{}", list());
        return Ok(true);
    }
    if options.list_devices {
        print!("{}", live_run::devices()?);
        return Ok(true);
    }
    if let Some([before, after]) = options.compare.as_deref() {
        print!("{}", compare(&read_results(before)?, &read_results(after)?));
        return Ok(true);
    }
    // Read first: a mistake in it must not show only after the runs.
    let thresholds = options
        .thresholds
        .as_deref()
        .map(read_thresholds)
        .transpose()?;
    if let Some(folder) = &options.report {
        std::fs::create_dir_all(folder).map_err(file_fault(folder))?;
    }
    let voices = voices(&options.voice);
    let said = Talk::of(&voices, options.seconds)?;
    let began = Instant::now();
    let (measured, live) = if let Some(url) = &options.against {
        live_run::against(url, options, &said).map(|(runs, words)| (runs, Some(words)))?
    } else if options.devices {
        live_run::through_devices(options, &said).map(|(runs, words)| (runs, Some(words)))?
    } else {
        let runs = plan::runs(&options.profile, &options.codec, &options.keying);
        (measure_all(options, &runs, &said), None)
    };
    let took = began.elapsed();
    let results = Results {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        live,
        seed: options.seed,
        voices: voices.iter().map(|voice| voice.name.to_owned()).collect(),
        seconds: options.seconds,
        runs: measured.iter().map(|one| one.result.clone()).collect(),
    };
    if options.json {
        println!("{}", serde_json::to_string_pretty(&results)?);
    } else {
        print!("{}", table(&results));
        match &results.live {
            Some(words) => println!("\nMeasured {words}."),
            None => println!("{}", speed(&measured, took, options)),
        }
    }

    let name = options
        .thresholds
        .as_deref()
        .and_then(Path::file_name)
        .map(|name| name.to_string_lossy().into_owned());
    let misses = thresholds
        .as_ref()
        .map(|thresholds| thresholds.misses(&results));
    let verdict = match (&thresholds, &misses, &name) {
        (Some(thresholds), Some(misses), Some(file)) => Some(Verdict {
            file,
            covered: thresholds.covered(&results),
            misses,
        }),
        _ => None,
    };
    if let Some(folder) = &options.report {
        write_report(folder, &results, &measured, &said, verdict)?;
        eprintln!("The report is {}.", folder.join("report.html").display());
    }
    Ok(is_good(&results, verdict))
}

/// Says what is not well, and whether all is.
fn is_good(results: &Results, verdict: Option<Verdict<'_>>) -> bool {
    let failed: Vec<_> = results
        .runs
        .iter()
        .filter_map(|run| Some((run, run.failed.as_ref()?)))
        .collect();
    for (run, fault) in &failed {
        eprintln!("{}: the call failed: {fault}", run.name);
    }
    let Some(verdict) = verdict else {
        return failed.is_empty();
    };
    for miss in verdict.misses {
        eprintln!("{}: {}", miss.run, miss.what);
    }
    if verdict.covered == 0 {
        eprintln!("{} has no rule for any of these runs.", verdict.file);
    } else if verdict.misses.is_empty() {
        eprintln!(
            "Every threshold is met; {} of {} runs have a rule.",
            verdict.covered,
            results.runs.len()
        );
    }
    failed.is_empty() && verdict.misses.is_empty() && verdict.covered > 0
}

fn measure_all(options: &Options, runs: &[Run], said: &Talk) -> Vec<Measured> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..usize::from(options.jobs).min(runs.len()) {
            scope.spawn(|| {
                while let Some((number, run)) = {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    runs.get(number).map(|run| (number, run))
                } {
                    let one = measure(run, said, options.seed, !options.no_visqol);
                    done.lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .push((number, one));
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(number, _)| *number);
    done.into_iter().map(|(_, one)| one).collect()
}

fn speed(measured: &[Measured], took: Duration, options: &Options) -> String {
    let simulated: Duration = measured.iter().map(|one| one.simulated).sum();
    let calling: Duration = measured.iter().map(|one| one.took).sum();
    let times = |time: Duration| simulated.as_secs_f64() / time.as_secs_f64().max(1e-9);
    format!(
        "\nSeed {}. {:.0} s of calls in {:.1} s: the calls alone {:.0} times as fast as real time on one core, with their \
        scores {:.0} times.",
        options.seed,
        simulated.as_secs_f64(),
        took.as_secs_f64(),
        times(calling),
        times(took)
    )
}

fn write_report(
    folder: &Path,
    results: &Results,
    measured: &[Measured],
    said: &Talk,
    verdict: Option<Verdict<'_>>,
) -> Result<(), Fault> {
    let write = |name: &str, text: &str| {
        let path = folder.join(name);
        std::fs::write(&path, text).map_err(file_fault(&path))
    };
    write("results.json", &serde_json::to_string_pretty(results)?)?;
    write_wav(&folder.join(report::SAID), &said.samples)?;
    for one in measured.iter().filter(|one| one.result.failed.is_none()) {
        write_wav(
            &folder.join(report::heard_file(&one.result.name)),
            &one.heard,
        )?;
    }
    write(
        "report.html",
        &report::html(results, measured, said, verdict)?,
    )
}

fn write_wav(path: &Path, sound: &[f32]) -> Result<(), Fault> {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: WAV_RATE,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let write = || -> Result<(), hound::Error> {
        let mut writer = hound::WavWriter::create(path, spec)?;
        for sample in sound {
            writer.write_sample((sample.clamp(-1.0, 1.0) * 32_767.0) as i16)?;
        }
        writer.finalize()
    };
    write().map_err(|fault| Fault::Wav {
        path: path.to_owned(),
        fault,
    })
}

fn read_results(path: &Path) -> Result<Results, Fault> {
    let text = std::fs::read_to_string(path).map_err(file_fault(path))?;
    serde_json::from_str(&text).map_err(|fault| Fault::Results {
        path: path.to_owned(),
        fault,
    })
}

fn read_thresholds(path: &Path) -> Result<Thresholds, Fault> {
    let text = std::fs::read_to_string(path).map_err(file_fault(path))?;
    Thresholds::parse(&text).map_err(|fault| Fault::Thresholds {
        path: path.to_owned(),
        fault,
    })
}

fn file_fault(path: &Path) -> impl FnOnce(std::io::Error) -> Fault {
    let path = path.to_owned();
    move |fault| Fault::File { path, fault }
}

fn voices(names: &[String]) -> Vec<Voice> {
    if names.iter().any(|name| name == "all") {
        return VOICES.to_vec();
    }
    names.iter().filter_map(|name| Voice::named(name)).collect()
}

fn list() -> String {
    let mut text = String::from("networks (--profile)\n");
    for profile in &PROFILES {
        text.push_str(&format!("  {:<12} {}\n", profile.name, profile.about));
    }
    for (title, names) in [
        ("codecs (--codec)", CODECS.map(|c| c.0).to_vec()),
        (
            "Opus by its parts (--codec)",
            OPUS_WAYS.map(|way| way.0).to_vec(),
        ),
        ("keyings (--keying)", KEYINGS.map(|k| k.name).to_vec()),
        ("voices (--voice)", VOICES.map(|v| v.name).to_vec()),
        (
            "limits (min_ or max_ before them)",
            METRICS.map(|m| m.key).to_vec(),
        ),
    ] {
        text.push_str(&format!("{title}\n  {}\n", names.join(", ")));
    }
    text
}
