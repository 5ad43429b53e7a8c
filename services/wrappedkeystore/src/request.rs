//! The three forms of a request, read into one typed method.

use std::collections::HashMap;

use serde::Deserialize;
use tasker_core::Json;

/// A body's fields, not looked into yet.
pub type Fields = HashMap<String, Json>;

/// Namespace of a request that names none.
const GLOBAL: &str = "global";
/// Width of the columns, characters.
const MOST: usize = 255;

/// What to do. Everything the service can do is here.
#[derive(Debug, PartialEq, Eq)]
pub enum Method {
    /// Answers the value, or null.
    GetKey(Name),
    /// Answers true.
    SetKey(Name, Secret),
    /// Answers whether there was such a key.
    DeleteKey(Name),
    /// Answers whether [`Method::GetKey`] would find a value.
    HasKey(Name),
    /// Answers the names in a namespace.
    ListKeys(String),
    /// Answers the namespaces that hold keys.
    ListNamespaces,
    /// Answers the time.
    GetServerTime,
    /// Seals everything under the current master key; answers what was done. An action only, so
    /// that no task can ask for it.
    RotateKeys {
        /// Adds a new key to the key file first.
        new_key: bool,
    },
}

/// Where a secret is.
#[derive(Debug, PartialEq, Eq)]
pub struct Name {
    /// Namespace.
    pub namespace: String,
    /// Name in it.
    pub key: String,
}

/// A value that does not print itself.
#[derive(PartialEq, Eq)]
pub struct Secret(pub String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(...)")
    }
}

/// The form of a request, which is the form of its answer too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `action`: two envelopes.
    Action,
    /// `chain` or `method`: the bare value.
    Call,
}

/// Why a request is refused.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Refused {
    /// A field is missing or wrong; says which and what it must be.
    #[error("{0}")]
    Field(String),
    /// A credential that task code, whose form a call is, may not read.
    #[error(
        "{key} is read by {service} alone: call that service, which uses it (hasKey tells whether it is set)"
    )]
    Reserved {
        /// Its name.
        key: &'static str,
        /// Who may.
        service: &'static str,
    },
    /// No such action or method.
    #[error("Unknown {what}: {name}; there are {}", NAMES.join(", "))]
    Unknown {
        /// `action` or `method`.
        what: &'static str,
        /// The name that was sent.
        name: String,
    },
}

/// Credentials that a service reads for itself, and that service. Task code is untrusted: it uses
/// them by asking the service, and never sees them.
const RESERVED: [(&str, &str); 1] = [("GAPI_KEY", "wrappedgapi")];

/// The methods, as requests name them.
pub const NAMES: [&str; 7] =
    ["getKey", "setKey", "deleteKey", "hasKey", "listKeys", "listNamespaces", "getServerTime"];

#[derive(Deserialize)]
struct Link {
    property: String,
    #[serde(default)]
    args: Option<Vec<Json>>,
}

/// Which form a body has; one that has none is answered like an action.
pub fn form(fields: &Fields) -> Form {
    let call = fields.contains_key("chain") || fields.contains_key("method");
    if call && !fields.contains_key("action") { Form::Call } else { Form::Action }
}

/// Reads a body.
pub fn parse(fields: &Fields) -> Result<Method, Refused> {
    if let Some(action) = fields.get("action") {
        let action = text("action", action)?;
        if action == "rotateKeys" {
            let new_key = fields.get("newKey").map_or("false", |v| v.get());
            let wrong = || Refused::Field("'newKey' must be true or false".into());
            let new_key = new_key.parse().map_err(|_| wrong())?;
            return Ok(Method::RotateKeys { new_key });
        }
        let get = |name| fields.get(name).filter(|v| v.get() != "null");
        return method("action", &action, [get("namespace"), get("key"), get("value")]);
    }
    let (name, args) = match (fields.get("chain"), fields.get("method")) {
        (Some(chain), _) => single(chain)?,
        (None, Some(name)) => (text("method", name)?, args(fields.get("args"))?),
        (None, None) => {
            return Err(Refused::Field(
                "Request must include either 'action', 'chain' or 'method'".into(),
            ));
        }
    };
    let method = method("method", &name, positional(&name, &args))?;
    let Method::GetKey(Name { key, .. }) = &method else { return Ok(method) };
    match RESERVED.iter().find(|(name, _)| name == key) {
        Some(&(key, service)) => Err(Refused::Reserved { key, service }),
        None => Ok(method),
    }
}

/// The one link of a chain.
fn single(chain: &Json) -> Result<(String, Vec<Json>), Refused> {
    let wrong = || {
        Refused::Field(
            "'chain' must be an array of one {\"property\": \"<method>\", \"args\": [...]}".into(),
        )
    };
    let mut links: Vec<Link> = serde_json::from_str(chain.get()).map_err(|_| wrong())?;
    match (links.pop(), links.is_empty()) {
        (Some(link), true) => Ok((link.property, link.args.unwrap_or_default())),
        _ => Err(wrong()),
    }
}

fn args(args: Option<&Json>) -> Result<Vec<Json>, Refused> {
    let Some(args) = args else { return Ok(Vec::new()) };
    serde_json::from_str::<Option<Vec<Json>>>(args.get())
        .map(Option::unwrap_or_default)
        .map_err(|_| Refused::Field("'args' must be an array: [namespace, key, value]".into()))
}

/// Arguments are namespace, key, value; a lone one is a key in `global`, where a key is meant.
fn positional<'a>(name: &str, args: &'a [Json]) -> [Option<&'a Json>; 3] {
    let lone = args.len() == 1 && matches!(name, "getKey" | "hasKey" | "deleteKey");
    let at = |i: usize| args.get(i).filter(|v| v.get() != "null");
    if lone { [None, at(0), None] } else { [at(0), at(1), at(2)] }
}

fn method(what: &'static str, name: &str, sent: [Option<&Json>; 3]) -> Result<Method, Refused> {
    let [namespace, key, value] = sent;
    let namespace = || match namespace {
        None => Ok(GLOBAL.to_owned()),
        Some(text) => word("namespace", text),
    };
    let place = || {
        let key =
            key.ok_or_else(|| Refused::Field(format!("{name} needs 'key', the key's name")))?;
        Ok(Name { namespace: namespace()?, key: word("key", key)? })
    };
    Ok(match name {
        "getKey" => Method::GetKey(place()?),
        "hasKey" => Method::HasKey(place()?),
        "deleteKey" => Method::DeleteKey(place()?),
        "setKey" => Method::SetKey(place()?, secret(value)?),
        "listKeys" => Method::ListKeys(namespace()?),
        "listNamespaces" => Method::ListNamespaces,
        "getServerTime" => Method::GetServerTime,
        _ => {
            let name = name.chars().take(60).collect();
            return Err(Refused::Unknown { what, name });
        }
    })
}

fn text(field: &str, value: &Json) -> Result<String, Refused> {
    serde_json::from_str(value.get())
        .map_err(|_| Refused::Field(format!("'{field}' must be a string")))
}

/// A namespace or a key: what the column takes.
fn word(field: &str, value: &Json) -> Result<String, Refused> {
    let text = text(field, value)?;
    if text.is_empty() || text.chars().count() > MOST || text.contains('\0') {
        return Err(Refused::Field(format!(
            "'{field}' must have 1 to {MOST} characters, none of them U+0000"
        )));
    }
    Ok(text)
}

/// A value: a string as it is, anything else as its JSON text.
fn secret(value: Option<&Json>) -> Result<Secret, Refused> {
    let value = value.ok_or_else(|| {
        Refused::Field(
            "setKey needs 'value', which must not be null (deleteKey removes a key)".into(),
        )
    })?;
    let text =
        if value.get().starts_with('"') { text("value", value)? } else { value.get().to_owned() };
    if text.contains('\0') {
        return Err(Refused::Field("'value' must not contain the character U+0000".into()));
    }
    Ok(Secret(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(body: &str) -> Result<Method, Refused> {
        parse(&serde_json::from_str(body).unwrap())
    }

    fn name(namespace: &str, key: &str) -> Name {
        Name { namespace: namespace.into(), key: key.into() }
    }

    #[test]
    fn all_forms_mean_the_same() {
        let a = Method::GetKey(name("n", "k"));
        for body in [
            r#"{"action":"getKey","namespace":"n","key":"k"}"#,
            r#"{"chain":[{"property":"getKey","args":["n","k"]}]}"#,
            r#"{"chain":[{"type":"call","property":"getKey","args":["n","k"]}]}"#,
            r#"{"method":"getKey","args":["n","k"]}"#,
        ] {
            assert_eq!(of(body).as_ref(), Ok(&a), "{body}");
        }
        assert_eq!(
            of(r#"{"method":"hasKey","args":["k"]}"#),
            Ok(Method::HasKey(name("global", "k")))
        );
        let rotate = r#"{"action":"rotateKeys","newKey":true}"#;
        assert_eq!(of(rotate), Ok(Method::RotateKeys { new_key: true }));
        assert!(of(r#"{"action":"rotateKeys","newKey":"yes"}"#).is_err());
        assert!(of(r#"{"method":"rotateKeys","args":[]}"#).is_err(), "not for tasks");
        assert_eq!(of(r#"{"action":"listKeys"}"#), Ok(Method::ListKeys("global".into())));
    }

    #[test]
    fn credentials_of_services_are_not_for_tasks() {
        let reserved = Err(Refused::Reserved { key: "GAPI_KEY", service: "wrappedgapi" });
        for body in [
            r#"{"chain":[{"property":"getKey","args":["any","GAPI_KEY"]}]}"#,
            r#"{"method":"getKey","args":["GAPI_KEY"]}"#,
        ] {
            assert_eq!(of(body), reserved, "{body}");
        }
        let own = r#"{"action":"getKey","namespace":"n","key":"GAPI_KEY"}"#;
        assert_eq!(of(own), Ok(Method::GetKey(name("n", "GAPI_KEY"))));
        let asked = r#"{"method":"hasKey","args":["n","GAPI_KEY"]}"#;
        assert_eq!(of(asked), Ok(Method::HasKey(name("n", "GAPI_KEY"))));
    }

    #[test]
    fn values_keep_their_text() {
        let set = |v: &str| of(&format!(r#"{{"action":"setKey","key":"k","value":{v}}}"#));
        let stored = |t: &str| Ok(Method::SetKey(name("global", "k"), Secret(t.into())));
        assert_eq!(set(r#""a\nb""#), stored("a\nb"));
        assert_eq!(set(r#"{"b": 1.0}"#), stored(r#"{"b": 1.0}"#));
        assert_eq!(set("12345678901234567890123"), stored("12345678901234567890123"));
        assert!(set("null").is_err());
        assert!(!format!("{:?}", set(r#""hidden""#)).contains("hidden"));
    }
}
