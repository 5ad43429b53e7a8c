//! The error of a run or of a call, as stored in the `error` columns and thrown into task code.

use serde::{Deserialize, Serialize};

/// What went wrong, in the shape of a JavaScript error.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaskError {
    /// Error class: `TypeError`, `TimeLimit`, `HeapLimit`, `ServiceError`, `UnknownService`, ...
    pub name: String,
    /// One sentence for a person.
    pub message: String,
    /// Line in the task's own source, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// Column in the task's own source, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<u32>,
    /// JavaScript stack, cut to the task's own frames.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stack: Option<String>,
    /// HTTP status of the service that failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Whether the same call may succeed later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retryable: Option<bool>,
    /// The service's own answer, or the error's own extra fields.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<serde_json::Value>,
}

impl TaskError {
    /// An error with a class and a message.
    pub fn new(name: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            message: message.into(),
            line: None,
            column: None,
            stack: None,
            status: None,
            retryable: None,
            details: None,
        }
    }

    /// `TypeError: x is not a function (line 3, column 7)`.
    pub fn headline(&self) -> String {
        match (self.line, self.column) {
            (Some(l), Some(c)) => format!("{}: {} (line {l}, column {c})", self.name, self.message),
            (Some(l), None) => format!("{}: {} (line {l})", self.name, self.message),
            _ => format!("{}: {}", self.name, self.message),
        }
    }

    /// The error at its place in the source: `file:3:7: SyntaxError: ...` and the line, marked.
    pub fn in_source(&self, file: &str, code: &str) -> String {
        let (Some(line), Some(column)) = (self.line, self.column) else {
            return format!("{file}: {}", self.headline());
        };
        let said = format!("{file}:{line}:{column}: {}: {}", self.name, self.message);
        let frame = crate::source::frame(code, line, column);
        if frame.is_empty() { said } else { format!("{said}\n{frame}") }
    }
}
