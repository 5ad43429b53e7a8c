//! The credentials in use and the tokens that were had with them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::sync::Mutex;

use crate::credentials::{self, CredentialError, CredentialSource, KEY};
use crate::token::{TokenClient, TokenPool};

/// One set of credentials with its tokens. A changed key makes a new session.
pub struct Session {
    /// The administrator to act as where no user is named.
    pub admin_email: String,
    /// The service account's address.
    pub client_email: String,
    /// The service account's OAuth client id, which delegation is granted to.
    pub client_id: Option<String>,
    /// Tokens by user.
    pub tokens: Arc<TokenPool>,
    raw: (Value, Value),
}

/// Gives out the current session, reading the credentials again from time to time.
pub struct Sessions {
    source: Arc<dyn CredentialSource>,
    client: TokenClient,
    ttl: Duration,
    token_timeout: Duration,
    capacity: usize,
    current: Mutex<Option<Current>>,
}

struct Current {
    session: Arc<Session>,
    read_at: Instant,
    doubted: bool,
}

// A search over many users may meet many refusals; they must not each ask the keystore.
const LEAST_AGE: Duration = Duration::from_secs(1);

impl Sessions {
    /// Sessions over a credential source.
    pub fn new(
        source: Arc<dyn CredentialSource>,
        client: TokenClient,
        ttl: Duration,
        token_timeout: Duration,
        capacity: usize,
    ) -> Self {
        Self { source, client, ttl, token_timeout, capacity, current: Mutex::default() }
    }

    /// The current session.
    ///
    /// # Errors
    /// When the credentials cannot be read or used. Failures are not cached.
    pub async fn get(&self) -> Result<Arc<Session>, CredentialError> {
        // Held while reading: concurrent calls wait for one read instead of each doing their own.
        let mut current = self.current.lock().await;
        if let Some(current) = current.as_ref().filter(|current| current.is_fresh(self.ttl)) {
            return Ok(Arc::clone(&current.session));
        }
        let raw = match (credentials::read(self.source.as_ref()).await, current.as_mut()) {
            (
                Err(error @ (CredentialError::Unavailable { .. } | CredentialError::Locked { .. })),
                Some(stale),
            ) => {
                tracing::warn!(%error, "going on with the credentials read before");
                stale.read_at = Instant::now();
                return Ok(Arc::clone(&stale.session));
            }
            (read, _) => read?,
        };
        let same = current.take().map(|c| c.session).filter(|session| session.raw == raw);
        let session = match same {
            Some(session) => session,
            None => Arc::new(self.open(raw).await?),
        };
        let fresh =
            Current { session: Arc::clone(&session), read_at: Instant::now(), doubted: false };
        *current = Some(fresh);
        Ok(session)
    }

    /// Makes the next call read the credentials again: the present ones were refused.
    pub async fn doubt(&self) {
        if let Some(current) = self.current.lock().await.as_mut() {
            current.doubted = true;
        }
    }

    /// The current session, if there is one, without reading anything.
    pub async fn peek(&self) -> Option<Arc<Session>> {
        self.current.lock().await.as_ref().map(|current| Arc::clone(&current.session))
    }

    async fn open(&self, raw: (Value, Value)) -> Result<Session, CredentialError> {
        let checked = credentials::check(&raw.0, &raw.1)?;
        let (client_email, client_id) =
            (checked.key.client_email.clone(), checked.key.client_id.clone());
        let tokens =
            TokenPool::new(checked.key, self.client.clone(), self.token_timeout, self.capacity);
        tokens.check_key(&checked.admin_email).await.map_err(|_| CredentialError::Invalid {
            key: KEY,
            problem: "its \"private_key\" is no RSA key in PEM".to_owned(),
        })?;
        let admin_email = checked.admin_email;
        Ok(Session { admin_email, client_email, client_id, tokens: Arc::new(tokens), raw })
    }
}

impl Current {
    fn is_fresh(&self, ttl: Duration) -> bool {
        let age = self.read_at.elapsed();
        age < LEAST_AGE.min(ttl) || (age < ttl && !self.doubted)
    }
}
