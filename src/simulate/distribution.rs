//! How lengths of time are distributed.

use std::time::Duration;

use rand_distr::{Distribution as _, Exp, LogNormal};
use serde::Deserialize;
use thiserror::Error;

use super::random::Random;

/// The longest that a scenario may say, in milliseconds: a day.
const LONGEST_MS: f64 = 86_400_000.0;

/// A distribution of lengths. In scenarios, one of
///
/// - `{ constant_ms = 500 }`
/// - `{ uniform_ms = [500, 1500] }`: from one to the other
/// - `{ exponential_ms = 800 }`: with this mean
/// - `{ lognormal_ms = 650, sigma = 0.4 }`: with this median, and this deviation of the logarithms. It is how people take
///   their time.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(try_from = "Written")]
pub struct Distribution(Kind);

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Constant(f64),
    Uniform(f64, f64),
    Exponential(Exp<f64>, f64),
    LogNormal(LogNormal<f64>, f64),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    constant_ms: Option<f64>,
    uniform_ms: Option<(f64, f64)>,
    exponential_ms: Option<f64>,
    lognormal_ms: Option<f64>,
    sigma: Option<f64>,
}

/// A length that makes no sense.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum BadDistribution {
    /// None, or more than one.
    #[error(
        "a length is one of {{ constant_ms = 500 }}, {{ uniform_ms = [500, 1500] }}, {{ exponential_ms = 800 }} (the mean), \
         {{ lognormal_ms = 650, sigma = 0.4 }} (the median)"
    )]
    NotOne,
    /// Out of bounds.
    #[error("{key} = {seen}: at least 0 and at most 86400000 milliseconds are accepted")]
    Length {
        /// Which key.
        key: &'static str,
        /// What was said.
        seen: f64,
    },
    /// The first is above the second.
    #[error("uniform_ms = [{from}, {to}]: the first must not be above the second")]
    Range {
        /// The first.
        from: f64,
        /// The second.
        to: f64,
    },
    /// `sigma` is missing, or makes no sense.
    #[error("sigma = {seen}: above 0 and at most 5 is accepted")]
    Sigma {
        /// What was said.
        seen: f64,
    },
    /// The mean is zero.
    #[error("exponential_ms = 0: the mean must be above 0")]
    NoMean,
}

impl TryFrom<Written> for Distribution {
    type Error = BadDistribution;

    fn try_from(written: Written) -> Result<Distribution, BadDistribution> {
        let Written { constant_ms, uniform_ms, exponential_ms, lognormal_ms, sigma } = written;
        match (constant_ms, uniform_ms, exponential_ms, lognormal_ms, sigma) {
            (Some(length), None, None, None, None) => {
                Ok(Distribution(Kind::Constant(checked("constant_ms", length)?)))
            }
            (None, Some((from, to)), None, None, None) => {
                let (from, to) = (checked("uniform_ms", from)?, checked("uniform_ms", to)?);
                if from > to {
                    return Err(BadDistribution::Range { from, to });
                }
                Ok(Distribution(Kind::Uniform(from, to)))
            }
            (None, None, Some(mean), None, None) => {
                Distribution::exponential(checked("exponential_ms", mean)?).ok_or(BadDistribution::NoMean)
            }
            (None, None, None, Some(median), Some(sigma)) => {
                let median = checked("lognormal_ms", median)?.max(f64::MIN_POSITIVE);
                let wrong = BadDistribution::Sigma { seen: sigma };
                if !(sigma > 0.0 && sigma <= 5.0) {
                    return Err(wrong);
                }
                let distribution = LogNormal::new(median.ln(), sigma).map_err(|_| wrong)?;
                let mean = median * (sigma * sigma / 2.0).exp();
                Ok(Distribution(Kind::LogNormal(distribution, mean)))
            }
            _ => Err(BadDistribution::NotOne),
        }
    }
}

impl Distribution {
    /// Always so long.
    pub fn constant(length: Duration) -> Distribution {
        Distribution(Kind::Constant(length.as_secs_f64() * 1e3))
    }

    /// From one to the other, both at least zero.
    pub fn uniform_ms(from: f64, to: f64) -> Distribution {
        Distribution(Kind::Uniform(from.min(to), from.max(to)))
    }

    /// With this mean, in milliseconds. None where that is zero or no number.
    pub fn exponential(mean_ms: f64) -> Option<Distribution> {
        let rate = 1.0 / mean_ms;
        let distribution = (rate.is_finite() && rate > 0.0).then(|| Exp::new(rate).ok())??;
        Some(Distribution(Kind::Exponential(distribution, mean_ms)))
    }

    /// A length. None is longer than a day.
    pub fn sample(&self, random: &mut Random) -> Duration {
        let ms = match self.0 {
            Kind::Constant(length) => length,
            #[allow(clippy::cast_precision_loss, reason = "53 bits are kept")]
            Kind::Uniform(from, to) => {
                from + (to - from) * ((random.next() >> 11) as f64 / (1_u64 << 53) as f64)
            }
            Kind::Exponential(distribution, _) => distribution.sample(&mut random.0),
            Kind::LogNormal(distribution, _) => distribution.sample(&mut random.0),
        };
        Duration::from_secs_f64(ms.clamp(0.0, LONGEST_MS) / 1e3)
    }

    /// The mean.
    pub fn mean(&self) -> Duration {
        let ms = match self.0 {
            Kind::Constant(mean) | Kind::Exponential(_, mean) | Kind::LogNormal(_, mean) => mean,
            Kind::Uniform(from, to) => f64::midpoint(from, to),
        };
        Duration::from_secs_f64(ms.clamp(0.0, LONGEST_MS) / 1e3)
    }
}

fn checked(key: &'static str, length: f64) -> Result<f64, BadDistribution> {
    if (0.0..=LONGEST_MS).contains(&length) {
        Ok(length)
    } else {
        Err(BadDistribution::Length { key, seen: length })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct Table {
        length: Distribution,
    }

    fn read(text: &str) -> Result<Distribution, String> {
        toml::from_str::<Table>(&format!("length = {text}"))
            .map(|table| table.length)
            .map_err(|error| error.message().to_owned())
    }

    #[test]
    fn samples_are_distributed_as_they_say() {
        for (text, mean, least, most) in [
            ("{ constant_ms = 500 }", 500.0, 500.0, 500.0),
            ("{ uniform_ms = [500, 1500] }", 1_000.0, 500.0, 1_500.0),
            ("{ exponential_ms = 800 }", 800.0, 0.0, f64::INFINITY),
            ("{ lognormal_ms = 650, sigma = 0.4 }", 704.1, 0.0, f64::INFINITY),
        ] {
            let distribution = read(text).unwrap();
            let mut random = Random::new(7);
            let lengths: Vec<f64> =
                (0..20_000).map(|_| distribution.sample(&mut random).as_secs_f64() * 1e3).collect();
            let seen = lengths.iter().sum::<f64>() / 20_000.0;
            assert!((seen - mean).abs() < mean * 0.03, "{text}: the mean of the samples is {seen}");
            assert!((distribution.mean().as_secs_f64() * 1e3 - mean).abs() < 0.1, "{text}");
            assert!(lengths.iter().all(|length| (least..=most).contains(length)), "{text}");
        }
    }

    #[test]
    fn half_of_lognormal_lengths_are_below_the_median() {
        let distribution = read("{ lognormal_ms = 650, sigma = 0.4 }").unwrap();
        let mut random = Random::new(1);
        let below =
            (0..20_000).filter(|_| distribution.sample(&mut random) < Duration::from_millis(650)).count();
        assert!((9_700..10_300).contains(&below), "{below} of 20,000");
    }

    #[test]
    fn what_makes_no_sense_is_refused_in_words() {
        for (text, said) in [
            ("{ }", "a length is one of"),
            ("{ constant_ms = 1, exponential_ms = 2 }", "a length is one of"),
            ("{ lognormal_ms = 1 }", "a length is one of"),
            ("{ constant_ms = -1 }", "constant_ms = -1: at least 0 and at most 86400000"),
            ("{ constant_ms = nan }", "constant_ms = NaN: at least 0"),
            ("{ uniform_ms = [2, 1] }", "the first must not be above the second"),
            ("{ exponential_ms = 0 }", "the mean must be above 0"),
            ("{ lognormal_ms = 1, sigma = 0 }", "sigma = 0: above 0"),
            ("{ constant = 1 }", "unknown field `constant`"),
            ("5", "invalid type"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(said), "{text}: {error}");
        }
    }
}
