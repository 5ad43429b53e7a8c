//! The shape of a Google API discovery document, reduced to what a dispatcher needs.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;

/// One API version: where it lives and which methods it has.
#[derive(Debug)]
pub struct Document {
    /// API name, such as `gmail` or `admin`.
    pub name: String,
    /// Version, such as `v1` or `directory_v1`.
    pub version: String,
    /// Scheme and host with a trailing slash, such as `https://gmail.googleapis.com/`.
    pub root_url: String,
    /// Path between the root and every method's own path; often empty.
    pub service_path: String,
    /// Parameters that every method takes (`fields`, `alt`, `quotaUser`, ...).
    pub parameters: BTreeMap<String, Parameter>,
    /// Methods by resource path, such as `users.messages.list`.
    pub methods: BTreeMap<String, Arc<Method>>,
}

/// One callable method.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Method {
    /// Google's own id. Its prefix need not be the API's name, so it is never used to dispatch.
    pub id: String,
    /// `GET`, `POST`, `PUT`, `PATCH` or `DELETE`.
    pub http_method: String,
    /// Path template with `{x}` and `{+x}`.
    pub path: String,
    /// Path and query parameters by name.
    #[serde(default)]
    pub parameters: BTreeMap<String, Parameter>,
    /// OAuth scopes, any one of which is enough.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// Present when the method takes a JSON body.
    pub request: Option<Value>,
    /// Present when the method answers JSON.
    pub response: Option<Value>,
    /// Present when the method takes media.
    pub media_upload: Option<MediaUpload>,
    /// Whether `alt=media` is allowed.
    #[serde(default)]
    pub supports_media_download: bool,
}

/// One path or query parameter.
#[derive(Debug, Clone, Deserialize)]
pub struct Parameter {
    /// `path` or `query`.
    #[serde(default)]
    pub location: String,
    /// `string`, `integer`, `boolean` or `number`.
    #[serde(default, rename = "type")]
    pub kind: String,
    /// Whether a call without it is refused.
    #[serde(default)]
    pub required: bool,
    /// Whether it is sent once for each value.
    #[serde(default)]
    pub repeated: bool,
    /// Regular expression that a `{+x}` value must match.
    pub pattern: Option<String>,
    /// Lower bound as decimal text.
    pub minimum: Option<String>,
    /// Upper bound as decimal text.
    pub maximum: Option<String>,
}

/// What media a method takes and where it goes.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MediaUpload {
    /// Accepted media types, such as `message/*`.
    #[serde(default)]
    pub accept: Vec<String>,
    /// Largest upload as decimal text, in bytes.
    pub max_size: Option<String>,
    /// Upload protocols.
    pub protocols: Protocols,
}

/// The two upload protocols of Google APIs.
#[derive(Debug, Deserialize)]
pub struct Protocols {
    /// One request, with or without metadata.
    pub simple: Option<Protocol>,
    /// A session of chunks.
    pub resumable: Option<Protocol>,
}

/// Where an upload protocol listens.
#[derive(Debug, Deserialize)]
pub struct Protocol {
    /// Path template below the root URL.
    pub path: String,
}

impl Document {
    /// Parses a discovery document.
    ///
    /// # Errors
    /// When the text is not JSON or lacks a field that a call needs.
    pub fn parse(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        let raw: RawDocument = serde_json::from_slice(bytes)?;
        let mut methods = BTreeMap::new();
        flatten("", raw.methods, raw.resources, &mut methods);
        Ok(Self {
            name: raw.name,
            version: raw.version,
            root_url: raw.root_url,
            service_path: raw.service_path,
            parameters: raw.parameters,
            methods,
        })
    }
}

impl Method {
    /// A method that changes nothing may be sent again after a lost answer.
    pub fn is_idempotent(&self) -> bool {
        self.http_method == "GET"
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawDocument {
    name: String,
    version: String,
    root_url: String,
    #[serde(default)]
    service_path: String,
    #[serde(default)]
    parameters: BTreeMap<String, Parameter>,
    #[serde(default)]
    methods: BTreeMap<String, Method>,
    #[serde(default)]
    resources: BTreeMap<String, Resource>,
}

#[derive(Deserialize)]
struct Resource {
    #[serde(default)]
    methods: BTreeMap<String, Method>,
    #[serde(default)]
    resources: BTreeMap<String, Resource>,
}

fn flatten(
    prefix: &str,
    methods: BTreeMap<String, Method>,
    resources: BTreeMap<String, Resource>,
    out: &mut BTreeMap<String, Arc<Method>>,
) {
    for (name, method) in methods {
        out.insert(format!("{prefix}{name}"), Arc::new(method));
    }
    for (name, resource) in resources {
        flatten(&format!("{prefix}{name}."), resource.methods, resource.resources, out);
    }
}
