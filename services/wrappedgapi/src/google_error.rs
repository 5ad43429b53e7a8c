//! Google's error answers in their several shapes.

use std::time::{Duration, SystemTime};

use http::{HeaderMap, StatusCode, header};
use serde_json::Value;

/// An error answer of a Google API.
#[derive(Debug, Clone)]
pub struct GoogleError {
    /// HTTP status.
    pub status: StatusCode,
    /// The most specific reason: `userRateLimitExceeded`, `ACCESS_TOKEN_SCOPE_INSUFFICIENT`, ...
    pub reason: String,
    /// Google's message.
    pub message: String,
    /// How long Google asks to wait, from a header or from Gmail's message.
    pub retry_after: Option<Duration>,
    /// Google's whole body, or null if it was no JSON.
    pub body: Value,
}

impl GoogleError {
    /// Reads an error answer. Never fails: front ends answer HTML.
    pub fn parse(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Self {
        let body: Value = serde_json::from_slice(body).unwrap_or(Value::Null);
        let error = &body["error"];
        let message = error["message"]
            .as_str()
            .or_else(|| body["error_description"].as_str())
            .or_else(|| error.as_str())
            .map_or_else(|| without_json(status, headers), str::to_owned);
        let reason = reason(&body).unwrap_or_else(|| default_reason(status)).to_owned();
        let now = SystemTime::now();
        let retry_after = header_wait(headers, now).or_else(|| message_wait(&message, now));
        Self { status, reason, message, retry_after, body }
    }

    /// Google refuses because of too many requests, and acted on nothing.
    pub fn is_rate_limit(&self) -> bool {
        const RATE: [&str; 5] = [
            "userRateLimitExceeded",
            "rateLimitExceeded",
            "quotaExceeded",
            "RATE_LIMIT_EXCEEDED",
            "RESOURCE_EXHAUSTED",
        ];
        self.status == StatusCode::TOO_MANY_REQUESTS
            || (self.status == StatusCode::FORBIDDEN && RATE.contains(&self.reason.as_str()))
    }
}

/// The order of the Python client: `errors[0].reason`, then the newer `ErrorInfo`, then `status`.
fn reason(body: &Value) -> Option<&str> {
    let error = &body["error"];
    let info = || {
        let details = error["details"].as_array()?;
        details.iter().find_map(|detail| detail["reason"].as_str())
    };
    error["errors"][0]["reason"]
        .as_str()
        .or_else(info)
        .or_else(|| error["status"].as_str())
        .or_else(|| error.as_str())
}

fn default_reason(status: StatusCode) -> &'static str {
    match status.as_u16() {
        400 => "badRequest",
        401 => "authError",
        403 => "forbidden",
        404 => "notFound",
        429 => "rateLimitExceeded",
        500..=599 => "backendError",
        _ => "unknown",
    }
}

fn without_json(status: StatusCode, headers: &HeaderMap) -> String {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or("nothing");
    let kind = kind.split(';').next().unwrap_or_default();
    format!(
        "{} (Google answered {kind} instead of JSON)",
        status.canonical_reason().unwrap_or("error")
    )
}

fn header_wait(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let at = httpdate::parse_http_date(text).ok()?;
    Some(at.duration_since(now).unwrap_or_default())
}

/// Gmail says it only in words: "User-rate limit exceeded.  Retry after 2026-01-02T03:04:05.678Z".
fn message_wait(message: &str, now: SystemTime) -> Option<Duration> {
    let (_, rest) = message.split_once("Retry after ")?;
    let text = rest.split_whitespace().next()?.trim_end_matches(['.', ')', ',']);
    let at: jiff::Timestamp = text.parse().ok()?;
    Some(SystemTime::from(at).duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parse(status: u16, body: &str) -> GoogleError {
        let status = StatusCode::from_u16(status).unwrap();
        GoogleError::parse(status, &HeaderMap::new(), body.as_bytes())
    }

    #[test]
    fn every_shape_yields_reason_and_message() {
        let legacy = json!({"error": {"code": 403, "message": "Slow down",
            "errors": [{"reason": "userRateLimitExceeded", "domain": "usageLimits"}],
            "status": "PERMISSION_DENIED"}});
        let error = parse(403, &legacy.to_string());
        assert_eq!(
            (error.reason.as_str(), error.message.as_str()),
            ("userRateLimitExceeded", "Slow down")
        );
        assert!(error.is_rate_limit());

        let newer = json!({"error": {"code": 403, "message": "No scope", "status": "PERMISSION_DENIED",
            "details": [{"@type": "x"}, {"reason": "ACCESS_TOKEN_SCOPE_INSUFFICIENT"}]}});
        let error = parse(403, &newer.to_string());
        assert_eq!(error.reason, "ACCESS_TOKEN_SCOPE_INSUFFICIENT");
        assert!(!error.is_rate_limit());

        let oauth = parse(400, r#"{"error":"invalid_grant","error_description":"Bad"}"#);
        assert_eq!((oauth.reason.as_str(), oauth.message.as_str()), ("invalid_grant", "Bad"));
    }

    #[test]
    fn html_and_nothing_are_errors_too() {
        let error = parse(502, "<html>Bad gateway</html>");
        assert_eq!((error.reason.as_str(), error.body), ("backendError", Value::Null));
        assert!(error.message.starts_with("Bad Gateway"));
        assert_eq!(parse(404, "").reason, "notFound");
        assert_eq!(parse(400, "[]").reason, "badRequest");
        assert_eq!(parse(400, r#"{"error":7}"#).reason, "badRequest");
    }

    #[test]
    fn only_rate_reasons_make_a_403_a_rate_limit() {
        let error = |reason: &str| {
            parse(403, &json!({"error": {"errors": [{"reason": reason}]}}).to_string())
        };
        for reason in ["userRateLimitExceeded", "rateLimitExceeded", "quotaExceeded"] {
            assert!(error(reason).is_rate_limit(), "{reason}");
        }
        for reason in [
            "dailyLimitExceeded",
            "domainPolicy",
            "forbidden",
            "insufficientPermissions",
            "accessNotConfigured",
        ] {
            assert!(!error(reason).is_rate_limit(), "{reason}");
        }
        assert!(parse(429, "").is_rate_limit());
    }

    #[test]
    fn the_wait_comes_from_seconds_a_date_or_gmails_words() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        let headers =
            |text: &str| HeaderMap::from_iter([(header::RETRY_AFTER, text.parse().unwrap())]);
        let secs = |wait: Option<Duration>| wait.map(|w| w.as_secs());
        assert_eq!(secs(header_wait(&headers("7"), now)), Some(7));
        assert_eq!(secs(header_wait(&headers("Tue, 14 Nov 2023 22:13:30 GMT"), now)), Some(10));
        assert_eq!(secs(header_wait(&headers("Fri, 14 Nov 2003 22:13:30 GMT"), now)), Some(0));
        assert_eq!(secs(header_wait(&headers("soon"), now)), None);
        let words = "User-rate limit exceeded.  Retry after 2023-11-14T22:13:25.000Z";
        assert_eq!(secs(message_wait(words, now)), Some(5));
        assert_eq!(secs(message_wait("Retry after lunch", now)), None);
    }
}
