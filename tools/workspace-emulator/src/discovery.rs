//! What the discovery documents say: method ids by path, and the scopes that each takes.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde_json::Value;

const DOCUMENTS: [(&str, &str, &str); 2] = [
    ("admin", "directory_v1", include_str!("../data/admin.directory_v1.json")),
    ("gmail", "v1", include_str!("../data/gmail.v1.json")),
];

/// A method of an API.
#[derive(Debug, Clone)]
pub struct Method {
    /// Like `gmail.users.messages.list`.
    pub id: String,
    /// A token needs one of these.
    pub scopes: Vec<String>,
}

static METHODS: LazyLock<HashMap<(String, String), Method>> = LazyLock::new(|| {
    let mut methods = HashMap::new();
    for (_, _, text) in DOCUMENTS {
        collect(&serde_json::from_str(text).unwrap_or_default(), &mut methods);
    }
    methods
});

/// The method behind an HTTP verb and a path template such as `/gmail/v1/users/{userId}/messages`.
pub fn method(verb: &str, template: &str) -> Option<&'static Method> {
    METHODS.get(&(verb.to_owned(), template.to_owned()))
}

/// A document with its root pointed at this emulator.
pub fn document(api: &str, version: &str, root: &str) -> Option<Value> {
    let (_, _, text) = DOCUMENTS.iter().find(|(a, v, _)| *a == api && *v == version)?;
    let mut document: Value = serde_json::from_str(text).ok()?;
    document["rootUrl"] = Value::from(format!("{root}/"));
    document["baseUrl"] = document["rootUrl"].clone();
    Some(document)
}

fn collect(node: &Value, methods: &mut HashMap<(String, String), Method>) {
    let children = |name: &str| node[name].as_object().into_iter().flat_map(|map| map.values());
    for method in children("methods") {
        let text = |name: &str| method[name].as_str().unwrap_or_default().to_owned();
        let scopes = method["scopes"].as_array().into_iter().flatten();
        let scopes = scopes.filter_map(Value::as_str).map(str::to_owned).collect();
        let key = (text("httpMethod"), format!("/{}", text("path")));
        methods.insert(key, Method { id: text("id"), scopes });
    }
    children("resources").for_each(|resource| collect(resource, methods));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_methods_by_path() {
        let list = method("GET", "/gmail/v1/users/{userId}/messages").unwrap();
        assert_eq!(list.id, "gmail.users.messages.list");
        assert!(list.scopes.iter().any(|s| s.ends_with("gmail.readonly")));
        assert_eq!(method("GET", "/admin/directory/v1/users").unwrap().id, "directory.users.list");
        assert!(document("gmail", "v1", "http://x").is_some());
        assert!(document("drive", "v3", "http://x").is_none());
    }
}
