//! Errors with the codes and statuses that PostgREST gives them.

use http::StatusCode;
use serde_json::{Value, json};
use tasker_http::ApiError;
use tasker_store::StoreError;

use crate::chain::ChainError;

/// Why there is no data.
#[derive(Debug)]
pub struct Fault {
    /// Status of the HTTP answer.
    pub http: StatusCode,
    /// Status in the result object.
    pub status: StatusCode,
    /// SQLSTATE, or a code of PostgREST or of this service.
    pub code: String,
    /// One sentence.
    pub message: String,
    /// More about it.
    pub details: Option<String>,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Fault {
    fn new(http: StatusCode, status: StatusCode, code: &str, message: String) -> Self {
        Self { http, status, code: code.to_owned(), message, details: None, hint: None }
    }

    /// The `error` of the result.
    pub fn error(&self) -> Value {
        json!({
            "code": self.code, "message": self.message, "details": self.details, "hint": self.hint,
        })
    }
}

impl From<ChainError> for Fault {
    fn from(error: ChainError) -> Self {
        let bad = StatusCode::BAD_REQUEST;
        Self { hint: error.hint(), ..Self::new(bad, bad, error.code(), error.to_string()) }
    }
}

impl From<ApiError> for Fault {
    fn from(error: ApiError) -> Self {
        let status = error.status();
        Self::new(status, status, "INVALID_REQUEST", error.message().to_owned())
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Invalid { code, message } => {
                let code = sqlstate(&code, &message);
                Self::new(StatusCode::OK, status(code), code, message)
            }
            StoreError::Unavailable(cause) => unavailable(&cause),
            other => {
                let error = ApiError::internal(other);
                let status = error.status();
                Self::new(status, status, "XX000", error.message().to_owned())
            }
        }
    }
}

/// The store calls everything unavailable that is no plain mistake of the request and appends the
/// SQLSTATE. What would fail the same way again is answered as the database's error.
fn unavailable(cause: &str) -> Fault {
    let coded = cause.strip_suffix(')').and_then(|c| c.rsplit_once(" ("));
    if let Some((message, code)) = coded.filter(|(_, c)| is_sqlstate(c)) {
        let passing = matches!(&code[..2], "08" | "40" | "53" | "55" | "58" | "XX")
            || code.starts_with("57P");
        if !passing {
            return Fault::new(StatusCode::OK, status(code), code, message.to_owned());
        }
    }
    let error = ApiError::unavailable(cause);
    let message = "The database is unavailable; try again".to_owned();
    Fault::new(error.status(), error.status(), "PGRST000", message)
}

fn is_sqlstate(code: &str) -> bool {
    code.len() == 5 && code.chars().all(|c| c.is_ascii_digit() || c.is_ascii_uppercase())
}

/// SQLite's codes in Postgres's words, so that task code sees the same on both.
fn sqlstate<'a>(code: &'a str, message: &str) -> &'a str {
    match code {
        "2067" | "1555" | "2579" => "23505",
        "787" => "23503",
        "1299" => "23502",
        "275" => "23514",
        "20" | "3091" => "22P02",
        _ if message.starts_with("no such table") => "42P01",
        _ if message.contains("no such column") || message.contains("has no column named") => {
            "42703"
        }
        "1" | "42000" => "42601",
        // Any other code of SQLite's.
        other if !is_sqlstate(other) => "23000",
        other => other,
    }
}

/// PostgREST's table of statuses. 42501 is 403: the caller is the service role, never anonymous.
fn status(code: &str) -> StatusCode {
    match code {
        "23503" | "23505" => StatusCode::CONFLICT,
        "25006" => StatusCode::METHOD_NOT_ALLOWED,
        "42P01" | "42883" => StatusCode::NOT_FOUND,
        "42501" => StatusCode::FORBIDDEN,
        "42P17" => StatusCode::INTERNAL_SERVER_ERROR,
        "P0001" => StatusCode::BAD_REQUEST,
        _ => match code.get(..2).unwrap_or_default() {
            "08" | "53" => StatusCode::SERVICE_UNAVAILABLE,
            "0L" | "0P" | "28" => StatusCode::FORBIDDEN,
            "09" | "25" | "2D" | "38" | "39" | "3B" | "40" | "54" | "55" | "57" | "58" | "F0"
            | "HV" | "P0" | "XX" => StatusCode::INTERNAL_SERVER_ERROR,
            _ => StatusCode::BAD_REQUEST,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_are_postgrests() {
        for (code, expected) in [
            ("42P01", 404),
            ("23505", 409),
            ("23503", 409),
            ("23502", 400),
            ("42501", 403),
            ("22P02", 400),
            ("22023", 400),
            ("42703", 400),
            ("P0001", 400),
            ("P0002", 500),
            ("57014", 500),
            ("53300", 503),
            ("08006", 503),
            ("XX000", 500),
            ("21000", 400),
        ] {
            assert_eq!(status(code).as_u16(), expected, "{code}");
        }
    }

    #[test]
    fn what_fails_again_is_no_outage() {
        let of = |cause: &str| Fault::from(StoreError::Unavailable(cause.into()));
        let raised = of("no such customer (P0001)");
        assert_eq!((raised.http.as_u16(), raised.status.as_u16()), (200, 400));
        assert_eq!((raised.code.as_str(), raised.message.as_str()), ("P0001", "no such customer"));
        for cause in
            ["connection refused", "too many connections (53300)", "x (y)", "deadlock (40P01)"]
        {
            let fault = of(cause);
            assert_eq!((fault.http.as_u16(), fault.code.as_str()), (503, "PGRST000"), "{cause}");
            assert!(!fault.message.contains(cause));
        }
    }
}
