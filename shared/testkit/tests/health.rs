//! `--health`, as containers ask it: who is there is well, who is not is not.

use std::{path::Path, process::Command};

use tasker_core::call::SERVICES;
use tasker_testkit::{
    process::{bin_dir, free_port},
    stack::{Shape, Stack},
};

/// Whether `program --health` exits with 0.
fn well(program: &str, args: &[&str], port: &str) -> bool {
    let mut command = Command::new(bin_dir().unwrap().join(program));
    // Where a container listens; it is asked on the loopback address, and needs no keys to ask.
    command.args(args).args(["--health", "--host", "0.0.0.0", "--port", port]);
    command.output().unwrap().status.success()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_binaries_check_themselves() {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("health-{}", std::process::id()));
    let mut stack = Stack::start(Shape::One, &dir, &[]).await.unwrap();
    let port = stack.url.split(':').nth(2).unwrap().split('/').next().unwrap().to_owned();
    let nobody = free_port().unwrap().to_string();
    for service in SERVICES {
        assert!(well(service, &[], &port), "{service}");
        assert!(!well(service, &[], &nobody), "{service} is well without being there");
    }
    assert!(well("tasker-dev", &["gateway"], &port));
    // Stopped in the middle: it accepts and does not answer.
    stack.processes[0].signal("STOP").unwrap();
    assert!(!well("tasks", &[], &port), "who does not answer is well");
    stack.processes[0].signal("CONT").unwrap();
    stack.processes[0].terminate().unwrap();
}
