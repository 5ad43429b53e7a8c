//! Starting and stopping an emulator.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::app::{App, Config};
use crate::key::{self, KeyError, ServiceAccount};
use crate::server;
use crate::truth::{Truth, truth};
use crate::world::{Trouble, World};

/// Why an emulator did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address is taken or not ours.
    #[error("cannot listen on {0}: {1}")]
    Listen(SocketAddr, std::io::Error),
    /// No service-account key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// A setting makes no sense.
    #[error("{0}")]
    Setting(String),
}

/// The entry: [`Emulator::start`].
#[derive(Debug)]
pub struct Emulator;

/// An emulator that listens. Dropping it stops it; [`Running::shutdown`] waits for that.
#[derive(Debug)]
pub struct Running {
    /// Base URL without a slash at its end: the root of both APIs.
    pub url: String,
    /// The administrator's address.
    pub admin: String,
    /// The service-account key file's content.
    pub key_json: String,
    app: Arc<App>,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Emulator {
    /// Builds the world and listens; answers as soon as this returns.
    ///
    /// # Errors
    /// [`StartError`]: bad setting, unusable key file, address taken.
    pub async fn start(config: Config) -> Result<Running, StartError> {
        let world = build_world(&config)?;
        let (file, seed) = (config.write_key.clone(), config.world.seed);
        // A key is a second of arithmetic: not on a thread that serves.
        let account = tokio::task::spawn_blocking(move || {
            ServiceAccount::load_or_generate(file.as_deref(), seed)
        })
        .await
        .map_err(|error| StartError::Setting(error.to_string()))??;
        let address = SocketAddr::new(config.host, config.port);
        let failed = |error| StartError::Listen(address, error);
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let bound = listener.local_addr().map_err(failed)?;
        let url = config.public_url.clone().unwrap_or_else(|| format!("http://{bound}"));
        let url = url.trim_end_matches('/').to_owned();
        let key_json = account.to_json(&format!("{url}/token"))?;
        write_key(config.write_key.as_deref(), &key_json)?;
        let admin = world.admin().to_owned();
        let app = Arc::new(App::new(config, url.clone(), world, account));
        let (stop, stopped) = watch::channel(false);
        let task = tokio::spawn(server::serve(listener, Arc::clone(&app), stopped));
        Ok(Running { url, admin, key_json, app, stop, task })
    }
}

/// The world of a configuration, with its troubled people.
///
/// # Errors
/// [`StartError::Setting`] if nobody could be the administrator or a troubled person is unknown.
pub fn build_world(config: &Config) -> Result<World, StartError> {
    if config.world.users_per_domain.first().is_none_or(|count| *count == 0) {
        let message = "users-per-domain: the first domain needs at least 1 user, its administrator";
        return Err(StartError::Setting(message.to_owned()));
    }
    let world = World::new(config.world.clone());
    let lists = [
        ("suspended-user", &config.suspended, Trouble::Suspended),
        ("no-mailbox", &config.no_mailbox, Trouble::NoMailbox),
    ];
    for (name, people, trouble) in lists {
        for person in people {
            let user = world.find_named(person);
            let user = user.map_err(|error| StartError::Setting(format!("{name}: {error}")))?;
            world.set_trouble(user, Some(trouble));
        }
    }
    Ok(world)
}

impl Running {
    /// The expected result of a search, over the world as it is now.
    pub fn truth(&self, query: &str, max_users: usize, max_results: usize) -> Truth {
        truth(&self.app.world, query, max_users, max_results)
    }

    /// The state behind the emulator: world, faults, request log.
    pub fn app(&self) -> &App {
        &self.app
    }

    /// Stops listening and waits for the calls in flight (2 s at most).
    pub async fn shutdown(self) {
        let _ = self.stop.send(true);
        if let Err(error) = self.task.await {
            tracing::warn!(%error, "the server ended badly");
        }
    }
}

fn write_key(file: Option<&Path>, json: &str) -> Result<(), KeyError> {
    file.map_or(Ok(()), |file| key::write(file, json))
}
