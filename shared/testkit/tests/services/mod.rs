//! Services beside tasker's own, as processes.

use std::{
    path::{Path, PathBuf},
    process::Child,
    time::{Duration, Instant},
};

/// An empty folder.
pub fn folder(name: &str) -> PathBuf {
    tasker_http::install_crypto();
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("plugins-{name}"));
    let _ = std::fs::remove_dir_all(&dir);
    std::fs::create_dir_all(&dir).unwrap();
    dir
}

/// An environment.
pub fn env(list: &[(&str, &str)]) -> Vec<(String, String)> {
    list.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
}

/// A child that dies with the test.
pub struct Killed(pub Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Waits until something answers there.
pub async fn answers(url: &str) {
    tasker_http::install_crypto();
    let until = Instant::now() + Duration::from_secs(20);
    while !reqwest::get(url).await.is_ok_and(|r| r.status().is_success()) {
        assert!(Instant::now() < until, "{url} does not answer");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
