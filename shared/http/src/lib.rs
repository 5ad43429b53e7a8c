//! The only HTTP plumbing of tasker.
//!
//! A service is a router whose paths are relative to its mount point. [`mount`] puts it at
//! `/functions/v1/<name>` and `/<name>` with the layers every service has; [`serve()`] accepts
//! connections until told to stop, then drains. [`Peers`] is how services reach each other.

mod args;
mod cors;
mod error;
mod extract;
mod mount;
mod peers;
mod serve;
mod telemetry;

pub use args::{CommonArgs, name_and_url};
pub use error::ApiError;
pub use extract::JsonBody;
pub use mount::{mount, with_layers};
pub use peers::{PeerError, PeerReply, Peers};
pub use serve::{bind, run, serve, shutdown_signal};
pub use telemetry::init_tracing;

/// Makes rustls use ring. Called once by each `main` (and by tests that open TLS).
pub fn install_crypto() {
    // A second call answers Err with the provider that is already there: the same one.
    let _ = rustls::crypto::ring::default_provider().install_default();
}
