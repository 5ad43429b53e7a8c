//! One user's tokens, as the Google client crates ask for them.

use std::pin::Pin;
use std::sync::Arc;

use google_apis_common::GetToken;

use crate::token::TokenPool;
use crate::token_error::{BoxError, TokenError};

/// A user's tokens as google-apis-common wants them: also usable with generated API crates.
#[derive(Clone)]
pub struct UserTokens {
    /// The pool.
    pub pool: Arc<TokenPool>,
    /// The user.
    pub subject: String,
}

impl UserTokens {
    /// See [`TokenPool::refresh`].
    ///
    /// # Errors
    /// [`TokenError`].
    pub async fn refresh(&self, scope: &str, refused: &str) -> Result<String, TokenError> {
        self.pool.refresh(&self.subject, scope, refused).await
    }
}

type TokenFuture<'a> = Pin<Box<dyn Future<Output = Result<Option<String>, BoxError>> + Send + 'a>>;

impl GetToken for UserTokens {
    /// A token for the first scope; more than one is never asked for.
    fn get_token<'a>(&'a self, scopes: &'a [&str]) -> TokenFuture<'a> {
        Box::pin(async move {
            let Some(scope) = scopes.first() else { return Ok(None) };
            Ok(Some(self.pool.token(&self.subject, scope).await?))
        })
    }
}
