//! The figures of this process, in Prometheus's text form.
//!
//! The recorder is global, as the `metrics` crate wants it, so it is installed once and
//! later calls get the same handle: a test may start several apps in one process.

use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};

/// Upper bounds of every histogram, in seconds: from a cheap query to a long pipeline.
const BUCKETS_SECONDS: [f64; 14] =
    [0.001, 0.005, 0.01, 0.03, 0.06, 0.15, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0];

static INSTALLED: Mutex<Option<Metrics>> = Mutex::new(None);

/// A handle that renders what was counted so far.
#[derive(Clone)]
pub struct Metrics {
    handle: PrometheusHandle,
}

impl Metrics {
    /// Makes this process count; a second call gives the same handle.
    ///
    /// # Errors
    /// When another recorder than ours was installed before.
    pub fn install() -> Result<Metrics> {
        // Nothing under this lock can leave it half written, so a poisoned one is still good.
        let mut installed = INSTALLED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(metrics) = installed.as_ref() {
            return Ok(metrics.clone());
        }
        let recorder = PrometheusBuilder::new()
            .set_buckets(&BUCKETS_SECONDS)
            .context("the histogram buckets are refused")?
            .build_recorder();
        let metrics = Metrics { handle: recorder.handle() };
        if metrics::set_global_recorder(recorder).is_err() {
            anyhow::bail!("another metrics recorder is installed in this process");
        }
        *installed = Some(metrics.clone());
        Ok(metrics)
    }

    /// What Prometheus reads at `/metrics`.
    pub fn render(&self) -> String {
        self.handle.render()
    }

    /// Folds the raw histogram samples together. Call it every few seconds, or they grow
    /// until the next [`Metrics::render`].
    pub fn upkeep(&self) {
        self.handle.run_upkeep();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_counted_is_rendered_and_a_second_install_sees_it_too() {
        let first = Metrics::install().unwrap();
        metrics::counter!("fairway_test_total", "kind" => "a").increment(2);
        metrics::histogram!("fairway_test_seconds").record(0.02);
        first.upkeep();
        let text = Metrics::install().unwrap().render();
        assert!(text.contains(r#"fairway_test_total{kind="a"} 2"#), "{text}");
        assert!(text.contains(r#"fairway_test_seconds_bucket{le="0.03"} 1"#), "{text}");
    }
}
