//! The only HTTP plumbing of tasker.
//!
//! A service is a router whose paths are relative to its mount point. [`mount()`] puts it at
//! `/functions/v1/<name>` and `/<name>` with the layers every service has; [`serve()`] accepts
//! connections until told to stop, then drains. [`Gate`] says who may call what, and [`Caller`] tells
//! a handler who did. [`Peers`] is how services reach each other.

mod args;
mod body;
mod client;
mod cors;
mod direct;
mod error;
mod extract;
mod gate;
mod health;
mod memory;
mod messages;
mod mount;
pub mod openapi;
mod outbox;
mod pages;
mod peers;
mod proxy;
mod relay;
mod reply;
mod serve;
mod services;
mod stream;
mod telemetry;
mod tls;
mod unix;

pub use args::{CommonArgs, KeyArgs, Keystore, OwnArgs, name_and_url, peer_and_url};
pub use direct::{Direct, Served};
pub use error::ApiError;
pub use extract::{JsonBodies, JsonBody};
pub use gate::{Caller, Gate, GateArgs, Role, Secret};
pub use memory::return_large_values;
pub use mount::{mount, to_its_end, with_gate, with_layers};
pub use peers::Peers;
pub use reply::{PeerError, PeerReply};
pub use serve::{Listeners, bind, run, serve, serve_behind, shutdown_signal};
pub use services::{Registered, ServiceArgs};
pub use telemetry::init_tracing;
pub use tls::client_tls;

/// Makes rustls and token checks use ring. Called once by each `main` (and by tests that open TLS).
pub fn install_crypto() {
    // A second call answers Err with the provider that is already there: the same one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    gate::install_token_crypto();
}
