//! All integration tests of this crate: one program, because each costs a minute to link.

#![allow(clippy::unwrap_used, reason = "a test may panic, its helpers too")]

mod binary;
mod calls;
mod emulator;
mod media;
mod paging;
mod repeated;
mod retries;
mod support;
mod tokens;
