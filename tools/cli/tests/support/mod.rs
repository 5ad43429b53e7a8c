//! The real binary, and services that give it one answer.

use std::{
    net::TcpListener,
    process::{Command, Output},
};

use axum::Router;

/// Runs the real binary to its end, with no setting but the address of the services.
pub fn tasker(functions_url: &str, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tasker"))
        .args(["--functions-url", functions_url])
        .args(args)
        .env_clear()
        .output()
        .unwrap()
}

/// What it said of errors.
pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Serves `router` on a free port for the rest of the test process; answers its base URL.
pub fn serve(router: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            axum::serve(listener, router).await.unwrap();
        });
    });
    url
}
