//! Logs and figures: where they go, and what must never be in them.
//!
//! Everything that is logged passes one [`Masker`], whatever crate wrote it, so a secret
//! that slips into a message of a library is masked too. Metrics are kept in this process
//! and rendered on request; the private listener serves the text.

mod mask;
mod metrics;

pub use mask::{MASK, Masker};
pub use metrics::Metrics;

use std::io::{self, Write};

use anyhow::{Context, Result};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

/// How a log line looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// One readable line.
    Text,
    /// One JSON object a line.
    Json,
}

/// Starts logging to standard error, through `masker`. `filter` has the form of
/// `RUST_LOG`, for example `info,sqlx=warn`.
///
/// # Errors
/// When `filter` cannot be read, or logging was started before.
pub fn init(filter: &str, format: LogFormat, masker: &Masker) -> Result<()> {
    let filter = EnvFilter::try_new(filter)
        .with_context(|| format!("the log filter {filter:?} cannot be read; type FAIRWAY_LOG=info"))?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(false)
        .with_writer(Masked::new(masker.clone(), io::stderr));
    let started = match format {
        LogFormat::Text => builder.try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
    started.map_err(|error| anyhow::anyhow!("logging was already started: {error}"))
}

/// Makes writers that mask what passes through them.
#[derive(Clone, Debug)]
pub struct Masked<F> {
    masker: Masker,
    open: F,
}

impl<F> Masked<F> {
    /// `open` gives the writer behind, anew for every event.
    pub fn new(masker: Masker, open: F) -> Masked<F> {
        Masked { masker, open }
    }
}

impl<'a, F, W> MakeWriter<'a> for Masked<F>
where
    F: Fn() -> W,
    W: Write,
{
    type Writer = MaskedWriter<W>;

    fn make_writer(&'a self) -> Self::Writer {
        MaskedWriter { masker: self.masker.clone(), event: Vec::new(), inner: (self.open)() }
    }
}

/// Holds one event back until it is whole, since a secret could stand across two writes.
#[derive(Debug)]
pub struct MaskedWriter<W: Write> {
    masker: Masker,
    event: Vec<u8>,
    inner: W,
}

impl<W: Write> Write for MaskedWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.event.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let text = String::from_utf8_lossy(&self.event);
        self.inner.write_all(self.masker.mask(&text).as_bytes())?;
        self.event.clear();
        self.inner.flush()
    }
}

impl<W: Write> Drop for MaskedWriter<W> {
    fn drop(&mut self) {
        // A log line that cannot be written has nowhere to complain to.
        let _ = self.flush();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Page(Arc<Mutex<Vec<u8>>>);

    impl Write for Page {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Page {
        fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    fn logged(json: bool) -> String {
        let page = Page::default();
        let masker = Masker::new();
        masker.register("canary-7f3a");
        let behind = page.clone();
        let builder = tracing_subscriber::fmt()
            .without_time()
            .with_ansi(false)
            .with_writer(Masked::new(masker, move || behind.clone()));
        let log = || tracing::info!(token = "canary-7f3a", "took {:?}", "a canary-7f3a b");
        if json {
            tracing::subscriber::with_default(builder.json().finish(), log);
        } else {
            tracing::subscriber::with_default(builder.finish(), log);
        }
        page.text()
    }

    #[test]
    fn a_registered_secret_is_masked_in_message_and_fields() {
        for json in [false, true] {
            let text = logged(json);
            assert!(!text.contains("canary"), "{text}");
            assert_eq!(text.matches(MASK).count(), 2, "{text}");
        }
    }

    #[test]
    fn a_secret_across_two_writes_is_masked() {
        let page = Page::default();
        let masker = Masker::new();
        masker.register("canary-7f3a");
        let behind = page.clone();
        let masked = Masked::new(masker, move || behind.clone());
        let mut writer = masked.make_writer();
        writer.write_all(b"x canary").unwrap();
        writer.write_all(b"-7f3a y\n").unwrap();
        drop(writer);
        assert_eq!(page.text(), "x *** y\n");
    }

    #[test]
    fn a_filter_that_cannot_be_read_says_what_to_type() {
        let error = init("a=b=c", LogFormat::Text, &Masker::new()).unwrap_err();
        assert!(error.to_string().contains("FAIRWAY_LOG=info"), "{error}");
    }
}
