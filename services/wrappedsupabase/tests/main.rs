//! All integration tests of this crate: one program, because each costs a minute to link.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test may panic, its helpers too")]

mod cases;
mod common;
mod forward;
mod injection;
mod injection_places;
mod injection_texts;
mod methods;
mod once;
mod refusals;
mod supabase;
mod supabase_js;
mod tenants;
