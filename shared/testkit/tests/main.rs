//! All integration tests of this crate: one program, because each costs a minute to link.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test may panic, its helpers too")]

mod api_schemathesis;
mod call_options;
mod canary;
mod cases;
mod code_gone;
mod control_end_to_end;
mod dev;
mod dev_server;
mod env_example;
mod fetch_checks;
mod fetch_durable;
mod fetch_web;
mod flow;
mod front_door;
mod hang_up;
mod health;
mod master_key;
mod plugins;
mod reload;
mod sandboxed;
mod scaffold;
mod sdk;
mod services;
mod supabase;
mod supabase_clients;
mod tasks_end_to_end;
mod tutorial;
mod upgrade_end_to_end;
