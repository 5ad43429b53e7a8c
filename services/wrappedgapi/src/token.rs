//! Tokens: one authenticator per user, one request at a time per user and scope.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use lru::LruCache;
use tokio::sync::OnceCell;
use yup_oauth2::authenticator::Authenticator;
use yup_oauth2::{
    AccessToken, CustomHyperClientBuilder, HyperClientBuilder as _, ServiceAccountAuthenticator,
    ServiceAccountKey,
};

use crate::token_error::TokenError;

type Connector = HttpsConnector<HttpConnector>;

/// The HTTP client for token endpoints. Cheap to clone; all authenticators share one.
#[derive(Clone)]
pub struct TokenClient(Client<Connector, String>);

impl TokenClient {
    /// A client over the given TLS configuration; http:// endpoints are allowed.
    pub fn new(tls: rustls::ClientConfig, connect_timeout: Duration) -> Self {
        let mut http = HttpConnector::new();
        http.enforce_http(false);
        http.set_connect_timeout(Some(connect_timeout));
        http.set_nodelay(true);
        let connector = hyper_rustls::HttpsConnectorBuilder::new()
            .with_tls_config(tls)
            .https_or_http()
            .enable_http1()
            .enable_http2()
            .wrap_connector(http);
        Self(Client::builder(TokioExecutor::new()).build(connector))
    }
}

/// Tokens of one service account for many users, the least recently used forgotten first.
pub struct TokenPool {
    key: ServiceAccountKey,
    client: TokenClient,
    timeout: Duration,
    subjects: Mutex<LruCache<String, Arc<Subject>>>,
}

/// One user's authenticator.
///
/// **Invariant**: never shared between users, since yup-oauth2's token storage is keyed by scope
/// alone and would hand one user's token to another.
#[derive(Default)]
struct Subject {
    authenticator: OnceCell<Authenticator<Connector>>,
    // yup-oauth2 has no single flight: ten cold callers would send ten token requests.
    flights: Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>,
    known: Mutex<HashMap<String, Option<i64>>>,
}

/// A cached token, without the token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenInfo {
    /// The user it is for.
    pub subject: String,
    /// Its one scope.
    pub scope: String,
    /// When it expires, in seconds of the Unix epoch, if the endpoint said so.
    pub expires: Option<i64>,
}

impl TokenPool {
    /// A pool of at most `capacity` users.
    pub fn new(
        key: ServiceAccountKey,
        client: TokenClient,
        timeout: Duration,
        capacity: usize,
    ) -> Self {
        let capacity = NonZeroUsize::new(capacity).unwrap_or(NonZeroUsize::MIN);
        Self { key, client, timeout, subjects: Mutex::new(LruCache::new(capacity)) }
    }

    /// A token for one user and one scope: cached, or fetched.
    ///
    /// # Errors
    /// [`TokenError`]; a transient one may be tried again.
    pub async fn token(&self, subject: &str, scope: &str) -> Result<String, TokenError> {
        let slot = self.slot(subject);
        self.in_time(async {
            let flight = slot.flight(scope);
            let _flight = flight.lock().await;
            self.current(&slot, subject, scope).await
        })
        .await
    }

    /// Replaces a token that an API has refused. If another call has replaced it meanwhile, that
    /// one is answered.
    ///
    /// # Errors
    /// As [`TokenPool::token`].
    pub async fn refresh(
        &self,
        subject: &str,
        scope: &str,
        refused: &str,
    ) -> Result<String, TokenError> {
        let slot = self.slot(subject);
        self.in_time(async {
            let flight = slot.flight(scope);
            let _flight = flight.lock().await;
            let token = self.current(&slot, subject, scope).await?;
            if token != refused {
                return Ok(token);
            }
            self.fetch(&slot, subject, scope).await
        })
        .await
    }

    /// Checks that the key can sign, without asking anybody.
    ///
    /// # Errors
    /// [`TokenError::Key`].
    pub async fn check_key(&self, subject: &str) -> Result<(), TokenError> {
        self.slot(subject).authenticator(self, subject).await.map(drop)
    }

    /// What is cached.
    pub fn cached(&self) -> Vec<TokenInfo> {
        let subjects = lock(&self.subjects);
        let infos = subjects.iter().flat_map(|(subject, slot)| {
            let known = lock(&slot.known).clone();
            known.into_iter().map(|(scope, expires)| TokenInfo {
                subject: subject.clone(),
                scope,
                expires,
            })
        });
        infos.collect()
    }

    /// Forgets all tokens, or those of the users who have one for `scope`.
    pub fn clear(&self, scope: Option<&str>) {
        let mut subjects = lock(&self.subjects);
        let Some(scope) = scope else { return subjects.clear() };
        let holds = |slot: &Arc<Subject>| lock(&slot.known).contains_key(scope);
        let holders: Vec<String> =
            subjects.iter().filter(|(_, slot)| holds(slot)).map(|(name, _)| name.clone()).collect();
        for holder in holders {
            subjects.pop(&holder);
        }
    }

    fn slot(&self, subject: &str) -> Arc<Subject> {
        let mut subjects = lock(&self.subjects);
        Arc::clone(subjects.get_or_insert_mut(subject.to_owned(), Arc::default))
    }

    /// The cached token, or a new one. A cached answer without a token (see
    /// [`TokenError::without_token`]) never expires by itself, so it is replaced here.
    async fn current(
        &self,
        slot: &Subject,
        subject: &str,
        scope: &str,
    ) -> Result<String, TokenError> {
        let authenticator = slot.authenticator(self, subject).await?;
        let answer = authenticator.token(&[scope]).await?;
        match noted(slot, scope, &answer) {
            Some(token) => Ok(token),
            None => self.fetch(slot, subject, scope).await,
        }
    }

    async fn fetch(
        &self,
        slot: &Subject,
        subject: &str,
        scope: &str,
    ) -> Result<String, TokenError> {
        let authenticator = slot.authenticator(self, subject).await?;
        let answer = authenticator.force_refreshed_token(&[scope]).await?;
        noted(slot, scope, &answer).ok_or_else(TokenError::without_token)
    }

    /// yup-oauth2's own timeout ends with the headers; this one covers the body too.
    async fn in_time(
        &self,
        work: impl Future<Output = Result<String, TokenError>>,
    ) -> Result<String, TokenError> {
        tokio::time::timeout(self.timeout, work)
            .await
            .unwrap_or_else(|_| Err(TokenError::timeout()))
    }
}

impl Subject {
    async fn authenticator(
        &self,
        pool: &TokenPool,
        subject: &str,
    ) -> Result<&Authenticator<Connector>, TokenError> {
        let build = || async {
            // `with_timeout` is ignored on the builder and works only on the built client.
            let client = CustomHyperClientBuilder::from(pool.client.0.clone())
                .build_hyper_client()?
                .with_timeout(pool.timeout);
            ServiceAccountAuthenticator::with_client(pool.key.clone(), client)
                .subject(subject)
                .build()
                .await
                .map_err(|error| TokenError::Key(error.to_string()))
        };
        self.authenticator.get_or_try_init(build).await
    }

    fn flight(&self, scope: &str) -> Arc<tokio::sync::Mutex<()>> {
        Arc::clone(lock(&self.flights).entry(scope.to_owned()).or_default())
    }
}

/// Notes the expiry and takes the token out.
fn noted(slot: &Subject, scope: &str, answer: &AccessToken) -> Option<String> {
    let token = answer.token().filter(|token| !token.is_empty()).map(str::to_owned);
    let mut known = lock(&slot.known);
    match &token {
        Some(_) => {
            let expires = answer.expiration_time().map(|time| time.unix_timestamp());
            known.insert(scope.to_owned(), expires)
        }
        None => known.remove(scope),
    };
    token
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // No code panics while holding these; if it ever does, the maps are still whole.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
