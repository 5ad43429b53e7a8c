//! All integration tests of this crate: one program, because each costs a minute to link.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test may panic, its helpers too")]

mod abuse;
mod allowed;
mod common;
mod cors;
mod direct;
mod hostile;
mod hostile_tokens;
mod pages;
mod rotation;
mod slow;
mod start;
