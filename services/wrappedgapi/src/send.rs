//! Sends requests to Google: tokens, timeouts, repeats.

use std::time::Duration;

use google_apis_common::{GetToken as _, Retry};

use crate::error::CallError;
use crate::failure::Failure;
use crate::google::{Google, Reply};
use crate::request::{AnswerKind, GoogleRequest, Payload};
use crate::resumable;
use crate::retry::RetryPolicy;
use crate::token_error::TokenError;
use crate::user_tokens::UserTokens;

/// On whose behalf, and with which scope.
pub struct Grant {
    /// The user to act as, with the credentials to do so.
    pub tokens: UserTokens,
    /// Whom delegation is granted to, for hints.
    pub client_id: String,
    /// The scope, or `None` for methods that take no token.
    pub scope: Option<String>,
}

impl Google {
    /// Sends a request until it succeeds, fails for good, or the budget is spent.
    ///
    /// # Errors
    /// [`CallError`] with advice on trying again.
    pub async fn send(&self, request: &GoogleRequest, grant: &Grant) -> Result<Reply, CallError> {
        let mut policy = RetryPolicy::new(request.idempotent, self.retry_budget);
        let mut refused = None;
        loop {
            let token = match grant.token(refused.as_deref(), policy.remaining()).await {
                Ok(token) => token,
                Err(error) if error.is_transient() => match policy.unsent() {
                    Retry::After(wait) => {
                        tracing::debug!(%error, ?wait, "token request failed, trying again");
                        tokio::time::sleep(wait).await;
                        continue;
                    }
                    Retry::Abort => return Err(grant.failed(error, policy.advice())),
                },
                Err(error) => return Err(grant.failed(error, None)),
            };
            let limit = self.attempt_limit(request, &policy);
            let failure = match self.attempt(request, token.as_deref(), limit).await {
                Ok(reply) => return Ok(reply),
                Err(failure) => failure,
            };
            // A token may have been revoked before its time: one fresh one is tried.
            if failure.is_unauthorized() && token.is_some() && refused.is_none() {
                refused = token;
                continue;
            }
            match failure.retry(&mut policy) {
                Retry::After(wait) => tokio::time::sleep(wait).await,
                Retry::Abort => return Err(failure.into_error(policy.advice())),
            }
        }
    }

    /// A read gets half the budget for its first attempt, so that a hanging one can be repeated; a
    /// write gets all of it, since cutting it off leaves its outcome unknown.
    fn attempt_limit(&self, request: &GoogleRequest, policy: &RetryPolicy) -> Duration {
        let media = matches!(request.payload, Payload::Resumable { .. })
            || matches!(&request.payload, Payload::Bytes(kind, _) if kind != "application/json")
            || request.answer == AnswerKind::Media;
        if media {
            return self.media_timeout;
        }
        let limit = if request.idempotent { self.retry_budget / 2 } else { self.retry_budget };
        limit.min(policy.remaining())
    }

    async fn attempt(
        &self,
        request: &GoogleRequest,
        token: Option<&str>,
        limit: Duration,
    ) -> Result<Reply, Failure> {
        let work = async {
            if let Payload::Resumable { metadata, media } = &request.payload {
                return resumable::upload(self, request, metadata, media, token).await;
            }
            let response = self.begin(request, token).send().await.map_err(Failure::from)?;
            self.read(response).await
        };
        let timeout =
            || Failure::Network { cause: "no answer in time".into(), timeout: true, sent: true };
        tokio::time::timeout(limit, work).await.unwrap_or_else(|_| Err(timeout()))
    }
}

impl Grant {
    async fn token(
        &self,
        refused: Option<&str>,
        limit: Duration,
    ) -> Result<Option<String>, TokenError> {
        let Some(scope) = &self.scope else { return Ok(None) };
        let work = async {
            match refused {
                Some(refused) => self.tokens.refresh(scope, refused).await.map(Some),
                None => self.tokens.get_token(&[scope]).await.map_err(TokenError::from),
            }
        };
        tokio::time::timeout(limit, work).await.unwrap_or_else(|_| Err(TokenError::timeout()))
    }

    fn failed(&self, source: TokenError, retry: Option<Duration>) -> CallError {
        let scope = self.scope.as_deref().unwrap_or_default();
        let hint = source.hint(scope, &self.tokens.subject, &self.client_id);
        CallError::Token { source, hint, retry }
    }
}
