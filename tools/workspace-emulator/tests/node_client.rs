//! Google's own Node client drives the emulator unchanged, where Node is present.

use crate::clients;

use std::path::Path;
use std::process::Command;

#[tokio::test]
async fn googles_node_client_works_unchanged() {
    let present = |name: &str| Command::new(name).arg("--version").output().is_ok();
    if !present("node") || !present("npm") {
        eprintln!("no node and npm here: Google's Node client was not tried");
        return;
    }
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/node");
    let manifest = std::fs::read_to_string(tests.join("package.json")).unwrap();
    let folder = clients::cache("node", &manifest);
    let done = folder.join("installed");
    if !done.exists() {
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("package.json"), &manifest).unwrap();
        let mut npm = Command::new("npm");
        npm.args(["install", "--no-audit", "--no-fund", "--ignore-scripts"]).current_dir(&folder);
        clients::install(&mut npm, "the npm registry");
        std::fs::write(done, "").unwrap();
    }
    // Beside node_modules, where Node looks for packages.
    let script = folder.join("google_client.mjs");
    std::fs::copy(tests.join("google_client.mjs"), &script).unwrap();
    let mut client = Command::new("node");
    client.arg(script);
    clients::drive(client).await;
}
