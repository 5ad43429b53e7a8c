//! Every method of 24 Google APIs behind one POST endpoint.
//!
//! A request names a method (`gmail.users.messages.list`) and its arguments. [`mod@resolve`] finds it
//! in a discovery document, `args` checks the arguments, `request` builds the HTTP request,
//! `send` sends it with a user's token and repeats it where that is safe, `paging` follows pages.
//! Google's JSON is passed on as it is.
//!
//! **Invariant**: one token is for one user and one scope.

mod args;
mod call;
mod config;
mod credentials;
mod defaults;
pub mod discovery;
pub mod document;
mod error;
#[cfg(test)]
mod every_method;
mod failure;
mod google;
mod google_error;
mod keystore;
mod multipart;
pub mod openapi;
mod options;
mod paging;
mod recent;
mod request;
mod resolve;
mod resumable;
mod retry;
mod routes;
mod scopes;
mod send;
mod session;
mod subject;
mod template;
mod token;
mod token_error;
mod user_tokens;
mod values;
mod wire;

use std::sync::Arc;

pub use config::{Config, ConfigError, GapiArgs, Roots};
pub use credentials::{
    ADMIN_EMAIL, CredentialError, CredentialSource, KEY, NAMESPACE, SourceError, keystore_answer,
    keystore_request,
};
pub use discovery::Catalogue;
pub use keystore::PeerKeystore;
pub use resolve::{Target, Unknown, is_idempotent, resolve};
pub use routes::{direct, router};

use google::Google;
use recent::Recent;
use session::Sessions;
use token::TokenClient;

/// What the routes share. Cheap to clone.
#[derive(Clone)]
pub struct State(Arc<Shared>);

struct Shared {
    config: Config,
    catalogue: Arc<Catalogue>,
    sessions: Sessions,
    google: Google,
    recent: Recent,
}

/// A service that cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// TLS cannot be set up.
    #[error("cannot set up TLS: {0}")]
    Tls(#[from] rustls::Error),
    /// The HTTP client cannot be built.
    #[error("cannot build the HTTP client: {0}")]
    Client(#[from] reqwest::Error),
}

impl State {
    /// A service over a source of credentials and the documents of `catalogue`.
    ///
    /// Call it after logging is set up: it caps the `log` crate at info, see `cap_token_logs`.
    ///
    /// # Errors
    /// When TLS or the HTTP client cannot be set up.
    pub fn new(
        config: Config,
        catalogue: Catalogue,
        source: Arc<dyn CredentialSource>,
    ) -> Result<Self, StateError> {
        cap_token_logs();
        let tls = tasker_http::client_tls()?;
        let client = TokenClient::new(tls.clone(), config.connect_timeout);
        let sessions = Sessions::new(
            source,
            client,
            config.credentials_ttl,
            config.token_timeout,
            config.subjects,
        );
        let google = Google::new(tls, &config)?;
        let (catalogue, recent) = (Arc::new(catalogue), Recent::new());
        Ok(Self(Arc::new(Shared { config, catalogue, sessions, google, recent })))
    }
}

/// yup-oauth2 writes tokens and assertions to the `log` crate at debug level. A directive of
/// `RUST_LOG` that names one of its modules beats any filter for the whole crate, so the cap is
/// set where no directive reaches. Crates that log by `tracing` are not affected.
fn cap_token_logs() {
    log::set_max_level(log::max_level().min(log::LevelFilter::Info));
}
