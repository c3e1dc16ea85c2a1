//! The report: one HTML file that needs nothing else, a section a run. The WAV files lie beside it.

use std::fmt::Write as _;

use crate::chart::{self, Curve};
use crate::measure::Measured;
use crate::profile::Profile;
use crate::result::{METRICS, Results, RunResult};
use crate::spectrogram;
use crate::speech::Talk;
use crate::thresholds::Miss;

const STYLE: &str = include_str!("report.css");

/// What the report says of a threshold file.
#[derive(Clone, Copy, Debug)]
pub struct Verdict<'a> {
    /// Name of the file.
    pub file: &'a str,
    /// Runs that have a rule in it.
    pub covered: usize,
    /// What was not met.
    pub misses: &'a [Miss],
}

/// Name of the WAV file of what was said.
pub const SAID: &str = "said.wav";

/// Name of the WAV file of what was heard in a run.
#[must_use]
pub fn heard_file(run: &str) -> String {
    format!("{run}.wav")
}

/// Writes the report.
///
/// # Errors
/// When a picture cannot be packed.
pub fn html(
    results: &Results,
    measured: &[Measured],
    said: &Talk,
    verdict: Option<Verdict<'_>>,
) -> Result<String, png::EncodingError> {
    let mut html = String::with_capacity(1 << 20);
    // Writing to a string does not fail.
    let _ = write!(
        html,
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
        <title>Sidetone media loopback</title><style>{STYLE}</style></head><body><main>\n\
        <h1>Sidetone media loopback</h1>\n\
        <p class=\"lead\">{}</p>\n",
        lead(results),
    );
    write_verdict(&mut html, verdict);
    write_overview(&mut html, results, verdict);
    html.push_str(MEANING);
    let said_picture = spectrogram::data_url(&said.samples)?;
    let said_wave = chart::waveform("Waveform of what was said", &said.samples);
    let _ = writeln!(
        html,
        "<section id=\"said\"><h2>What is said in every run</h2><p><a href=\"{SAID}\">{SAID}</a></p>{}</section>",
        sound("said", &said_wave, &said_picture)
    );
    for one in measured {
        write_run(&mut html, one, results.seconds, results.live.is_some())?;
    }
    html.push_str("</main></body></html>\n");
    Ok(html)
}

fn lead(results: &Results) -> String {
    let (count, version) = (results.runs.len(), escaped(&results.version));
    let speech = format!(
        "{} s of speech each ({})",
        results.seconds,
        escaped(&results.voices.join(", "))
    );
    match &results.live {
        Some(live) => format!(
            "Calls: {count}, version {version}, {speech}. Measured {}.",
            escaped(live)
        ),
        None => format!(
            "{count} simulated calls, version {version}, seed {}, {speech}. The first side speaks, the second listens; both \
             run the phone's own codecs, keys, jitter buffer and reports. The same seed gives the same numbers.",
            results.seed
        ),
    }
}

const MEANING: &str = "<details><summary>What the numbers mean</summary><dl>\
    <dt>MOS</dt><dd>How people would rate a conversation, 1 to 4.5, by the E-model (ITU-T G.107): a calculation from codec, loss, \
    bursts and delay, with 40 ms added for sound devices.</dd>\
    <dt>ViSQOL</dt><dd>What was heard against what was said, 1 to 5, by the sound itself: ViSQOL 3.1 in speech mode, by its Rust \
    port <code>visqol-rs</code>. It does not know of delay. Telephone-band codecs score lower by nature.</dd>\
    <dt>delay</dt><dd>From what was said to what was heard, measured by laying one over the other: network, packet, codec and jitter \
    buffer. Sound devices come on top, but for runs through devices, whose delay is that from mouth to ear; against a server it is \
    the way there and back.</dd>\
    <dt>devices</dt><dd>Microphone and speaker together, as the phone tells it; where there are any.</dd>\
    <dt>buffer, target</dt><dd>What the jitter buffer adds, and what it aims at.</dd>\
    <dt>concealed</dt><dd>Share of what was played that was made up.</dd>\
    <dt>lost, late</dt><dd>Share of the packets that never came, and that came too late to be played.</dd>\
    <dt>burst</dt><dd>Mean length of the gaps against that of random loss (G.107 section 7.5).</dd>\
    <dt>recovery</dt><dd>From the end of a stall until delay and concealment are as before.</dd>\
    <dt>set-up</dt><dd>Path and keys, on a line of 10 ms that loses nothing.</dd></dl></details>\n";

fn write_verdict(html: &mut String, verdict: Option<Verdict<'_>>) {
    let Some(verdict) = verdict else { return };
    let file = escaped(verdict.file);
    if verdict.misses.is_empty() && verdict.covered > 0 {
        let _ = writeln!(
            html,
            "<p class=\"verdict good\">✓ Every threshold of {file} is met; it has rules for {} of these runs.</p>",
            verdict.covered
        );
        return;
    }
    if verdict.covered == 0 {
        let _ = writeln!(
            html,
            "<p class=\"verdict bad\">✗ {file} has no rule for any of these runs.</p>"
        );
        return;
    }
    let _ = write!(
        html,
        "<div class=\"verdict bad\"><p>✗ {} thresholds of {file} are not met:</p><ul>",
        verdict.misses.len()
    );
    for miss in verdict.misses {
        let run = escaped(&miss.run);
        let _ = write!(
            html,
            "<li><a href=\"#{run}\">{run}</a>: {}</li>",
            escaped(&miss.what)
        );
    }
    html.push_str("</ul></div>\n");
}

fn write_overview(html: &mut String, results: &Results, verdict: Option<Verdict<'_>>) {
    html.push_str("<div class=\"scroll\"><table><thead><tr><th>run</th>");
    let known: Vec<_> = METRICS
        .iter()
        .filter(|metric| {
            results
                .runs
                .iter()
                .any(|run| (metric.read)(&run.numbers).is_some())
        })
        .collect();
    for metric in &known {
        let _ = write!(html, "<th>{}</th>", metric.title);
    }
    html.push_str("</tr></thead><tbody>\n");
    for run in &results.runs {
        let missed = verdict.is_some_and(|v| v.misses.iter().any(|miss| miss.run == run.name));
        let name = escaped(&run.name);
        let _ = write!(
            html,
            "<tr{}><th><a href=\"#{name}\">{name}</a></th>",
            if missed { " class=\"missed\"" } else { "" }
        );
        match &run.failed {
            Some(fault) => {
                let _ = write!(
                    html,
                    "<td class=\"fault\" colspan=\"{}\">failed: {}</td>",
                    known.len().max(1),
                    escaped(fault)
                );
            }
            None => {
                for metric in &known {
                    let shown = metric.unit.show((metric.read)(&run.numbers));
                    let _ = write!(html, "<td>{shown}</td>");
                }
            }
        }
        html.push_str("</tr>\n");
    }
    html.push_str("</tbody></table></div>\n");
}

fn write_run(
    html: &mut String,
    measured: &Measured,
    seconds: u32,
    live: bool,
) -> Result<(), png::EncodingError> {
    let run = &measured.result;
    let name = escaped(&run.name);
    let _ = write!(
        html,
        "<section id=\"{name}\"><h2>{}, {}, {}</h2>",
        escaped(&run.profile),
        escaped(&run.codec),
        escaped(&run.keying)
    );
    let about = Profile::named(&run.profile).map_or("", |profile| profile.about);
    let _ = write!(html, "<p>Network: {}", escaped(about));
    if let Some(fault) = &run.failed {
        let _ = writeln!(
            html,
            ".</p><p class=\"verdict bad\">✗ The call failed: {}</p></section>",
            escaped(fault)
        );
        return Ok(());
    }
    let file = heard_file(&run.name);
    let _ = write!(
        html,
        ". Packets were keyed with {}. Heard: <a href=\"{file}\">{file}</a>, said: <a href=\"{SAID}\">{SAID}</a>.</p>",
        escaped(&run.suite)
    );
    html.push_str("<dl class=\"numbers\">");
    for metric in METRICS {
        let value = (metric.read)(&run.numbers);
        if value.is_some() {
            let _ = write!(
                html,
                "<div><dt>{}</dt><dd>{}</dd></div>",
                metric.title,
                metric.unit.show(value)
            );
        }
    }
    html.push_str("</dl>");
    write_voices(html, run);
    // A second more than was said: until the last of it was heard.
    let length = seconds as f32 + 1.0;
    let step = run.series.step_ms as f32 / 1_000.0;
    let known = |values: &[f32]| values.iter().copied().map(Some).collect::<Vec<_>>();
    let mut curves = vec![
        Curve {
            name: "said to heard",
            class: "total",
            step_s: 1.0,
            first_s: 0.5,
            points: run.series.delay_ms.clone(),
        },
        Curve {
            name: match live {
                true => "network, there and back",
                false => "network (mean of the second)",
            },
            class: "network",
            step_s: 1.0,
            first_s: 0.5,
            points: run.series.network_ms.clone(),
        },
        Curve {
            name: "jitter buffer",
            class: "buffer",
            step_s: step,
            first_s: step,
            points: known(&run.series.buffer_ms),
        },
        Curve {
            name: "its aim",
            class: "target",
            step_s: step,
            first_s: step,
            points: known(&run.series.target_ms),
        },
    ];
    // What nothing is known of needs no place in the legend.
    curves.retain(|curve| curve.points.iter().any(Option::is_some));
    html.push_str("<h3>Delay</h3>");
    html.push_str(&chart::curves("Delay over time", "ms", length, &curves));
    html.push_str("<h3>Lost packets and concealed sound</h3>");
    html.push_str(&chart::shares(
        "Loss and concealment over time",
        length,
        &[
            ("packets lost", "lost", &run.series.lost),
            ("sound concealed", "concealed", &run.series.concealed),
        ],
    ));
    let _ = writeln!(
        html,
        "<h3>What was heard (<a href=\"#said\">what was said</a>)</h3>{}</section>",
        sound(
            "heard",
            &chart::waveform("Waveform of what was heard", &measured.heard),
            &spectrogram::data_url(&measured.heard)?
        )
    );
    Ok(())
}

fn write_voices(html: &mut String, run: &RunResult) {
    if run.voices.is_empty() {
        return;
    }
    html.push_str("<p>ViSQOL by speaker: ");
    let scores: Vec<String> = run
        .voices
        .iter()
        .map(|voice| {
            let score = voice
                .visqol
                .map_or("nothing to compare".to_owned(), |score| {
                    format!("{score:.2}")
                });
            format!("{} {score}", escaped(&voice.voice))
        })
        .collect();
    html.push_str(&scores.join(", "));
    html.push_str(".</p>");
}

fn sound(what: &str, wave: &str, picture: &str) -> String {
    format!(
        "<figure>{wave}<img alt=\"Spectrogram of what was {what}, 0 to 8 kHz\" src=\"{picture}\">\
        <figcaption>waveform; spectrogram, 0 to 8 kHz</figcaption></figure>"
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
