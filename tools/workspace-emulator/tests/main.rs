//! All integration tests of this crate: one program, because each costs a minute to link.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test may panic, its helpers too")]

mod apis;
mod cli;
mod clients;
mod common;
mod faults;
mod node_client;
mod python_client;
mod token;
