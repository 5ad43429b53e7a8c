//! The services as the CLI sees them.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use crate::args::Connection;

/// One base URL, one key, one connection pool.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    base: String,
    key: Option<SecretString>,
}

/// A request without a useful answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody answered.
    #[error(
        "no answer from {url}: {cause}\nIs tasker running? `make dev` starts it; --functions-url names another place."
    )]
    Unreachable {
        /// What was asked.
        url: String,
        /// Why, in the system's words.
        cause: String,
    },
    /// A service answered that it cannot.
    #[error("{url} answered {status}: {message}")]
    Refused {
        /// What was asked.
        url: String,
        /// HTTP status.
        status: u16,
        /// The service's words.
        message: String,
        /// All it answered.
        body: Box<Value>,
    },
    /// The answer has another shape than the service documents.
    #[error("{url} answered something else than tasker would: {problem}")]
    Odd {
        /// What was asked.
        url: String,
        /// What was wrong.
        problem: String,
    },
}

impl ClientError {
    /// Whether the same request may succeed later.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Unreachable { .. } => true,
            Self::Refused { status, .. } => matches!(status, 429 | 500..),
            Self::Odd { .. } => false,
        }
    }
}

type Result<T> = std::result::Result<T, ClientError>;

impl Client {
    /// A client of the services that `connection` (or the environment) names.
    pub fn new(connection: &Connection) -> anyhow::Result<Self> {
        let env = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        let supabase =
            || env("SUPABASE_URL").map(|url| format!("{}/functions/v1", url.trim_end_matches('/')));
        let base = connection.functions_url.clone().filter(|url| !url.is_empty()).or_else(supabase);
        let base = base.unwrap_or_else(|| "http://127.0.0.1:54321/functions/v1".to_owned());
        anyhow::ensure!(
            base.starts_with("http://") || base.starts_with("https://"),
            "--functions-url must start with http:// or https://, not '{base}'"
        );
        let key = connection
            .key
            .clone()
            .filter(|key| !key.expose_secret().is_empty())
            .or_else(|| env("SUPABASE_SECRET_KEY").map(Into::into))
            .or_else(|| env("SUPABASE_ANON_KEY").map(Into::into))
            .or_else(|| env("SUPABASE_PUBLISHABLE_KEY").map(Into::into));
        let http = reqwest::Client::builder()
            .connect_timeout(Duration::from_secs(5))
            .timeout(Duration::from_secs(120))
            .user_agent(concat!("tasker-cli/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self { http, base: base.trim_end_matches('/').to_owned(), key })
    }

    /// Base URL of the services.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// GETs `path` (relative to the base) and answers its JSON.
    pub async fn get(&self, path: &str, query: &[(&str, String)]) -> Result<Value> {
        let url = format!("{}/{path}", self.base);
        self.send(self.http.get(&url).query(query), url).await
    }

    /// POSTs `body` to `path` and answers its JSON.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Value> {
        let url = format!("{}/{path}", self.base);
        self.send(self.http.post(&url).json(body), url).await
    }

    /// DELETEs `path` and answers its JSON.
    pub async fn delete(&self, path: &str) -> Result<Value> {
        let url = format!("{}/{path}", self.base);
        self.send(self.http.delete(&url), url).await
    }

    /// GETs JSON from anywhere, without the key.
    pub async fn fetch(&self, url: &str) -> Result<Value> {
        let response = self.http.get(url).send().await.map_err(|e| unreachable(url, &e))?;
        read(response, url.to_owned()).await
    }

    async fn send(&self, mut request: reqwest::RequestBuilder, url: String) -> Result<Value> {
        if let Some(key) = self.key.as_ref().map(ExposeSecret::expose_secret) {
            request = request.bearer_auth(key).header("apikey", key);
        }
        let response = request.send().await.map_err(|e| unreachable(&url, &e))?;
        read(response, url).await
    }

    /// Submits a task; answers the run's number.
    pub async fn submit(&self, task: &str, input: &Value) -> Result<i64> {
        self.submit_with(task, input, json!({})).await
    }

    /// Submits a task with more fields of the body, of which those that are null say nothing; answers
    /// the run's number.
    pub async fn submit_with(&self, task: &str, input: &Value, mut body: Value) -> Result<i64> {
        if let Some(fields) = body.as_object_mut() {
            fields.retain(|_, value| !value.is_null());
        }
        (body["task_identifier"], body["input"]) = (task.into(), input.clone());
        let answer = self.post("tasks/execute", &body).await?;
        let id = &answer["data"]["result"]["taskRunId"];
        id.as_i64().or_else(|| id.as_str()?.parse().ok()).ok_or_else(|| ClientError::Odd {
            url: format!("{}/tasks/execute", self.base),
            problem: format!("no data.result.taskRunId in {}", cut(&answer.to_string())),
        })
    }

    /// The row of a run.
    pub async fn status(&self, id: i64) -> Result<Value> {
        self.get(&format!("tasks/status/{id}"), &[("stack_runs", "0".into())]).await
    }

    /// The row of a run with its stack runs above `after`, `limit` at most.
    pub async fn stack_runs(&self, id: i64, after: i64, limit: u32) -> Result<Value> {
        let query = [("limit", limit.to_string()), ("after", after.to_string())];
        self.get(&format!("tasks/status/{id}"), &query).await
    }

    /// The newest `limit` lines a run logged, oldest first.
    pub async fn logs(&self, id: i64, limit: u32) -> Result<Vec<Value>> {
        let query = [("task_id", id.to_string()), ("limit", limit.to_string())];
        Ok(list(self.get("tasks/logs", &query).await?, "logs"))
    }

    /// Calls one method of the keystore.
    pub async fn keystore(&self, method: &str, args: &[&str]) -> Result<Value> {
        let [namespace, key, value] = [0, 1, 2].map(|i| args.get(i));
        let body = json!({ "action": method, "namespace": namespace, "key": key, "value": value });
        let mut answer = self.post("wrappedkeystore", &body).await?;
        Ok(answer["data"]["data"].take())
    }
}

/// The list at `data.<key>` of an enveloped answer.
pub fn list(mut answer: Value, key: &str) -> Vec<Value> {
    match answer.pointer_mut(&format!("/data/{key}")).map(Value::take) {
        Some(Value::Array(items)) => items,
        _ => Vec::new(),
    }
}

async fn read(response: reqwest::Response, url: String) -> Result<Value> {
    let status = response.status();
    let body = response.bytes().await.map_err(|e| unreachable(&url, &e))?;
    let parsed = serde_json::from_slice::<Value>(&body);
    let refused = |message, body| ClientError::Refused {
        url: url.clone(),
        status: status.as_u16(),
        message,
        body: Box::new(body),
    };
    match parsed {
        Ok(value) if status.is_success() && value["success"] != false => Ok(value),
        Ok(value) => Err(refused(message(&value), value)),
        Err(_) if !status.is_success() => {
            Err(refused(cut(&String::from_utf8_lossy(&body)), Value::Null))
        }
        Err(error) => Err(ClientError::Odd { url, problem: format!("not JSON: {error}") }),
    }
}

/// The words of an error body, whichever of the usual shapes it has.
fn message(body: &Value) -> String {
    let error = &body["error"];
    let text =
        error.as_str().or_else(|| error["message"].as_str()).or_else(|| body["message"].as_str());
    let mut text = text.map_or_else(|| cut(&body.to_string()), str::to_owned);
    if let Some(tasks) = body["tasks"].as_array() {
        let names: Vec<&str> =
            tasks.iter().filter_map(|t| t.as_str().or_else(|| t["name"].as_str())).collect();
        if !names.is_empty() && !names.iter().all(|name| text.contains(name)) {
            text += &format!(" (published: {})", names.join(", "));
        }
    }
    text
}

fn unreachable(url: &str, error: &reqwest::Error) -> ClientError {
    // The innermost cause is the system's: `Connection refused (os error 111)`.
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    let cause = if error.is_timeout() { "timed out".to_owned() } else { cause.to_string() };
    ClientError::Unreachable { url: url.to_owned(), cause }
}

fn cut(text: &str) -> String {
    console::truncate_str(text.trim(), 300, "…").into_owned()
}
