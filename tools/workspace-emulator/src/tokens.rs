//! Access tokens that were given out.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::rng::Rng;

/// Seconds that an access token lives.
pub const LIFETIME_S: i64 = 3599;

/// Whom a token stands for and what it may do.
#[derive(Debug, Clone)]
pub struct Grant {
    /// The user, or none if the service account acts for itself.
    pub user: Option<usize>,
    /// Scopes.
    pub scopes: Vec<String>,
    expires_s: i64,
}

/// Tokens that were given out.
#[derive(Debug, Default)]
pub struct Tokens {
    grants: Mutex<HashMap<String, Grant>>,
    issued: AtomicU64,
}

impl Tokens {
    /// The grant behind a token that has not expired.
    pub fn find(&self, token: &str) -> Option<Grant> {
        let grants = self.grants.lock().unwrap_or_else(PoisonError::into_inner);
        grants.get(token).filter(|grant| grant.expires_s > now_s()).cloned()
    }

    /// Makes every token invalid, as if all of them had been revoked.
    pub fn revoke_all(&self) {
        self.grants.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// A new token.
    pub fn issue(&self, user: Option<usize>, scopes: Vec<String>) -> String {
        let number = self.issued.fetch_add(1, Ordering::Relaxed);
        let mut random = Rng::of(&[number, now_s() as u64, u64::from(std::process::id())]);
        let token = format!("ya29.emulated-{number}-{:016x}", random.next_u64());
        let grant = Grant { user, scopes, expires_s: now_s() + LIFETIME_S };
        let mut grants = self.grants.lock().unwrap_or_else(PoisonError::into_inner);
        grants.insert(token.clone(), grant);
        token
    }
}

/// Real time: tokens are about the clients' clock, not about the world's.
pub fn now_s() -> i64 {
    jiff::Timestamp::now().as_second()
}
