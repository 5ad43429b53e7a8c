//! Runs a real client against an emulator of its own.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use workspace_emulator::{Config, Emulator, WorldConfig};

/// Where installed clients are kept between runs.
pub fn cache(name: &str, pins: &str) -> PathBuf {
    let digest = workspace_emulator::rng::hash(pins.as_bytes());
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{digest:016x}"))
}

/// Runs a step of an installation; its failure says what the machine lacks.
pub fn install(step: &mut Command, needs: &str) {
    match step.output() {
        Ok(output) if output.status.success() => {}
        Ok(output) => panic!(
            "{step:?} failed; this test needs {needs}\n{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        ),
        Err(error) => panic!("{step:?}: {error}; this test needs {needs}"),
    }
}

/// Starts a small world and runs `client URL ADMIN` with the key on its standard input.
pub async fn drive(mut client: Command) {
    let users_per_domain = vec![9, 8, 6, 3];
    let world = WorldConfig { users_per_domain, messages_per_user: 120, ..WorldConfig::default() };
    let running = Emulator::start(Config { world, ..Config::default() }).await.unwrap();
    client.args([&running.url, &running.admin]).stdin(Stdio::piped());
    client.stdout(Stdio::piped()).stderr(Stdio::piped());
    let key = running.key_json.clone();
    let run = move || {
        let mut child = client.spawn()?;
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), key.as_bytes())?;
        child.wait_with_output()
    };
    let output = tokio::task::spawn_blocking(run).await.unwrap().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("ok: "), "{said}");
    running.shutdown().await;
}
