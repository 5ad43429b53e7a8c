//! supabase-js's result object.

use axum::{
    Json as Body,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use tasker_core::{Json, json};

use crate::fault::Fault;

/// A request that was answered.
#[derive(Debug, Serialize, Deserialize)]
pub struct Outcome {
    /// The data, byte for byte.
    pub data: Json,
    /// Rows there are, if they were counted.
    pub count: Option<u64>,
    /// The status.
    #[serde(with = "number")]
    pub status: StatusCode,
}

/// A status as JSON.
mod number {
    use http::StatusCode;
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    pub fn serialize<S: Serializer>(status: &StatusCode, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_u16(status.as_u16())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<StatusCode, D::Error> {
        StatusCode::from_u16(u16::deserialize(d)?).map_err(D::Error::custom)
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Result_ {
    success: bool,
    error: Json,
    data: Json,
    count: Option<u64>,
    status: u16,
    status_text: String,
}

/// The answer to a request of the database.
pub fn of(outcome: Outcome) -> Response {
    let Outcome { data, count, status } = outcome;
    let body = Result_ {
        success: true,
        error: json::null(),
        data,
        count,
        status: status.as_u16(),
        status_text: text(status),
    };
    Body(body).into_response()
}

/// The answer to a request that failed. `throw` makes the call fail that asked for it.
pub fn failed(fault: &Fault, throw: bool) -> Response {
    let body = Result_ {
        success: false,
        error: fault.error(),
        data: json::null(),
        count: fault.count,
        status: fault.status.map_or(0, |s| s.as_u16()),
        status_text: fault.status.map_or_else(String::new, text),
    };
    let thrown = fault.status.filter(|s| throw && s.as_u16() >= 400);
    let status =
        if fault.http == StatusCode::OK { thrown.unwrap_or(fault.http) } else { fault.http };
    let mut response = (status, Body(body)).into_response();
    if fault.http == StatusCode::SERVICE_UNAVAILABLE {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}

/// The answer of another part of the client: its own object.
pub fn object(value: &serde_json::Value) -> Response {
    Body(value).into_response()
}

fn text(status: StatusCode) -> String {
    status.canonical_reason().unwrap_or_default().to_owned()
}
