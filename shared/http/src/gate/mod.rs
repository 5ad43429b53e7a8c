//! Who may call what: credentials as Supabase's clients and gateways send them.
//!
//! [`mount`](crate::mount()) puts the check behind a service's own mount point, so no spelling of a
//! path leads around it; [`run`](crate::run) hands the [`Gate`] to every request. A router that is
//! called without one (unit tests of a service) lets everything pass, as does a gate without keys,
//! which starts on a loopback address only.

mod args;
mod caller;
mod config;
mod credential;
mod crypto;
mod guard;
mod jwks;
mod jwt;
mod keys;
mod policy;
mod refusal;

use std::{net::IpAddr, sync::Arc};

use anyhow::{Context as _, bail};
use http::{HeaderMap, Method, Uri};
use serde_json::Map;

pub use args::{GateArgs, Secret};
pub use caller::{Caller, Role};
pub(crate) use crypto::install as install_token_crypto;
pub(crate) use guard::guard;

use crate::{ApiError, pages::Pages};
use config::Functions;
use jwt::Verifier;
use keys::Keys;
use refusal::Refusal;

/// The check in front of every service of a process. Cheap to clone.
#[derive(Clone)]
pub struct Gate(Arc<Inner>);

struct Inner {
    /// `None` without keys: development mode.
    doors: Option<Doors>,
    functions: Functions,
    /// Clients call the database under their own role.
    supabase_clients: bool,
    /// Pages that may call in development mode.
    pages: Pages,
}

/// What credentials are compared with.
struct Doors {
    keys: Keys,
    tokens: Verifier,
    trust_sb_api_key: bool,
}

impl Gate {
    /// The gate that the settings describe, for a process that listens on `host`.
    ///
    /// # Errors
    /// A key, the key set or config.toml that cannot be read; no keys and an address that others
    /// can reach; keys, but none that the services could show one another.
    pub fn new(args: &GateArgs, host: IpAddr) -> anyhow::Result<Self> {
        crate::install_crypto();
        let functions = Functions::load(args)?;
        let doors = if args.has_keys() { Some(Doors::new(args)?) } else { None };
        if doors.is_none() {
            development(host)?;
        }
        let (pages, supabase_clients) = (Pages::new(&args.dev_origins)?, args.supabase_clients);
        Ok(Self(Arc::new(Inner { doors, functions, supabase_clients, pages })))
    }

    /// Whether whoever sent these headers may call `service` as another service: it shows the service
    /// key as services do, or there are no keys at all.
    pub(crate) fn is_peer(&self, service: &str, headers: &HeaderMap) -> bool {
        let Some(doors) = &self.0.doors else { return self.0.functions.enabled(service) };
        let key = headers.get(crate::client::APIKEY).and_then(|key| key.to_str().ok());
        self.0.functions.enabled(service)
            && key.is_some_and(|key| doors.keys.role_of(key) == Some(Role::Service))
    }

    /// In development mode: why a request is refused that a web page of another machine may have sent.
    pub(crate) fn foreign(
        &self,
        method: &Method,
        uri: &Uri,
        headers: &HeaderMap,
    ) -> Option<ApiError> {
        self.is_open().then(|| self.0.pages.refusal(method, uri, headers)).flatten()
    }

    /// Whether there are no keys and everything passes.
    pub fn is_open(&self) -> bool {
        self.0.doors.is_none()
    }
}

fn development(host: IpAddr) -> anyhow::Result<()> {
    if !host.is_loopback() {
        bail!(
            "no keys are set, and others can reach {host}: set SUPABASE_SERVICE_ROLE_KEY or \
             SUPABASE_SECRET_KEYS (and SUPABASE_JWT_SECRET, SUPABASE_ANON_KEY, \
             SUPABASE_PUBLISHABLE_KEYS or SUPABASE_JWKS as your clients need), or listen on \
             --host 127.0.0.1"
        );
    }
    tracing::warn!(%host, "development mode: no keys are set, whoever reaches this port may call everything");
    Ok(())
}

impl Doors {
    fn new(args: &GateArgs) -> anyhow::Result<Self> {
        args.service_key().context(
            "keys are set, but none that the services can show one another: \
             set SUPABASE_SERVICE_ROLE_KEY or SUPABASE_SECRET_KEYS",
        )?;
        Ok(Self {
            keys: Keys::new(args)?,
            tokens: Verifier::new(args)?,
            trust_sb_api_key: args.trust_sb_api_key,
        })
    }

    /// Who sent these headers.
    async fn caller(&self, headers: &HeaderMap) -> Result<Caller, Refusal> {
        let shown = credential::shown(headers, self.trust_sb_api_key)?;
        if let Some(role) = self.keys.role_of(shown) {
            let claims = Map::from_iter([("role".to_owned(), role.as_str().into())]);
            return Ok(Caller { role, subject: None, claims: Arc::new(claims) });
        }
        if credential::is_opaque(shown) {
            return Err(Refusal::Key);
        }
        self.tokens.verify(shown).await
    }
}
