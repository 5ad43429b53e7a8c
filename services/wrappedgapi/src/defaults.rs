//! What the original service filled in by itself, and limits that Google states in prose only.

use serde_json::{Map, Value};

use crate::document::Parameter;
use crate::resolve::Target;

/// Google's name for "the customer of whoever asks".
pub const MY_CUSTOMER: &str = "my_customer";

const PAGE_LIMIT: &str = "500";
/// Directory's limit for groups and their members.
const SHORT_PAGE_LIMIT: &str = "200";

/// Fills in absent parameters: Gmail's `userId`, Directory's customer, the page size of
/// `admin.users.list`, and the older spelling `messageId`.
pub fn fill(target: &Target, params: &mut Map<String, Value>) {
    if target.document.name == "gmail" {
        set_absent(target, params, "userId", "me");
        if target.path == "gmail.users.messages.get"
            && !params.contains_key("id")
            && let Some(id) = params.remove("messageId")
        {
            params.insert("id".to_owned(), id);
        }
    }
    if target.document.version != "directory_v1" {
        return;
    }
    for name in ["customer", "customerId", "customerKey"] {
        let required = target.method.parameters.get(name).is_some_and(|p| p.required);
        if required || (name == "customer" && needs_customer(target, params)) {
            set_absent(target, params, name, MY_CUSTOMER);
        }
    }
    if target.path == "admin.users.list" && !params.contains_key("maxResults") {
        params.insert("maxResults".to_owned(), 100.into());
    }
}

/// The parameter with the bounds that Google documents in prose.
pub fn bounded(target: &Target, name: &str, parameter: &Parameter) -> Parameter {
    let mut parameter = parameter.clone();
    let prose = target.document.version == "directory_v1" || target.document.name == "gmail";
    if prose && name == "maxResults" {
        parameter.minimum.get_or_insert_with(|| "1".to_owned());
        let short = matches!(target.path.as_str(), "admin.groups.list" | "admin.members.list");
        let most = if short { SHORT_PAGE_LIMIT } else { PAGE_LIMIT };
        parameter.maximum.get_or_insert_with(|| most.to_owned());
    }
    parameter
}

/// `admin.users.list` always names a customer, as the original did; other lists only when nothing
/// else says whose entries are meant.
fn needs_customer(target: &Target, params: &Map<String, Value>) -> bool {
    let others = ["domain", "userKey"];
    target.path == "admin.users.list" || !others.iter().any(|name| params.contains_key(*name))
}

fn set_absent(target: &Target, params: &mut Map<String, Value>, name: &str, value: &str) {
    if target.method.parameters.contains_key(name) && !params.contains_key(name) {
        params.insert(name.to_owned(), value.into());
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::discovery::Catalogue;
    use crate::resolve::resolve;

    fn filled(path: &str, params: Value) -> Value {
        let target = resolve(Catalogue::embedded(), path).unwrap();
        let Value::Object(mut params) = params else { panic!() };
        fill(&target, &mut params);
        Value::Object(params)
    }

    #[test]
    fn the_originals_defaults_are_kept() {
        assert_eq!(filled("admin.domains.list", json!({})), json!({"customer": "my_customer"}));
        assert_eq!(
            filled("admin.users.list", json!({"domain": "a.example"})),
            json!({"domain": "a.example", "customer": "my_customer", "maxResults": 100})
        );
        assert_eq!(filled("admin.groups.list", json!({"domain": "a"})), json!({"domain": "a"}));
        assert_eq!(filled("admin.groups.list", json!({})), json!({"customer": "my_customer"}));
        assert_eq!(filled("gmail.users.messages.list", json!({})), json!({"userId": "me"}));
        assert_eq!(
            filled("gmail.users.messages.get", json!({"messageId": "m", "userId": "a@b"})),
            json!({"id": "m", "userId": "a@b"})
        );
        assert_eq!(filled("drive.files.list", json!({})), json!({}));
    }
}
