//! Who sent a request.

use std::{convert::Infallible, sync::Arc};

use axum::extract::FromRequestParts;
use http::request::Parts;
use serde_json::{Map, Value};

/// What a caller may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// A client that shows only a project's public key, or nothing where nothing is asked for.
    Anon,
    /// A signed-in user. Roles of a project's own count as this one; `claims` has their name.
    Authenticated,
    /// Another service, or somebody with the service key: may do everything.
    Service,
}

impl Role {
    /// Name of the database role.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Anon => "anon",
            Self::Authenticated => "authenticated",
            Self::Service => "service_role",
        }
    }
}

/// Who sent a request: in its extensions, and an extractor for handlers.
///
/// A handler that answers for one owner compares [`Caller::owner`] with what it recorded.
#[derive(Clone, Debug)]
pub struct Caller {
    /// What it may do.
    pub role: Role,
    /// The user's id: `sub` of a verified token.
    pub subject: Option<String>,
    /// All claims of the verified token, `{"role": ...}` for a key. What row level security reads.
    pub claims: Arc<Map<String, Value>>,
}

impl Caller {
    pub(super) fn anonymous() -> Self {
        Self { role: Role::Anon, subject: None, claims: Arc::default() }
    }

    /// Without keys everybody is the service.
    pub(super) fn development() -> Self {
        Self { role: Role::Service, subject: None, claims: Arc::default() }
    }

    /// Whose rows the caller is limited to; `None` for the service, which is not limited.
    ///
    /// All anonymous callers are one owner: `""`.
    pub fn owner(&self) -> Option<&str> {
        match self.role {
            Role::Service => None,
            Role::Anon | Role::Authenticated => Some(self.subject.as_deref().unwrap_or("")),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get::<Self>().cloned().unwrap_or_else(Self::anonymous))
    }
}
