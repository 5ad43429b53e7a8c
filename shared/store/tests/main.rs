//! All integration tests of this crate: one program, because each costs a minute to link.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test may panic, its helpers too")]

mod key_change;
mod migrations;
mod owners;
mod postgres;
mod secrets;
mod slots;
mod sqlite;
mod supabase_cli;
mod support;
mod tls;
mod vault;
