//! Log output.

use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt as _, util::SubscriberInitExt as _};

/// Logs to standard error; `RUST_LOG` sets the level (default `info`).
///
/// yup-oauth2 prints tokens at debug level, so whatever `RUST_LOG` says it stays at `info`.
pub fn init_tracing(json: bool) {
    let filter = EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| EnvFilter::new("info"))
        .add_directive(tracing::Level::INFO.into_directive("yup_oauth2"));
    let registry = tracing_subscriber::registry().with(filter);
    // A second call in one process (tests) keeps the first subscriber.
    let _ = if json {
        registry.with(fmt::layer().json().with_writer(std::io::stderr)).try_init()
    } else {
        registry.with(fmt::layer().with_writer(std::io::stderr)).try_init()
    };
}

trait IntoDirective {
    fn into_directive(self, target: &str) -> tracing_subscriber::filter::Directive;
}

impl IntoDirective for tracing::Level {
    fn into_directive(self, target: &str) -> tracing_subscriber::filter::Directive {
        format!("{target}={self}").parse().unwrap_or_else(|_| self.into())
    }
}
