//! Durations of one kind, and their quantiles. Every sample is kept (four bytes each, and a run's units are
//! bounded), so a quantile is one of the measured values and not a bucket's edge.

use std::time::Duration;

#[derive(Debug, Default)]
pub struct Samples {
    micros: Vec<u32>,
}

impl Samples {
    pub fn add(&mut self, length: Duration) {
        self.micros.push(u32::try_from(length.as_micros()).unwrap_or(u32::MAX));
    }

    pub fn join(&mut self, others: &Self) {
        self.micros.extend_from_slice(&others.micros);
    }

    pub fn count(&self) -> usize {
        self.micros.len()
    }

    /// The smallest sample that `share` (0 to 1) of all samples do not exceed, in ms; 0 when there is none.
    pub fn quantile_ms(&mut self, share: f64) -> f64 {
        self.micros.sort_unstable();
        let rank = (share * self.micros.len() as f64).ceil() as usize;
        let micros = self.micros.get(rank.saturating_sub(1)).copied().unwrap_or(0);
        f64::from(micros) / 1000.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_measured_values() {
        let mut samples = Samples::default();
        assert_eq!(samples.quantile_ms(0.5), 0.0);
        for millis in (1..=100).rev() {
            samples.add(Duration::from_millis(millis));
        }
        let quantiles = [0.0, 0.01, 0.5, 0.99, 1.0].map(|share| samples.quantile_ms(share));
        assert_eq!(quantiles, [1.0, 1.0, 50.0, 99.0, 100.0]);
        assert_eq!(samples.count(), 100);
    }
}
