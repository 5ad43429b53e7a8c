//! A call as its service gets it, and how that service is found.

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::Step;

/// The name under which a service is registered that task code calls `name`: itself, or
/// `wrapped<name>`. Aliases that are older than this rule are in [`resolve_alias`](super::resolve_alias).
pub fn registered(name: &str, knows: impl Fn(&str) -> bool) -> Option<String> {
    if knows(name) {
        return Some(name.to_owned());
    }
    Some(format!("wrapped{name}")).filter(|wrapped| knows(wrapped))
}

/// Body of a request to a wrapped service: the call as a chain of links.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ServiceRequest {
    /// What was called, e.g. `[{"property":"users"},{"property":"list","args":[{}]}]`.
    pub chain: Vec<Step>,
}

impl ServiceRequest {
    /// The dotted method, e.g. `users.list`.
    pub fn method(&self) -> String {
        self.chain.iter().map(|s| s.property.as_str()).collect::<Vec<_>>().join(".")
    }

    /// The arguments of the last link, read as what the method takes: a tuple or an array.
    pub fn args<T: DeserializeOwned>(&self) -> Result<T, String> {
        let args = self.chain.last().and_then(|s| s.args.as_ref()).map_or("[]", |a| a.get());
        serde_json::from_str(args).map_err(|e| format!("arguments of {}: {e}", self.method()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_registered_service_is_found_by_both_names() {
        let knows = |name: &str| ["wrappedwebhook", "plain"].contains(&name);
        assert_eq!(registered("webhook", knows).as_deref(), Some("wrappedwebhook"));
        assert_eq!(registered("wrappedwebhook", knows).as_deref(), Some("wrappedwebhook"));
        assert_eq!(registered("plain", knows).as_deref(), Some("plain"));
        assert_eq!(registered("wrappedplain", knows), None);
    }

    #[test]
    fn a_request_is_read_as_method_and_arguments() {
        let text = r#"{"chain":[{"property":"users"},{"property":"list","args":[{"n":1},"x"]}]}"#;
        let request: ServiceRequest = serde_json::from_str(text).unwrap();
        assert_eq!(request.method(), "users.list");
        let (first, second): (serde_json::Value, String) = request.args().unwrap();
        assert_eq!((first["n"].as_i64(), second.as_str()), (Some(1), "x"));
        assert!(request.args::<(String,)>().unwrap_err().contains("users.list"));
    }
}
