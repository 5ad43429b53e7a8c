//! The only way of task code to the outside: one HTTP request a call, redirects included.
//!
//! `{"chain":[{"property":"GET","args":[{"url": ...}]}]}` is answered with status, headers and body
//! of the target, whatever its status is. What is no answer (a refused address, a lost connection,
//! a broken limit) is an error with a `code`.
//!
//! **Invariant**: a connection is opened in [`connect`] and nowhere else, to an address that
//! [`rules`] let pass. A name is looked up once for each connection, so it cannot mean one thing
//! when it is checked and another when it is used.

mod address;
mod answer;
mod args;
mod body;
mod connect;
mod exchange;
mod failure;
mod integrity;
pub mod openapi;
mod redirect;
mod request;
mod routes;
mod rules;

use std::{sync::Arc, time::Duration};

pub use args::FetchArgs;
pub use connect::{Lookup, SystemLookup};
pub use routes::router;

use connect::Client;
use rules::Rules;

/// What the routes share. Cheap to clone.
#[derive(Clone)]
pub struct State(Arc<Shared>);

struct Shared {
    rules: Arc<Rules>,
    client: Client,
    max_bytes: usize,
    timeout: Duration,
}

impl State {
    /// A service that asks the system for addresses.
    ///
    /// # Errors
    /// A rule that cannot be read, or TLS that cannot be set up.
    pub fn new(args: &FetchArgs) -> anyhow::Result<Self> {
        Self::with_lookup(args, Arc::new(SystemLookup))
    }

    /// A service that asks `lookup` for the addresses of a name.
    ///
    /// # Errors
    /// A rule that cannot be read, or TLS that cannot be set up.
    pub fn with_lookup(args: &FetchArgs, lookup: Arc<dyn Lookup>) -> anyhow::Result<Self> {
        let rules = Arc::new(Rules::new(&args.allow, &args.allow_private)?);
        let connect_timeout = Duration::from_millis(args.connect_timeout_ms);
        let client = connect::client(rules.clone(), lookup, connect_timeout)?;
        let timeout = Duration::from_millis(args.timeout_ms);
        Ok(Self(Arc::new(Shared { rules, client, max_bytes: args.max_bytes, timeout })))
    }
}
