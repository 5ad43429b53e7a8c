//! Google's own Python client drives the emulator unchanged.

use crate::clients;

use std::path::Path;
use std::process::Command;

const NEEDS: &str = "python3 with its venv module (Debian: python3-venv) and PyPI";

#[tokio::test]
async fn googles_python_client_works_unchanged() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python");
    let requirements = tests.join("requirements.txt");
    let venv = clients::cache("python", &std::fs::read_to_string(&requirements).unwrap());
    let done = venv.join("installed");
    if !done.exists() {
        clients::install(Command::new("python3").args(["-m", "venv"]).arg(&venv), NEEDS);
        let mut pip = Command::new(venv.join("bin/pip"));
        pip.args(["install", "--quiet", "--disable-pip-version-check", "-r"]).arg(&requirements);
        clients::install(&mut pip, NEEDS);
        std::fs::write(done, "").unwrap();
    }
    let mut client = Command::new(venv.join("bin/python"));
    client.arg(tests.join("google_client.py"));
    clients::drive(client).await;
}
