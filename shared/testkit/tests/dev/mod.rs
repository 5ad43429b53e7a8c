//! `tasker-dev` in a folder of its own.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tasker_testkit::process::{Process, free_port};

pub const WAIT: Duration = Duration::from_secs(20);

/// A running `tasker-dev`.
pub struct Dev {
    pub process: Process,
    pub base: String,
    pub dir: PathBuf,
    pub code: PathBuf,
    /// From its start to its first answer.
    pub ready: Duration,
}

impl Dev {
    /// Starts it in an empty folder with `files` of task code.
    pub async fn start(
        name: &str,
        files: &[(&str, &str)],
        args: &[&str],
        env: &[(&str, &str)],
    ) -> Self {
        tasker_http::install_crypto();
        let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("dev-{name}"));
        let _ = std::fs::remove_dir_all(&dir);
        let code = dir.join("taskcode");
        std::fs::create_dir_all(&code).unwrap();
        for (file, text) in files {
            std::fs::write(code.join(file), text).unwrap();
        }
        let port = free_port().unwrap().to_string();
        let db = dir.join("dev.db").display().to_string();
        let code_dir = code.display().to_string();
        let mut all = vec!["--port", &port, "--watch-dir", &code_dir];
        all.extend(args);
        let all: Vec<String> = all.into_iter().map(str::to_owned).collect();
        let mut env: Vec<(String, String)> =
            env.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        env.push(("SQLITE_DB_PATH".into(), db));
        let began = Instant::now();
        let mut process = Process::spawn("tasker-dev", &all, &env, &dir).unwrap();
        let base = format!("http://127.0.0.1:{port}");
        process.ready(&format!("{base}/health")).await.unwrap();
        Self { process, base, dir, code, ready: began.elapsed() }
    }

    pub async fn send(&self, request: reqwest::RequestBuilder) -> (u16, Value) {
        let reply = request.send().await.unwrap();
        let (status, text) = (reply.status().as_u16(), reply.text().await.unwrap());
        (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    pub async fn get(&self, path: &str) -> (u16, Value) {
        self.send(reqwest::Client::new().get(format!("{}{path}", self.base))).await
    }

    pub async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        self.send(reqwest::Client::new().post(format!("{}{path}", self.base)).json(&body)).await
    }

    /// Submits a run by the original's route; answers its row once it has ended.
    pub async fn run(&self, task: &str, input: Value) -> Value {
        let body = json!({ "task_identifier": task, "input": input });
        let (status, made) = self.post("/task/submit", body).await;
        assert_eq!((status, &made["success"]), (200, &json!(true)), "{made}");
        assert_eq!(made["data"]["result"]["taskRunId"], made["taskRunId"]);
        self.ended(made["taskRunId"].as_i64().unwrap()).await
    }

    pub async fn ended(&self, run: i64) -> Value {
        let until = Instant::now() + WAIT;
        loop {
            let (_, row) = self.get(&format!("/task/status/{run}")).await;
            if ["completed", "failed", "cancelled"].contains(&row["status"].as_str().unwrap_or(""))
            {
                return row;
            }
            assert!(Instant::now() < until, "{row}\n{}", self.log());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Published version of a task, 0 if it is not published.
    pub async fn version(&self, task: &str) -> i64 {
        let (_, list) = self.get("/functions/v1/tasks/list").await;
        let tasks = list["data"]["tasks"].as_array().cloned().unwrap_or_default();
        tasks.iter().find(|t| t["name"] == task).map_or(0, |t| t["version"].as_i64().unwrap())
    }

    /// Waits until a task has this version; answers how long that took.
    pub async fn until_version(&self, task: &str, version: i64) -> Duration {
        let began = Instant::now();
        while self.version(task).await != version {
            assert!(began.elapsed() < WAIT, "{task} {version}\n{}", self.log());
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        began.elapsed()
    }

    pub fn save(&self, file: &str, text: &str) {
        std::fs::write(self.code.join(file), text).unwrap();
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.process.log).unwrap_or_default()
    }

    /// Waits until its terminal shows this.
    pub async fn says(&self, text: &str) {
        let until = Instant::now() + WAIT;
        while !self.log().contains(text) {
            assert!(Instant::now() < until, "not said: {text}\n{}", self.log());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

/// Code that returns this text.
pub fn returns(what: &str) -> String {
    format!("module.exports = async () => {{ return '{what}'; }};\n")
}
