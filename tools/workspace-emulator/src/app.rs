//! What the handlers share.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

use rsa::RsaPublicKey;

use crate::faults::Faults;
use crate::key::ServiceAccount;
use crate::log::Log;
use crate::tokens::Tokens;
use crate::world::{World, WorldConfig};

/// How to start an emulator. `Default` is the world of 4 domains, 98 users, 300 messages each.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where to listen; 0 picks a free port.
    pub port: u16,
    /// Address to listen on: loopback unless a container needs more.
    pub host: IpAddr,
    /// How clients reach the emulator, if not by the address that it listens on.
    pub public_url: Option<String>,
    /// The world.
    pub world: WorldConfig,
    /// Where to write the service-account key file, and to take an earlier one from.
    pub write_key: Option<PathBuf>,
    /// Scopes that the administrator delegated to the service account.
    pub delegated_scopes: Vec<String>,
    /// Milliseconds that every API call takes at least.
    pub latency_ms: u64,
    /// Suspended people: addresses, or numbers from 1 in the world's order.
    pub suspended: Vec<String>,
    /// People without a mailbox, named likewise.
    pub no_mailbox: Vec<String>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            port: 0,
            host: IpAddr::V4(Ipv4Addr::LOCALHOST),
            public_url: None,
            world: WorldConfig::default(),
            write_key: None,
            delegated_scopes: DELEGATED.map(str::to_owned).to_vec(),
            latency_ms: 0,
            suspended: Vec::new(),
            no_mailbox: Vec::new(),
        }
    }
}

/// What an administrator would delegate for reading the Directory and for mail.
const DELEGATED: [&str; 11] = [
    "https://mail.google.com/",
    "https://www.googleapis.com/auth/admin.directory.domain",
    "https://www.googleapis.com/auth/admin.directory.domain.readonly",
    "https://www.googleapis.com/auth/admin.directory.group.readonly",
    "https://www.googleapis.com/auth/admin.directory.user",
    "https://www.googleapis.com/auth/admin.directory.user.readonly",
    "https://www.googleapis.com/auth/gmail.labels",
    "https://www.googleapis.com/auth/gmail.metadata",
    "https://www.googleapis.com/auth/gmail.modify",
    "https://www.googleapis.com/auth/gmail.readonly",
    "https://www.googleapis.com/auth/gmail.send",
];

/// One emulator's state.
#[derive(Debug)]
pub struct App {
    /// What it was started with.
    pub config: Config,
    /// Base URL without a slash at its end.
    pub url: String,
    /// People and mail.
    pub world: World,
    /// Who signs assertions.
    pub account: ServiceAccount,
    /// The account's public key.
    pub public_key: RsaPublicKey,
    /// Values of `aud` that count.
    pub audiences: Vec<String>,
    /// Access tokens in use.
    pub tokens: Tokens,
    /// Injected faults.
    pub faults: Faults,
    /// Request log.
    pub log: Log,
}

impl App {
    /// Puts the parts together.
    pub fn new(config: Config, url: String, world: World, account: ServiceAccount) -> Self {
        let mut audiences: Vec<String> = [
            // Google's clients sign for these even if the key file names another endpoint.
            "https://oauth2.googleapis.com/token",
            "https://www.googleapis.com/oauth2/v4/token",
            "https://accounts.google.com/o/oauth2/token",
        ]
        .map(str::to_owned)
        .to_vec();
        audiences.push(format!("{url}/token"));
        audiences.push(format!("{}/token", url.replace("127.0.0.1", "localhost")));
        let public_key = account.private_key().to_public_key();
        let (tokens, faults, log) = (Tokens::default(), Faults::default(), Log::default());
        Self { config, url, world, account, public_key, audiences, tokens, faults, log }
    }
}
