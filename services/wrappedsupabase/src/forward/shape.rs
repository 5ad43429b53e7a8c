//! Answers of Auth and Storage as supabase-js's results: `{data, error}`.

use serde_json::{Map, Value, json};

pub use super::file_shape::Files;
use super::{
    Reply,
    text::{body, message},
};

/// What is made of an answer.
pub enum Shape {
    /// Of Auth.
    Auth(Kind),
    /// Of Storage.
    Storage(Files),
}

/// Answers of Auth.
pub enum Kind {
    /// `{user}`.
    User,
    /// A page of a list, with the numbers of others.
    Page(&'static str),
    /// `{properties, user}`.
    Link,
    /// The answer, under a name.
    Within(&'static str),
    /// `{providers}`.
    Providers,
    /// The answer.
    Data,
    /// The answer, within `data` and `error` once more, as the client has it.
    Wrapped,
    /// Nothing.
    Nothing,
}

impl Shape {
    /// The result. `base` is the project's address.
    pub fn of(&self, reply: Reply, base: &str) -> Value {
        match self {
            Self::Auth(kind) => kind.of(&reply),
            Self::Storage(files) => files.of(&reply, base),
        }
    }
}

impl Kind {
    fn of(&self, reply: &Reply) -> Value {
        if !reply.status.is_success() {
            return json!({ "data": self.without(), "error": self.error(reply) });
        }
        let said = body(reply).unwrap_or_default();
        let data = match self {
            Self::User => {
                let user = said.get("user").filter(|u| !u.is_null()).cloned();
                json!({ "user": user.unwrap_or(said) })
            }
            Self::Page(_) => page(said, reply),
            Self::Link => link(said),
            Self::Within(name) => Value::Object(Map::from_iter([((*name).to_owned(), said)])),
            Self::Providers => {
                json!({ "providers": said.get("providers").cloned().unwrap_or_else(|| json!([])) })
            }
            Self::Data => said,
            Self::Wrapped => json!({ "data": said, "error": null }),
            Self::Nothing => Value::Null,
        };
        json!({ "data": data, "error": null })
    }

    /// The data of a failure.
    fn without(&self) -> Value {
        match self {
            Self::User => json!({ "user": null }),
            Self::Page(name) => Value::Object(Map::from_iter([((*name).to_owned(), json!([]))])),
            Self::Link => json!({ "properties": null, "user": null }),
            Self::Providers => json!({ "providers": [] }),
            _ => Value::Null,
        }
    }

    fn error(&self, reply: &Reply) -> Value {
        let status = reply.status.as_u16();
        let said = body(reply);
        let gateway = matches!(status, 500..=504 | 520..=530);
        let name = match (&said, gateway) {
            (_, true) => "AuthRetryableFetchError",
            (Some(_), _) => "AuthApiError",
            (None, _) => "AuthUnknownError",
        };
        let said = said.unwrap_or_else(
            || json!({ "message": reply.status.canonical_reason().unwrap_or_default() }),
        );
        let code = said["code"].as_str().or_else(|| said["error_code"].as_str());
        json!({ "name": name, "message": message(&said), "status": status, "code": code })
    }
}

/// A page, and the numbers of the next and the last one.
fn page(said: Value, reply: &Reply) -> Value {
    let Value::Object(mut data) = said else { return said };
    let total = reply.header("x-total-count").and_then(|t| t.parse::<u64>().ok()).unwrap_or(0);
    let (mut next, mut last) = (Value::Null, json!(0));
    for link in reply.header("link").unwrap_or_default().split(',') {
        let number = link.split_once("page=").map(|(_, n)| n);
        let digits = number.and_then(|n| n.split(|c: char| !c.is_ascii_digit()).next());
        let number = digits.and_then(|d| d.parse::<u64>().ok());
        let Some(number) = number else { continue };
        if link.contains("rel=\"next\"") {
            next = json!(number);
        } else if link.contains("rel=\"last\"") {
            last = json!(number);
        }
    }
    data.insert("nextPage".into(), next);
    data.insert("lastPage".into(), last);
    data.insert("total".into(), json!(total));
    Value::Object(data)
}

fn link(said: Value) -> Value {
    let Value::Object(mut user) = said else { return said };
    let names = ["action_link", "email_otp", "hashed_token", "redirect_to", "verification_type"];
    let mut properties = Map::new();
    for name in names {
        if let Some(value) = user.shift_remove(name) {
            properties.insert(name.to_owned(), value);
        }
    }
    json!({ "properties": properties, "user": user })
}
