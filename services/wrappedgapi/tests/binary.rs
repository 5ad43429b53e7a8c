//! The real process: mounted paths, keystore over HTTP, and no secret in its logs.

use crate::support;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use support::{PEM, Server, json_reply, key_for, token_reply};

/// The process with all logging on; killed when dropped.
struct Process {
    child: Child,
    address: String,
    log: BufReader<std::process::ChildStderr>,
    read: String,
}

impl Process {
    fn start(server: &Server) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_wrappedgapi"))
            .args(["--port", "0", "--root-url", &server.url])
            .args(["--service-url", &format!("wrappedkeystore={}/keystore", server.url)])
            // Naming the module beats a filter for its crate.
            .env("RUST_LOG", "trace,yup_oauth2::service_account=trace")
            .env("NO_COLOR", "1")
            .env_remove("GAPI_SCOPES")
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let mut read = String::new();
        let address = loop {
            let mut line = String::new();
            assert!(log.read_line(&mut line).unwrap() > 0, "the process ended early: {read}");
            read.push_str(&line);
            if let Some(at) = line.find("127.0.0.1:").filter(|_| line.contains("ready")) {
                break line[at..].split_whitespace().next().unwrap().to_owned();
            }
        };
        Self { child, address, log, read }
    }

    fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        let body = body.to_string();
        let mut stream = TcpStream::connect(&self.address).unwrap();
        write!(
            stream,
            "POST {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
        let body = answer.split("\r\n\r\n").nth(1).unwrap();
        (status, serde_json::from_str(body).unwrap())
    }

    fn end(mut self) -> String {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.log.read_to_string(&mut self.read).unwrap();
        std::mem::take(&mut self.read)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_process_serves_both_mounts_and_logs_no_secret() {
    let key = std::sync::Arc::new(std::sync::OnceLock::<String>::new());
    let shared = std::sync::Arc::clone(&key);
    let server = Server::start(move |seen, _| match seen.path.as_str() {
        "/token" => token_reply(seen),
        "/keystore" if seen.text().contains("GAPI_KEY") => {
            json_reply(200, json!({"success": true, "data": shared.get()}))
        }
        "/keystore" => json_reply(200, json!("admin@x.example")),
        _ => json_reply(200, json!({"domains": []})),
    })
    .await;
    key.set(key_for(&format!("{}/token", server.url)).to_string()).unwrap();

    let process = Process::start(&server);
    let request = json!({"chain": [{"property": "admin.domains.list", "args": [{}]}]});
    for path in ["/functions/v1/wrappedgapi", "/wrappedgapi", "/functions/v1/wrappedgapi/x"] {
        let answer = tokio::task::block_in_place(|| process.post(path, &request));
        assert_eq!(answer, (200, json!({"domains": []})), "{path}");
    }
    let log = process.end();
    assert!(log.contains("ready"));
    let assertion = server.tokens()[0].text();
    let assertion = assertion.split("assertion=").nth(1).unwrap().split('.').next_back().unwrap();
    let private = PEM.lines().nth(1).unwrap();
    for secret in ["ya29.", &assertion[..40], private] {
        assert!(!log.contains(secret), "the log holds a secret: {secret}");
    }
}
