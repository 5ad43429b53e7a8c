//! A local Google Workspace for tests: token endpoint, Directory and Gmail over a reproducible world.
//!
//! Real Google clients drive it: they sign with the service-account key that it writes, and read
//! people and mail that are a pure function of a seed. Faults are injected over `/_admin/faults`.

pub mod admin;
pub mod answer;
pub mod app;
pub mod directory;
pub mod discovery;
pub mod error;
pub mod faults;
pub mod gate;
pub mod gmail;
pub mod jwt;
pub mod key;
pub mod log;
pub mod mask;
pub mod oauth;
pub mod paging;
pub mod params;
pub mod query;
pub mod rng;
pub mod server;
pub mod tokens;
pub mod truth;
pub mod world;

mod emulator;

pub use app::Config;
pub use emulator::{Emulator, Running, StartError, build_world};
pub use truth::{Truth, truth};
pub use world::{World, WorldConfig};
