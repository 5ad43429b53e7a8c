//! supabase-js's result object.

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};
use serde_json::{Value, json};
use tasker_store::TableOp;

use crate::{
    chain::{Plan, Rows},
    fault::Fault,
};

/// The result of a query that the database accepted.
pub fn of(plan: &Plan, mut rows: Vec<Value>) -> Response {
    let status = match (&plan.query.op, plan.query.returning) {
        (TableOp::Insert(_) | TableOp::Upsert(..), _) => StatusCode::CREATED,
        (_, true) => StatusCode::OK,
        (_, false) => StatusCode::NO_CONTENT,
    };
    if !plan.query.returning {
        return Json(result(Value::Null, Value::Null, status)).into_response();
    }
    if let Some(most) = plan.cut {
        rows.truncate(most as usize);
    }
    let data = match (plan.rows, rows.len()) {
        (Rows::Many, _) => Value::Array(rows),
        (_, 1) => rows.remove(0),
        (Rows::OneOrNone, 0) => Value::Null,
        (Rows::One, n) => {
            return failed(&not_one(
                n,
                "Cannot coerce the result to a single JSON object",
                "The result contains",
            ));
        }
        (Rows::OneOrNone, n) => {
            return failed(&not_one(
                n,
                "JSON object requested, multiple (or no) rows returned",
                "Results contain",
            ));
        }
    };
    Json(result(data, Value::Null, status)).into_response()
}

/// The result of a query that the database refused.
pub fn failed(fault: &Fault) -> Response {
    let body = Json(result(Value::Null, fault.error(), fault.status));
    let mut response = (fault.http, body).into_response();
    if fault.http == StatusCode::SERVICE_UNAVAILABLE {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}

/// The answer to a request that never reached the database.
pub fn refused(fault: &Fault) -> Response {
    (fault.status, Json(result(Value::Null, fault.error(), fault.status))).into_response()
}

fn result(data: Value, error: Value, status: StatusCode) -> Value {
    json!({
        "data": data,
        "error": error,
        "count": null,
        "status": status.as_u16(),
        "statusText": status.canonical_reason().unwrap_or_default(),
    })
}

fn not_one(rows: usize, message: &str, counted: &str) -> Fault {
    Fault {
        http: StatusCode::OK,
        status: StatusCode::NOT_ACCEPTABLE,
        code: "PGRST116".into(),
        message: message.into(),
        details: Some(format!("{counted} {rows} rows")),
        hint: None,
    }
}
