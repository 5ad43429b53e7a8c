//! Errors with the codes and statuses that PostgREST gives them.

use http::StatusCode;
use serde_json::json;
use tasker_core::{Json, json as raw, wire::UNKNOWN_OUTCOME};
use tasker_http::ApiError;
use tasker_tables::QueryError;

use crate::chain::ChainError;

/// Why there is no data.
#[derive(Debug)]
pub struct Fault {
    /// Status of the HTTP answer.
    pub http: StatusCode,
    /// Status in the result object; none if there was no answer at all.
    pub status: Option<StatusCode>,
    /// SQLSTATE, or a code of PostgREST or of this service.
    pub code: String,
    /// One sentence.
    pub message: String,
    /// More about it: a text, or a document.
    pub details: Option<Json>,
    /// What to do about it.
    pub hint: Option<Box<str>>,
    /// Rows there are, where an answer could not be read otherwise.
    pub count: Option<u64>,
    /// The error as another server put it.
    pub said: Option<Json>,
}

impl Fault {
    /// One with a code.
    pub fn new(http: StatusCode, status: StatusCode, code: &str, message: String) -> Self {
        let (code, status) = (code.to_owned(), Some(status));
        Self { http, status, code, message, details: None, hint: None, count: None, said: None }
    }

    /// The `error` of the result.
    pub fn error(&self) -> Json {
        if let Some(said) = &self.said {
            return said.clone();
        }
        #[derive(serde::Serialize)]
        struct Error<'a> {
            code: &'a str,
            message: &'a str,
            details: &'a Option<Json>,
            hint: &'a Option<Box<str>>,
        }
        let Self { code, message, details, hint, .. } = self;
        raw::of(&Error { code, message, details, hint })
    }

    /// The error of the database. `anonymous` callers may sign in, so they are not forbidden.
    pub fn of(error: QueryError, anonymous: bool) -> Self {
        let mut fault = Self::from(error);
        if anonymous && fault.code == "42501" {
            fault.status = Some(StatusCode::UNAUTHORIZED);
        }
        fault
    }

    /// Whether the change that was asked for may have been made for all that.
    pub fn in_doubt(&self) -> bool {
        let gateways = [StatusCode::BAD_GATEWAY, StatusCode::GATEWAY_TIMEOUT];
        // An answer that could not be read, or that has the wrong number of rows: it was made.
        let unread = self.status.is_some_and(|s| s.is_success())
            || self.code == "PAYLOAD_TOO_LARGE"
            || self.code == "PGRST116" && self.said.is_none();
        // An error of the database has a code; one of whoever stands before it has none.
        let no_code = self.status.is_some_and(|s| {
            s.is_server_error() && s != StatusCode::SERVICE_UNAVAILABLE && self.code.is_empty()
        });
        gateways.contains(&self.http) || unread || no_code
    }

    /// `maybeSingle()` found more than one row.
    pub fn several(rows: usize) -> Self {
        let message = "JSON object requested, multiple (or no) rows returned".to_owned();
        let details = format!(
            "Results contain {rows} rows, application/vnd.pgrst.object+json requires 1 row"
        );
        let mut fault = Self::new(StatusCode::OK, StatusCode::NOT_ACCEPTABLE, "PGRST116", message);
        fault.details = Some(raw::of(&details));
        fault
    }

    /// What only a Supabase project can do.
    pub fn needs_project(what: &str) -> Self {
        let message = format!("{what} needs a Supabase project: set SUPABASE_URL and its keys");
        Self::new(StatusCode::BAD_REQUEST, StatusCode::BAD_REQUEST, "NO_SUPABASE_PROJECT", message)
    }
}

impl From<ChainError> for Fault {
    fn from(error: ChainError) -> Self {
        let bad = StatusCode::BAD_REQUEST;
        Self {
            hint: error.hint().map(Into::into),
            ..Self::new(bad, bad, error.code(), error.to_string())
        }
    }
}

impl From<ApiError> for Fault {
    fn from(error: ApiError) -> Self {
        let status = error.status();
        Self::new(status, status, "INVALID_REQUEST", error.message().to_owned())
    }
}

/// Errors about keys; `None` if it is about something else.
fn about_key(error: &QueryError) -> Option<Fault> {
    let (status, code) = match error {
        QueryError::KeyReused(_) => (StatusCode::UNPROCESSABLE_ENTITY, "IDEMPOTENCY_KEY_REUSED"),
        QueryError::AnswerNotKept(_) => (StatusCode::GONE, "ANSWER_NOT_KEPT"),
        QueryError::Doubtful => (StatusCode::CONFLICT, UNKNOWN_OUTCOME),
        _ => return None,
    };
    Some(Fault::new(status, status, code, error.to_string()))
}

impl From<QueryError> for Fault {
    fn from(error: QueryError) -> Self {
        if let Some(about_key) = about_key(&error) {
            return about_key;
        }
        match error {
            QueryError::Sql(error) => {
                let mut fault =
                    Self::new(StatusCode::OK, status(&error.code), &error.code, error.message);
                fault.details = error.details.map(|d| match d.starts_with('[') {
                    true => raw::parse(d.clone()).unwrap_or_else(|_| raw::of(&d)),
                    false => raw::of(&d),
                });
                fault.hint = error.hint.map(Into::into);
                fault
            }
            QueryError::Unavailable(cause) => {
                let error = ApiError::unavailable(cause);
                let message = "The database is unavailable; try again".to_owned();
                Self::new(error.status(), error.status(), "PGRST000", message)
            }
            // Nobody may send it again as if nothing had happened.
            QueryError::Unknown(cause) => {
                tracing::error!(%cause, "unknown outcome");
                let status = StatusCode::BAD_GATEWAY;
                let message = "The connection broke while the change was committed: it may have \
                               been made; look before you repeat it"
                    .to_owned();
                Self::new(status, status, UNKNOWN_OUTCOME, message)
            }
            other => {
                let error = ApiError::internal(other);
                Self::new(error.status(), error.status(), "XX000", error.message().to_owned())
            }
        }
    }
}

/// PostgREST's table of statuses.
fn status(code: &str) -> StatusCode {
    if let Some(own) = code.strip_prefix("PGRST") {
        return match own {
            "103" => StatusCode::RANGE_NOT_SATISFIABLE,
            "106" | "107" | "116" => StatusCode::NOT_ACCEPTABLE,
            "201" | "203" => StatusCode::MULTIPLE_CHOICES,
            "202" | "205" => StatusCode::NOT_FOUND,
            "301" | "302" | "303" => StatusCode::UNAUTHORIZED,
            "000" | "001" | "002" => StatusCode::SERVICE_UNAVAILABLE,
            "003" => StatusCode::GATEWAY_TIMEOUT,
            _ => StatusCode::BAD_REQUEST,
        };
    }
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

/// An error as the JSON of another part of the client.
pub fn as_object(fault: &Fault) -> serde_json::Value {
    json!({
        "data": null,
        "error": {"name": "Error", "message": fault.message, "code": fault.code},
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_are_postgrests() {
        for (code, expected) in [
            ("42P01", 404),
            ("42883", 404),
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
            ("25006", 405),
            ("42P17", 500),
            ("54001", 500),
            ("40001", 500),
            ("PGRST100", 400),
            ("PGRST102", 400),
            ("PGRST103", 416),
            ("PGRST106", 406),
            ("PGRST116", 406),
            ("PGRST124", 400),
            ("PGRST202", 404),
            ("PGRST204", 400),
            ("PGRST205", 404),
            ("PGRST301", 401),
            ("0A000", 400),
        ] {
            assert_eq!(status(code).as_u16(), expected, "{code}");
        }
    }

    #[test]
    fn what_fails_again_is_no_outage() {
        let raised = Fault::from(QueryError::new("P0001", "no such customer"));
        assert_eq!((raised.http.as_u16(), raised.status.unwrap().as_u16()), (200, 400));
        assert_eq!((raised.code.as_str(), raised.message.as_str()), ("P0001", "no such customer"));
        for cause in
            ["connection refused", "too many connections (53300)", "x (y)", "deadlock (40P01)"]
        {
            let fault = Fault::from(QueryError::Unavailable(cause.into()));
            assert_eq!((fault.http.as_u16(), fault.code.as_str()), (503, "PGRST000"), "{cause}");
            assert!(!fault.message.contains(cause));
        }
        let unknown = Fault::from(QueryError::Unknown("closed".into()));
        assert_eq!(unknown.http.as_u16(), 502, "is not sent again by itself");
    }
}
