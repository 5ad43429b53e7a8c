//! The binary: ready line, key file, signals, `truth`.

use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

const BINARY: &str = env!("CARGO_BIN_EXE_workspace-emulator");

fn scratch(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("cli-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    folder.join(name)
}

fn start(arguments: &[&str]) -> (Child, String) {
    let mut command = Command::new(BINARY);
    let mut child = command.args(arguments).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    (child, line)
}

fn stop(mut child: Child, signal: &str) {
    let sent = Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
    assert_eq!(child.wait().unwrap().code(), Some(0), "{signal}");
}

#[test]
fn starts_writes_its_key_stops_and_keeps_the_key() {
    let file = scratch("key.json");
    let arguments = ["--write-key", file.to_str().unwrap(), "--port", "0"];
    let (child, line) = start(&arguments);
    assert!(line.starts_with("workspace-emulator ready url=http://127.0.0.1:"), "{line}");
    assert!(line.trim_end().ends_with("admin=admin@alpha.example domains=4 users=98"), "{line}");
    let mode = std::fs::metadata(&file).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o600);
    let read = || -> Value { serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap() };
    let first = read();
    assert_eq!(first["type"], "service_account");
    stop(child, "-TERM");
    let (child, line) = start(&[&arguments[..], &["--seed", "7"]].concat());
    let second = read();
    assert_eq!(first["private_key"], second["private_key"]);
    let uri = second["token_uri"].as_str().unwrap();
    assert!(line.contains(uri.strip_suffix("/token").unwrap()), "{uri}");
    stop(child, "-INT");
}

#[test]
fn leaves_a_strangers_key_alone() {
    let file = scratch("stranger.json");
    std::fs::write(&file, r#"{"type":"service_account","project_id":"real"}"#).unwrap();
    let output = Command::new(BINARY).arg("--write-key").arg(&file).output().unwrap();
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("stranger.json"));
    assert!(std::fs::read_to_string(&file).unwrap().contains("real"));
}

#[test]
fn truth_counts_host_calls() {
    let truth = |arguments: &[&str]| -> Value {
        let output = Command::new(BINARY).arg("truth").args(arguments).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let all = truth(&["--max-results", "300"]);
    assert_eq!(all["hostCalls"], 29_503);
    assert_eq!(all["summary"]["totalUsers"], 98);
    let one = truth(&[
        "--query",
        "-in:sent",
        "--max-users",
        "2",
        "--max-results",
        "3",
        "--suspended-user",
        "1",
    ]);
    assert_eq!(one["summary"]["totalUsers"], 8);
    assert_eq!(one["domains"][0]["users"][0]["error"], "invalid_grant");
}

#[test]
fn wrong_settings_are_named() {
    for (arguments, named) in [
        (vec!["--users-per-domain", "0,3"], "users-per-domain"),
        (vec!["--no-mailbox", "nobody@x.example"], "nobody@x.example"),
        (vec!["--port", "x"], "--port"),
    ] {
        let output = Command::new(BINARY).args(arguments).output().unwrap();
        assert!(!output.status.success());
        assert!(String::from_utf8_lossy(&output.stderr).contains(named), "{named}");
    }
}
