//! Answers of Storage as supabase-js's results.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::header;
use serde_json::{Value, json};

use super::{
    Reply,
    text::{body, encode_uri, message},
};

/// Answers of Storage.
pub enum Files {
    /// The answer.
    Json,
    /// `{path, id, fullPath}`; no id for a signed one.
    Uploaded(String, bool),
    /// `{path}`.
    Copied,
    /// `{signedUrl}`, and what follows it.
    Signed(String),
    /// A list of them.
    AllSigned(String),
    /// `{signedUrl, token, path}`.
    UploadUrl(String),
    /// The answer, its names in camel case.
    Camel,
    /// True or false.
    Exists,
    /// The file.
    Download,
}

impl Files {
    /// The result. `base` is the project's address.
    pub fn of(&self, reply: &Reply, base: &str) -> Value {
        if let Self::Exists = self {
            return exists(reply);
        }
        if !reply.status.is_success() {
            return json!({ "data": null, "error": error(reply) });
        }
        let data = match self {
            Self::Download => downloaded(reply),
            _ => match body(reply) {
                Some(said) => self.data(said, &format!("{base}/storage/v1")),
                None => {
                    let message = "the answer is no JSON";
                    let error = json!({ "name": "StorageUnknownError", "message": message });
                    return json!({ "data": null, "error": error });
                }
            },
        };
        json!({ "data": data, "error": null })
    }

    fn data(&self, said: Value, storage: &str) -> Value {
        let signed = |said: &Value, rest: &str| match said["signedURL"].as_str() {
            Some(path) if rest.is_empty() => encoded(&format!("{storage}{path}")),
            Some(path) => encoded(&format!("{storage}{path}&{rest}")),
            None => Value::Null,
        };
        match self {
            Self::Uploaded(path, true) => {
                json!({ "path": path, "id": said["Id"], "fullPath": said["Key"] })
            }
            Self::Uploaded(path, false) => json!({ "path": path, "fullPath": said["Key"] }),
            Self::Copied => json!({ "path": said["Key"] }),
            Self::Signed(rest) => json!({ "signedUrl": signed(&said, rest) }),
            Self::AllSigned(rest) => {
                let Value::Array(all) = said else { return said };
                let one = |mut one: Value| {
                    one["signedUrl"] = signed(&one, rest);
                    one
                };
                all.into_iter().map(one).collect()
            }
            Self::UploadUrl(path) => {
                let url = format!("{storage}{}", said["url"].as_str().unwrap_or_default());
                let parsed = reqwest::Url::parse(&url).ok();
                let token = parsed.as_ref().and_then(|u| {
                    u.query_pairs().find(|(k, _)| k == "token").map(|(_, v)| v.into_owned())
                });
                json!({ "signedUrl": parsed.map(String::from), "path": path, "token": token })
            }
            Self::Camel => camel(said),
            Self::Json | Self::Exists | Self::Download => said,
        }
    }
}

/// `encodeURI`, which leaves what an address may hold as it is.
fn encoded(url: &str) -> Value {
    encode_uri(url).into()
}

fn error(reply: &Reply) -> Value {
    let status = reply.status.as_u16();
    let said = body(reply);
    let code = said.as_ref().and_then(|s| s["statusCode"].as_str().or_else(|| s["code"].as_str()));
    let code = code.map_or_else(|| status.to_string(), str::to_owned);
    let text = said
        .as_ref()
        .map_or_else(|| reply.status.canonical_reason().unwrap_or_default().to_owned(), message);
    json!({ "name": "StorageApiError", "message": text, "status": status, "statusCode": code })
}

/// A file that is not there is no error, as long as the server says just that.
fn exists(reply: &Reply) -> Value {
    match reply.status.as_u16() {
        200..=299 => json!({ "data": true, "error": null }),
        400 | 404 => json!({ "data": false, "error": error(reply) }),
        _ => json!({ "data": null, "error": error(reply) }),
    }
}

/// A file as JSON: its type, size, base64, and its text if it is text.
fn downloaded(reply: &Reply) -> Value {
    let kind = reply.header(header::CONTENT_TYPE.as_str()).unwrap_or("application/octet-stream");
    let mut data =
        json!({ "type": kind, "size": reply.body.len(), "base64": STANDARD.encode(&reply.body) });
    if let Ok(text) = std::str::from_utf8(&reply.body) {
        data["text"] = text.into();
    }
    data
}

fn camel(value: Value) -> Value {
    match value {
        Value::Array(all) => all.into_iter().map(camel).collect(),
        Value::Object(fields) => {
            let name = |name: String| {
                let mut words = name.split('_');
                let mut out = words.next().unwrap_or_default().to_owned();
                for word in words {
                    let mut letters = word.chars();
                    out.extend(letters.next().map(|c| c.to_ascii_uppercase()));
                    out.push_str(letters.as_str());
                }
                out
            };
            Value::Object(fields.into_iter().map(|(n, v)| (name(n), camel(v))).collect())
        }
        other => other,
    }
}
