//! Settings that all services share, from the command line or the environment.

use std::{
    collections::HashMap,
    net::{IpAddr, SocketAddr},
    path::PathBuf,
};

use anyhow::bail;
use clap::{Args, ValueEnum};
use tasker_seal::{KeySettings, Zeroizing};

use crate::{GateArgs, Secret, ServiceArgs, unix};

/// Address, database, peers, logs.
#[derive(Args, Clone, Debug)]
pub struct CommonArgs {
    /// Address to listen on.
    #[arg(long, env = "TASKER_HOST", default_value = "127.0.0.1")]
    pub host: IpAddr,

    /// Port to listen on; 0 picks a free one.
    #[arg(long, env = "PORT", default_value_t = 8000)]
    pub port: u16,

    /// Also listen on this Unix socket, which nobody but the same user can open.
    #[arg(long, env = "TASKER_SOCKET", value_name = "PATH")]
    pub socket: Option<PathBuf>,

    /// Database: postgres://user:password@host:port/name, or sqlite:PATH (one process only).
    #[arg(
        long,
        env = "DATABASE_URL",
        hide_env_values = true,
        default_value = "postgres://postgres:postgres@127.0.0.1:54322/postgres"
    )]
    pub database_url: String,

    /// Where the services are reached: the part before the service's name.
    #[arg(
        long,
        env = "TASKER_FUNCTIONS_URL",
        default_value = "http://127.0.0.1:54321/functions/v1"
    )]
    pub functions_url: String,

    /// Services with an address of their own: name=url, comma separated. On the same machine the url
    /// may be a socket: name=unix:/path/of/socket.
    #[arg(long, env = "TASKER_SERVICE_URLS", value_delimiter = ',', value_parser = peer_and_url)]
    pub service_url: Vec<(String, String)>,

    /// Services that others wrote.
    #[command(flatten)]
    pub services: ServiceArgs,

    /// Who may call what.
    #[command(flatten)]
    pub gate: GateArgs,

    /// What secrets are sealed with.
    #[command(flatten)]
    pub keys: KeyArgs,

    /// Log lines as JSON.
    #[arg(long, env = "TASKER_LOG_JSON")]
    pub log_json: bool,

    /// Start nothing: ask the process on --host and --port how it is, exit 0 if it is well.
    #[arg(long)]
    pub health: bool,
}

impl CommonArgs {
    /// The addresses given one by one, without a trailing slash.
    pub fn service_urls(&self) -> HashMap<String, String> {
        self.service_url.iter().cloned().collect()
    }

    /// What a service that keeps secrets seals them with.
    ///
    /// # Errors
    /// Keys are set, so this is no development mode, and nothing is there to seal with: task code's
    /// secrets would lie in the database in clear. SQLite makes a key of its own.
    pub fn sealing(&self) -> anyhow::Result<KeySettings> {
        let settings = self.keys.settings();
        let sqlite = self.database_url.starts_with("sqlite:");
        if settings.keys.is_none() && settings.file.is_none() && !sqlite && self.gate.has_keys() {
            bail!(
                "no master key is set, and secrets would be kept in clear: set TASKER_MASTER_KEY \
                 (`tasker keystore new-key` prints one) or TASKER_MASTER_KEY_FILE, the same for \
                 tasks, simple-stack-processor, deno-executor and wrappedkeystore; keep a copy \
                 apart from the database"
            );
        }
        Ok(settings)
    }
}

/// Where a process itself is reached, of which there may be several.
#[derive(Args, Clone, Debug, Default)]
pub struct OwnArgs {
    /// Where other services reach this very process, path included, and not another one behind the
    /// same name: runs whose isolate it keeps, and calls that it holds, come back here. If all of
    /// them are on this machine it may be a socket: unix:/path/of/socket.
    #[arg(long, env = "TASKER_ADVERTISE_URL", value_name = "URL")]
    pub advertise_url: Option<String>,
}

impl OwnArgs {
    /// Where other services reach this very process as `name`: what was set, else the address it
    /// listens on; of all addresses, the one on the way to other machines, if there is any.
    pub fn url(&self, name: &str, listens: SocketAddr) -> Option<String> {
        if let Some(set) = self.advertise_url.as_ref().filter(|url| !url.is_empty()) {
            let set = set.trim_end_matches('/');
            return unix::address(set, name).ok().or_else(|| Some(set.to_owned()));
        }
        let ip = if listens.ip().is_unspecified() { outward()? } else { listens.ip() };
        let address = SocketAddr::new(ip, listens.port());
        Some(format!("http://{address}/functions/v1/{name}"))
    }
}

/// This machine's address on its default route. Nothing is sent: only the route is looked up.
fn outward() -> Option<IpAddr> {
    let socket = std::net::UdpSocket::bind(("0.0.0.0", 0)).ok()?;
    // An address for documentation (RFC 5737): on no machine's own network.
    socket.connect(("192.0.2.1", 9)).ok()?;
    socket.local_addr().ok().map(|address| address.ip())
}

/// What secrets are sealed with.
#[derive(Args, Clone, Debug, Default)]
pub struct KeyArgs {
    /// Master keys of sealed secrets, comma separated: the first seals, all of them open.
    #[arg(long, env = "TASKER_MASTER_KEY", hide_env_values = true)]
    pub master_key: Option<Secret>,

    /// File with such keys, one a line; read again when it changes.
    #[arg(long, env = "TASKER_MASTER_KEY_FILE", value_name = "FILE")]
    pub master_key_file: Option<PathBuf>,

    /// Where secrets are kept: auto takes Supabase's Vault where it exists, sealed never does.
    #[arg(long, env = "TASKER_KEYSTORE", value_name = "auto|sealed", default_value = "auto")]
    pub keystore: Keystore,
}

/// Where secrets are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Keystore {
    /// In Supabase's Vault where it exists, sealed elsewhere.
    #[default]
    Auto,
    /// Sealed.
    Sealed,
}

impl KeyArgs {
    /// These arguments as settings of the store; what is empty counts as absent.
    pub fn settings(&self) -> KeySettings {
        let text = self.master_key.as_ref().map(|key| key.expose().to_owned());
        KeySettings {
            keys: text.filter(|text| !text.is_empty()).map(Zeroizing::new),
            file: self.master_key_file.clone().filter(|path| !path.as_os_str().is_empty()),
            no_vault: self.keystore == Keystore::Sealed,
        }
    }
}

/// Reads `name=url`, as `TASKER_SERVICE_URLS` lists them; the url may be a Unix socket.
pub fn peer_and_url(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, url)) if url.starts_with(unix::SCHEME) => {
            let name = name.trim();
            unix::address(url, name).map(|url| (name.to_owned(), url))
        }
        _ => name_and_url(text),
    }
}

/// Reads `name=url`.
pub fn name_and_url(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, url)) if url.starts_with("http://") || url.starts_with("https://") => {
            Ok((name.trim().to_owned(), url.trim_end_matches('/').to_owned()))
        }
        _ => Err(format!("'{text}' is not name=http://host:port/path")),
    }
}
