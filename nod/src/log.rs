//! The log on standard error. Standard output is the command's answer.

use std::io::{self, IsTerminal as _};

use opentelemetry_sdk::trace::Tracer;
use serde::Deserialize;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer as _, fmt};

/// The target of spans for traces.
const SPANS: &str = nod_engine::SPANS;
/// How the targets of our own code begin.
const OURS: &str = "nod";

/// How it is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Form {
    /// Lines for people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// From which level on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Level {
    /// What must be seen to.
    Error,
    /// What should be looked at.
    Warn,
    /// Each request.
    #[default]
    Info,
    /// Each push, each connection that failed.
    Debug,
    /// Everything.
    Trace,
}

impl From<Level> for LevelFilter {
    fn from(level: Level) -> Self {
        match level {
            Level::Error => Self::ERROR,
            Level::Warn => Self::WARN,
            Level::Info => Self::INFO,
            Level::Debug => Self::DEBUG,
            Level::Trace => Self::TRACE,
        }
    }
}

/// Starts it. The level is that of our own code: libraries never say more than warnings, as nobody knows what they would put
/// into a line (INV-24).
pub(crate) fn start(form: Form, level: Level, tracer: Option<Tracer>) {
    let level = LevelFilter::from(level);
    let filter = Targets::new().with_default(level.min(LevelFilter::WARN)).with_target(OURS, level);
    // Spans of their own: what a trace holds is not repeated in each line.
    let filter = filter.with_target(SPANS, LevelFilter::OFF);
    let traces = tracer.map(|tracer| {
        let spans = Targets::new().with_target(SPANS, LevelFilter::TRACE);
        let layer = tracing_opentelemetry::layer().with_tracer(tracer).with_location(false).with_threads(false);
        layer.with_tracked_inactivity(false).with_filter(spans)
    });
    let registry = tracing_subscriber::registry().with(traces);
    let lines = fmt::layer().with_writer(io::stderr).with_target(false);
    match form {
        Form::Text => registry.with(lines.with_ansi(io::stderr().is_terminal()).with_filter(filter)).init(),
        Form::Json => {
            registry.with(lines.json().flatten_event(true).with_span_list(false).with_filter(filter)).init();
        }
    }
}
