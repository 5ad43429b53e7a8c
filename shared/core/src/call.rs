//! A host call: what `__callHostTool__(service, path, args)` asks for.

mod options;
mod secret;
mod service;

use serde::Deserialize;

use crate::{
    StackRunId,
    json::{self, Json},
};
pub use options::{CallOptions, OWN_KEYS, Retry};
pub use secret::{KEYSTORE, secret_args, secret_result};
pub use service::{ServiceRequest, registered};

/// The services, by the last segment of their address.
pub const SERVICES: [&str; 7] = [
    "tasks",
    "simple-stack-processor",
    "deno-executor",
    "wrappedgapi",
    "wrappedkeystore",
    "wrappedsupabase",
    "wrappedfetch",
];

/// Name of the pseudo service whose calls are durable `setTimeout`s.
pub const TIMER: &str = "timer";

/// One call a task made, with its alias resolved.
#[derive(Clone, Debug)]
pub struct HostCall {
    /// Wrapped service, e.g. `wrappedgapi`.
    pub service: String,
    /// Dotted method path, e.g. `admin.domains.list`.
    pub method: String,
    /// Positional arguments (an array), or `{"chain":[...]}` when the path carried arguments.
    pub args: Json,
    /// How it is to be made. A replay may ask for it otherwise.
    pub options: CallOptions,
}

impl PartialEq for HostCall {
    fn eq(&self, other: &Self) -> bool {
        self.service == other.service
            && self.method == other.method
            && self.args.get() == other.args.get()
    }
}

/// Short names that task code uses, and the services they stand for.
pub fn resolve_alias(name: &str) -> &str {
    match name {
        "gapi" => "wrappedgapi",
        "keystore" => "wrappedkeystore",
        "database" | "supabase" => "wrappedsupabase",
        "fetch" => "wrappedfetch",
        "openai" => "wrappedopenai",
        "websearch" => "wrappedwebsearch",
        other => other,
    }
}

#[derive(Deserialize)]
struct Asked {
    service: String,
    path: Json,
    #[serde(default, deserialize_with = "json::present")]
    args: Option<Json>,
    #[serde(default)]
    options: Option<Json>,
}

/// A link of a call chain, as the wrapped services take it.
#[derive(Clone, Debug, serde::Serialize, Deserialize)]
pub struct Step {
    /// Property or method name.
    pub property: String,
    /// Arguments of the call at this link; absent for a plain property.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub args: Option<Json>,
}

impl HostCall {
    /// A call made the usual way.
    pub fn new(service: impl Into<String>, method: impl Into<String>, args: Json) -> Self {
        let options = CallOptions::default();
        Self { service: service.into(), method: method.into(), args, options }
    }

    /// Reads `{"service","path","args"}` as the engine's prelude sends it.
    ///
    /// The path is a dotted string, an array of names, or an array that holds `{property, args}`
    /// links (a supabase-js chain, where several links carry arguments).
    pub fn parse(asked: &str) -> Result<Self, String> {
        let usage = |_| {
            "__callHostTool__(service, path, args): service must be a string and path a string, \
             an array of names, or an array of {property, args}"
                .to_owned()
        };
        let asked: Asked = serde_json::from_str(asked).map_err(usage)?;
        let service = resolve_alias(&asked.service).to_owned();
        let options = asked
            .options
            .map_or_else(|| Ok(CallOptions::default()), |o| CallOptions::parse(o.get()))?;
        let positional = asked.args.filter(|a| a.get() != "null");
        let path = asked.path.get();
        let (method, args) = if path.starts_with('"') {
            (serde_json::from_str(path).map_err(usage)?, positional)
        } else {
            let links: Vec<Json> = serde_json::from_str(path).map_err(usage)?;
            let links = links.iter().map(|l| link(l.get())).collect::<Result<_, _>>();
            from_links(links.map_err(usage)?, positional)?
        };
        if method.is_empty() {
            return Err("__callHostTool__(service, path, args): path is empty".to_owned());
        }
        // What the database's columns hold.
        let too_long = service.chars().count() > 100 || method.len() > 4_000;
        if too_long || service.contains('\0') || method.contains('\0') {
            let what = "__callHostTool__(service, path, args)";
            return Err(format!("{what}: service or path is too long or holds a NUL"));
        }
        let args = args.unwrap_or_else(|| json::of::<[(); 0]>(&[]));
        Ok(Self { service, method, args, options })
    }

    /// The chain that the wrapped service is sent.
    pub fn chain(&self) -> Vec<Step> {
        #[derive(Deserialize)]
        struct Links {
            chain: Vec<Step>,
        }
        // Positional arguments are an array, which would be read as a struct's fields too.
        if self.args.get().starts_with('{')
            && let Ok(links) = serde_json::from_str::<Links>(self.args.get())
        {
            return links.chain;
        }
        let names: Vec<&str> = self.method.split('.').collect();
        let last = names.len() - 1;
        let link = |(i, name): (usize, &str)| Step {
            property: name.to_owned(),
            args: (i == last).then(|| self.args.clone()),
        };
        names.into_iter().enumerate().map(link).collect()
    }

    /// The key under which a service knows the call of this row, whenever it is sent.
    pub fn key(options: &CallOptions, row: StackRunId) -> String {
        options.idempotency_key.clone().unwrap_or_else(|| format!("{OWN_KEYS}{row}"))
    }

    /// Whether the call changes nothing anywhere, so that it may be made and forgotten: HTTP's "safe"
    /// (RFC 9110, 9.2.1). Such a call may go out before what led to it is on record.
    pub fn is_safe(&self) -> bool {
        let verb = self.method.rsplit('.').next().unwrap_or_default();
        match self.service.as_str() {
            "wrappedgapi" => self.is_idempotent_by_name() && verb != "clearTokenCache",
            "wrappedfetch" => matches!(verb, "GET" | "HEAD" | "OPTIONS"),
            "wrappedkeystore" => matches!(verb, "getKey" | "hasKey" | "listKeys"),
            "wrappedsupabase" => {
                const CHANGES: [&str; 7] =
                    ["insert", "update", "upsert", "delete", "rpc", "auth", "storage"];
                !self.method.split('.').any(|link| CHANGES.contains(&link))
            }
            _ => false,
        }
    }

    /// Whether repeating the call after an unknown outcome does no harm. Everything unknown is
    /// not: such a call waits for a person instead of being sent twice.
    pub fn is_idempotent(&self) -> bool {
        self.options.idempotency_key.is_some() || self.is_idempotent_by_name()
    }

    fn is_idempotent_by_name(&self) -> bool {
        let verb = self.method.rsplit('.').next().unwrap_or_default();
        match self.service.as_str() {
            TIMER => true,
            // The run below is created once per calling row, whoever asks again.
            "tasks" => true,
            "wrappedkeystore" => true,
            // HTTP's own word for it (RFC 9110, 9.2.2).
            "wrappedfetch" => matches!(verb, "GET" | "HEAD" | "OPTIONS" | "PUT" | "DELETE"),
            "wrappedgapi" => matches!(
                verb,
                "get"
                    | "list"
                    | "aggregatedList"
                    | "search"
                    | "getProfile"
                    | "query"
                    | "echo"
                    | "checkCredentials"
                    | "getTokenInfo"
                    | "clearTokenCache"
                    | "getStepData"
                    | "getStartPageToken"
                    | "export"
                    | "batchGet"
                    | "searchDirectoryPeople"
            ),
            // A change of a table is remembered under the call's key, and a repeat of it answered
            // from that. What goes to other parts of a project is not.
            "wrappedsupabase" => !self.method.split('.').any(|m| matches!(m, "auth" | "storage")),
            _ => false,
        }
    }
}

/// One element of an array path: a name, or a link with its own arguments.
fn link(text: &str) -> Result<Step, serde_json::Error> {
    if text.starts_with('"') {
        return Ok(Step { property: serde_json::from_str(text)?, args: None });
    }
    serde_json::from_str(text)
}

fn from_links(
    links: Vec<Step>,
    positional: Option<Json>,
) -> Result<(String, Option<Json>), String> {
    let method = links.iter().map(|s| s.property.as_str()).collect::<Vec<_>>().join(".");
    if links.iter().all(|l| l.args.is_none()) {
        return Ok((method, positional));
    }
    if positional.is_some() {
        return Err("give arguments in the path's links or as the third argument, not both".into());
    }
    #[derive(serde::Serialize)]
    struct Chain {
        chain: Vec<Step>,
    }
    Ok((method, Some(json::of(&Chain { chain: links }))))
}

#[cfg(test)]
mod tests;
