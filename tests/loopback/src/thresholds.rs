//! What must be met: a TOML file of rules, so that a site can be checked before the phone is rolled out.

use serde::Deserialize;

use crate::plan::{CODECS, KEYINGS};
use crate::profile::Profile;
use crate::result::{METRICS, Results, RunResult};

/// The rules of a threshold file.
#[derive(Clone, Debug)]
pub struct Thresholds {
    rules: Vec<Rule>,
}

#[derive(Clone, Debug)]
struct Rule {
    profile: Option<String>,
    codec: Option<String>,
    keying: Option<String>,
    limits: Vec<Limit>,
}

#[derive(Clone, Debug)]
struct Limit {
    key: &'static str,
    least: bool,
    value: f32,
}

/// A threshold file that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ThresholdError {
    /// Not TOML, or not of the form.
    #[error("{0}")]
    Toml(String),
    /// There is not one rule.
    #[error("there is no [[rule]]: the file would be met by anything")]
    Empty,
    /// A rule that cannot be used; counted from 1.
    #[error("rule {rule}: {fault}")]
    Rule {
        /// Which.
        rule: usize,
        /// What is wrong with it.
        fault: String,
    },
}

/// A limit that was not met.
#[derive(Clone, Debug, PartialEq)]
pub struct Miss {
    /// Which run.
    pub run: String,
    /// In words.
    pub what: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    rule: Vec<toml::Table>,
}

impl Thresholds {
    /// Reads a threshold file.
    ///
    /// # Errors
    /// [`ThresholdError`].
    pub fn parse(text: &str) -> Result<Self, ThresholdError> {
        let file: File =
            toml::from_str(text).map_err(|error| ThresholdError::Toml(error.to_string()))?;
        if file.rule.is_empty() {
            return Err(ThresholdError::Empty);
        }
        let rules = file
            .rule
            .iter()
            .zip(1..)
            .map(|(table, rule)| {
                Rule::parse(table).map_err(|fault| ThresholdError::Rule { rule, fault })
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { rules })
    }

    /// How many runs have a rule.
    #[must_use]
    pub fn covered(&self, results: &Results) -> usize {
        results
            .runs
            .iter()
            .filter(|run| self.rules.iter().any(|rule| rule.is_for(run)))
            .count()
    }

    /// What is not met. A number that is not known does not meet its limit, and neither does a call that failed.
    #[must_use]
    pub fn misses(&self, results: &Results) -> Vec<Miss> {
        let mut misses = Vec::new();
        for run in &results.runs {
            let rules = self.rules.iter().filter(|rule| rule.is_for(run));
            let limits: Vec<_> = rules.flat_map(|rule| &rule.limits).collect();
            if let (Some(fault), false) = (&run.failed, limits.is_empty()) {
                misses.push(Miss {
                    run: run.name.clone(),
                    what: format!("failed: {fault}"),
                });
                continue;
            }
            misses.extend(limits.into_iter().filter_map(|limit| {
                let what = limit.missed(run)?;
                Some(Miss {
                    run: run.name.clone(),
                    what,
                })
            }));
        }
        misses
    }
}

impl Rule {
    fn parse(table: &toml::Table) -> Result<Self, String> {
        let mut rule = Self {
            profile: None,
            codec: None,
            keying: None,
            limits: Vec::new(),
        };
        for (key, value) in table {
            match key.as_str() {
                "profile" => {
                    rule.profile = Some(known(key, value, |n| Profile::named(n).is_some())?);
                }
                "codec" => {
                    rule.codec = Some(known(key, value, |n| CODECS.iter().any(|c| c.0 == n))?);
                }
                "keying" => {
                    rule.keying = Some(known(key, value, |n| KEYINGS.iter().any(|k| k.name == n))?);
                }
                _ => rule.limits.push(Limit::parse(key, value)?),
            }
        }
        if rule.limits.is_empty() {
            return Err("it has no limit, for example min_mos = 4.0".to_owned());
        }
        Ok(rule)
    }

    fn is_for(&self, run: &RunResult) -> bool {
        let fits = |wanted: &Option<String>, is: &str| wanted.as_deref().is_none_or(|w| w == is);
        fits(&self.profile, &run.profile)
            && fits(&self.codec, &run.codec)
            && fits(&self.keying, &run.keying)
    }
}

impl Limit {
    fn parse(key: &str, value: &toml::Value) -> Result<Self, String> {
        let (least, name) = match (key.strip_prefix("min_"), key.strip_prefix("max_")) {
            (Some(name), _) => (true, name),
            (_, Some(name)) => (false, name),
            _ => return Err(unknown(key)),
        };
        let metric = METRICS
            .iter()
            .find(|metric| metric.key == name)
            .ok_or_else(|| unknown(key))?;
        let value = match value {
            toml::Value::Float(value) => *value,
            toml::Value::Integer(value) => *value as f64,
            other => return Err(format!("{key} needs a number, not {other}")),
        };
        if !value.is_finite() {
            return Err(format!("{key} needs a finite number"));
        }
        Ok(Self {
            key: metric.key,
            least,
            value: value as f32,
        })
    }

    fn missed(&self, run: &RunResult) -> Option<String> {
        let metric = METRICS.iter().find(|metric| metric.key == self.key)?;
        let (words, is_met): (_, fn(f32, f32) -> bool) = match self.least {
            true => ("at least", |is, limit| is >= limit),
            false => ("at most", |is, limit| is <= limit),
        };
        let value = (metric.read)(&run.numbers);
        if value.is_some_and(|value| is_met(value, self.value)) {
            return None;
        }
        let shown = match value {
            None => "not known".to_owned(),
            Some(_) => metric.unit.show(value),
        };
        Some(format!(
            "{} is {shown}, but must be {words} {}",
            metric.title,
            metric.unit.show(Some(self.value))
        ))
    }
}

fn known(key: &str, value: &toml::Value, is: impl Fn(&str) -> bool) -> Result<String, String> {
    match value.as_str() {
        Some(name) if is(name) => Ok(name.to_owned()),
        _ => Err(format!("there is no {key} {value}; --list tells them all")),
    }
}

fn unknown(key: &str) -> String {
    let names: Vec<_> = METRICS.iter().map(|metric| metric.key).collect();
    format!(
        "{key} is not known; limits are min_ or max_ before one of {}, and profile, codec and keying say which runs",
        names.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result::{Numbers, Series};

    fn results(mos: Option<f32>) -> Results {
        Results {
            version: String::new(),
            live: None,
            seed: 1,
            voices: Vec::new(),
            seconds: 1,
            runs: vec![RunResult {
                name: "lte_opus_dtls".to_owned(),
                profile: "lte".to_owned(),
                codec: "opus".to_owned(),
                keying: "dtls".to_owned(),
                failed: None,
                suite: String::new(),
                numbers: Numbers {
                    mos,
                    ..Numbers::default()
                },
                voices: Vec::new(),
                series: Series::default(),
            }],
        }
    }

    #[test]
    fn a_limit_is_met_missed_or_about_something_unknown() {
        let rules = Thresholds::parse("[[rule]]\nprofile = \"lte\"\nmin_mos = 4").expect("valid");
        assert_eq!(rules.misses(&results(Some(4.0))), []);
        let missed = rules.misses(&results(Some(3.5)));
        assert_eq!(missed[0].what, "MOS is 3.50, but must be at least 4.00");
        let unknown = rules.misses(&results(None));
        assert_eq!(
            unknown[0].what,
            "MOS is not known, but must be at least 4.00"
        );
        let mut failed = results(None);
        failed.runs[0].failed = Some("no path".to_owned());
        assert_eq!(rules.misses(&failed)[0].what, "failed: no path");
    }

    #[test]
    fn a_rule_is_for_the_runs_it_names() {
        let rules = Thresholds::parse("[[rule]]\ncodec = \"gsm\"\nmin_mos = 4").expect("valid");
        assert_eq!(rules.misses(&results(Some(1.0))), []);
        assert_eq!(rules.covered(&results(Some(1.0))), 0);
        let all = Thresholds::parse("[[rule]]\nmin_mos = 4").expect("valid");
        assert_eq!(all.covered(&results(None)), 1);
    }

    #[test]
    fn what_is_wrong_with_a_file_is_said() {
        for (text, part) in [
            ("", "no [[rule]]"),
            ("[rules]", "unknown field"),
            ("[[rule]]", "no limit"),
            ("[[rule]]\nmin_beauty = 1", "min_beauty is not known"),
            ("[[rule]]\nmos = 1", "mos is not known"),
            ("[[rule]]\nmin_mos = \"good\"", "needs a number"),
            ("[[rule]]\nmin_mos = nan", "finite"),
            (
                "[[rule]]\nmin_mos = 1\n[[rule]]\nprofile = \"moon\"\nmin_mos = 1",
                "rule 2: there is no profile",
            ),
            ("[[rule", "TOML"),
        ] {
            let error = Thresholds::parse(text).expect_err(text).to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
