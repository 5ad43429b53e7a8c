//! Who may call what, in one table. `docs/auth.md` says the same to people.

use http::Method;

/// Who is let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    /// Everybody: says that the service is there and what it offers, and nothing else.
    Open,
    /// Whoever has a key or a token of the project; the handler limits them to what is theirs.
    Client,
    /// The service role.
    Service,
}

/// Routes for clients: a service, a method, and a path below its mount point (`*`: one more step).
const CLIENT: [(&str, Method, &str); 5] = [
    ("tasks", Method::POST, "/"),
    ("tasks", Method::POST, "/execute"),
    ("tasks", Method::GET, "/status"),
    ("tasks", Method::GET, "/status/*"),
    ("tasks", Method::GET, "/logs"),
];

/// Who may send `method` to `path` of a service. What is in no table is for the service role.
pub(super) fn access(service: &str, method: &Method, path: &str) -> Access {
    let method = if method == Method::HEAD { &Method::GET } else { method };
    if method == Method::GET && matches!(path, "" | "/" | "/health" | "/openapi.json") {
        return Access::Open;
    }
    let listed = CLIENT.iter().any(|(s, m, p)| *s == service && m == method && matches(p, path));
    if listed { Access::Client } else { Access::Service }
}

fn matches(pattern: &str, path: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(start) => {
            path.strip_prefix(start).is_some_and(|id| !id.is_empty() && !id.contains('/'))
        }
        None => path == pattern || (pattern == "/" && path.is_empty()),
    }
}
