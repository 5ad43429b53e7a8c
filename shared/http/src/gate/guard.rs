//! The check itself, as a layer of one service.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use http::{HeaderMap, HeaderName};

use super::{
    Caller, Gate, Role,
    credential::SB_API_KEY,
    policy::{Access, access},
    refusal::Refusal,
};

/// Lets a request through to `name` with its [`Caller`], or refuses it.
pub(crate) async fn guard(
    State(name): State<Arc<str>>,
    mut request: Request,
    next: Next,
) -> Response {
    let admitted = match request.extensions_mut().remove::<Gate>() {
        Some(gate) => {
            let access = access(&name, request.method(), request.uri().path());
            gate.admit(&name, access, request.headers()).await
        }
        None => Ok(Caller::development()),
    };
    match admitted {
        Ok(caller) => {
            strip(request.headers_mut(), caller.role);
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(refusal) => refusal.into_response(),
    }
}

impl Gate {
    async fn admit(
        &self,
        name: &str,
        access: Access,
        headers: &HeaderMap,
    ) -> Result<Caller, Refusal> {
        let functions = &self.0.functions;
        if !functions.enabled(name) {
            return Err(Refusal::Disabled);
        }
        let access = match access {
            Access::Service if name == "wrappedsupabase" && self.0.supabase_clients => {
                Access::Client
            }
            listed => listed,
        };
        let Some(doors) = &self.0.doors else { return Ok(Caller::development()) };
        if access == Access::Open {
            return Ok(Caller::anonymous());
        }
        // Privileged routes ask for the service role whether or not tokens are asked of clients.
        let required = access == Access::Service || functions.verify_jwt(name);
        let caller = match doors.caller(headers).await {
            Ok(caller) => caller,
            Err(refusal) if required || refusal.is_ours() => return Err(refusal),
            Err(_) => Caller::anonymous(),
        };
        if access == Access::Service && caller.role != Role::Service {
            return Err(Refusal::Forbidden);
        }
        Ok(caller)
    }
}

/// Headers that say something only when a service or a gateway sends them.
fn strip(headers: &mut HeaderMap, role: Role) {
    headers.remove(SB_API_KEY);
    if role != Role::Service {
        let ours = |name: &&HeaderName| name.as_str().starts_with("x-tasker-");
        let names: Vec<HeaderName> = headers.keys().filter(ours).cloned().collect();
        for name in names {
            headers.remove(name);
        }
    }
}
