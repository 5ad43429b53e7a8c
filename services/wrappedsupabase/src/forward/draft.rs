//! A request to Storage in the making.

use http::Method;
use serde_json::Value;

use super::{Forward, Sent, Shape, Wire, shape::Files};
use crate::fault::Fault;

/// A request in the making.
pub struct Draft {
    /// Method.
    pub method: Method,
    /// Path below `/storage/v1`, encoded.
    pub path: String,
    /// Parameters.
    pub query: Vec<(String, String)>,
    /// Body.
    pub body: Option<Vec<u8>>,
    /// Headers.
    pub headers: Vec<(String, String)>,
    /// What is made of the answer.
    pub files: Files,
}

impl Draft {
    /// One without a body.
    pub fn new(method: Method, path: String, files: Files) -> Self {
        Self { method, path, query: Vec::new(), body: None, headers: Vec::new(), files }
    }

    /// With a JSON body.
    pub fn json(mut self, body: &Value) -> Self {
        self.body = Some(body.to_string().into_bytes());
        self.headers.push(("content-type".into(), "application/json".into()));
        self
    }

    /// With a parameter.
    pub fn query(mut self, name: &str, value: impl Into<String>) -> Self {
        self.query.push((name.to_owned(), value.into()));
        self
    }
}

/// The request, ready to be sent.
pub fn sent(draft: Draft, project: &Forward) -> Result<Sent, Fault> {
    let mut url = project.url(&format!("/storage/v1{}", draft.path))?;
    if !draft.query.is_empty() {
        url.query_pairs_mut().extend_pairs(&draft.query);
    }
    let Draft { method, headers, body, files, .. } = draft;
    let wire = Wire { method, url, headers, body, token: None, retry: false };
    Ok(Sent::Request(Box::new(wire), Box::new(Shape::Storage(files))))
}
