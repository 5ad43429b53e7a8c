//! OpenAPI 3.1 documents, written beside the routes they describe.
//!
//! A [`Document`] is served at `/openapi.json` of its service. What every route has (keys, the shape
//! of errors, the refusals of the gate) is added here once.

use axum::{Router, response::IntoResponse, routing::get};
use http::header;
use serde_json::{Map, Value, json};

/// Path below the mount point.
pub const PATH: &str = "/openapi.json";

/// The document of one service.
#[derive(Clone, Debug)]
pub struct Document(Value);

/// One method of one path.
#[derive(Clone, Debug)]
pub struct Operation {
    value: Value,
    open: bool,
}

impl Document {
    /// A document without paths.
    pub fn new(service: &str, about: &str, version: &str) -> Self {
        Self(json!({
            "openapi": "3.1.0",
            "info": { "title": format!("tasker {service}"), "description": about, "version": version },
            "servers": [{ "url": format!("/functions/v1/{service}") }],
            "security": [{ "apikey": [] }, { "bearer": [] }],
            "paths": {},
            "components": {
                "securitySchemes": {
                    "apikey": { "type": "apiKey", "in": "header", "name": "apikey" },
                    "bearer": { "type": "http", "scheme": "bearer", "bearerFormat": "JWT" },
                },
                "schemas": { "Error": error() },
            },
        }))
    }

    /// Adds `GET path`.
    #[must_use]
    pub fn get(self, path: &str, operation: Operation) -> Self {
        self.add("get", path, operation)
    }

    /// Adds `POST path`.
    #[must_use]
    pub fn post(self, path: &str, operation: Operation) -> Self {
        self.add("post", path, operation)
    }

    /// Adds `DELETE path`.
    #[must_use]
    pub fn delete(self, path: &str, operation: Operation) -> Self {
        self.add("delete", path, operation)
    }

    /// Adds a schema that operations name with [`named`].
    #[must_use]
    pub fn schema(mut self, name: &str, schema: Value) -> Self {
        self.0["components"]["schemas"][name] = schema;
        self
    }

    fn add(mut self, method: &str, path: &str, operation: Operation) -> Self {
        let Operation { mut value, open } = operation;
        value["operationId"] = operation_id(method, path).into();
        if open {
            value["security"] = json!([]);
        } else {
            value["responses"]["401"] = refusal("No key, or one that does not hold");
            value["responses"]["403"] = refusal("The key is not enough for this route");
        }
        value["responses"]["default"] = refusal("Any other error");
        self.0["paths"][path][method] = value;
        self
    }

    /// The paths, as they are routed.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.0["paths"].as_object().into_iter().flat_map(Map::keys).map(String::as_str)
    }

    /// The document itself.
    pub fn json(&self) -> &Value {
        &self.0
    }

    /// A route that serves it.
    pub fn serve<S: Clone + Send + Sync + 'static>(self) -> Router<S> {
        let text = self.0.to_string();
        let answer = move || async move {
            ([(header::CONTENT_TYPE, "application/json")], text).into_response()
        };
        Router::new().route(PATH, get(answer))
    }
}

/// `get` and `/status/{id}` become `get_status_id`.
fn operation_id(method: &str, path: &str) -> String {
    let words = path.split(|c: char| !c.is_ascii_alphanumeric()).filter(|w| !w.is_empty());
    std::iter::once(method).chain(words).collect::<Vec<_>>().join("_")
}

impl Operation {
    /// An operation with one line about it.
    pub fn new(summary: &str) -> Self {
        Self { value: json!({ "summary": summary, "responses": {} }), open: false }
    }

    /// It asks for no key.
    #[must_use]
    pub fn open(mut self) -> Self {
        self.open = true;
        self
    }

    /// More about it.
    #[must_use]
    pub fn about(mut self, text: &str) -> Self {
        self.value["description"] = text.into();
        self
    }

    /// A parameter of the query string that may be left out.
    #[must_use]
    pub fn query(self, name: &str, schema: Value, about: &str) -> Self {
        self.parameter("query", name, schema, about)
    }

    /// A part of the path.
    #[must_use]
    pub fn path(self, name: &str, schema: Value, about: &str) -> Self {
        self.parameter("path", name, schema, about)
    }

    /// A header that may be left out.
    #[must_use]
    pub fn header(self, name: &str, schema: Value, about: &str) -> Self {
        self.parameter("header", name, schema, about)
    }

    fn parameter(mut self, place: &str, name: &str, schema: Value, about: &str) -> Self {
        let parameter = json!({
            "in": place, "name": name, "required": place == "path",
            "description": about, "schema": schema,
        });
        match self.value["parameters"].as_array_mut() {
            Some(list) => list.push(parameter),
            None => self.value["parameters"] = json!([parameter]),
        }
        self
    }

    /// The JSON body it takes.
    #[must_use]
    pub fn body(mut self, schema: Value) -> Self {
        let content = json!({ "application/json": { "schema": schema } });
        self.value["requestBody"] = json!({ "required": true, "content": content });
        self
    }

    /// An answer with a JSON body.
    #[must_use]
    pub fn answers(mut self, status: u16, about: &str, schema: Value) -> Self {
        let content = json!({ "application/json": { "schema": schema } });
        self.value["responses"][status.to_string()] =
            json!({ "description": about, "content": content });
        self
    }

    /// Errors it answers beside those of every route.
    #[must_use]
    pub fn refuses(mut self, errors: &[(u16, &str)]) -> Self {
        for (status, about) in errors {
            self.value["responses"][status.to_string()] = refusal(about);
        }
        self
    }
}

fn refusal(about: &str) -> Value {
    let content = json!({ "application/json": { "schema": named("Error") } });
    json!({ "description": about, "content": content })
}

/// Every error has its text in `error`; refusals of the gate have the other names too.
fn error() -> Value {
    let text = json!({ "type": "string" });
    json!({
        "type": "object",
        "required": ["error"],
        "properties": {
            "error": true, "success": { "const": false },
            "code": text, "message": text, "msg": text,
        },
    })
}

/// A schema of [`Document::schema`].
pub fn named(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

/// An object: its fields, and which of them must be there.
pub fn object(required: &[&str], fields: Value) -> Value {
    json!({ "type": "object", "required": required, "properties": fields })
}

/// `{"success":true,"data":...}`.
pub fn enveloped(data: Value) -> Value {
    object(&["success", "data"], json!({ "success": { "const": true }, "data": data }))
}

/// What `/health` answers.
pub fn health() -> Operation {
    let well = object(&["status"], json!({ "status": { "type": "string" } }));
    Operation::new("Whether the service is there").open().answers(200, "It is", well)
}
