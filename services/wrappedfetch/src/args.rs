//! Settings of the service. Each has a name of its own among those of the one-process server.

/// Settings from the command line or the environment.
#[derive(Clone, Debug, clap::Args)]
pub struct FetchArgs {
    /// Hosts that task code may reach, comma separated: api.example.com, *.example.com, either with
    /// :port; * for every public host, none for no host.
    #[arg(
        id = "fetch_allow",
        long = "fetch-allow",
        env = "TASKER_FETCH_ALLOW",
        value_delimiter = ',',
        default_value = "*"
    )]
    pub allow: Vec<String>,

    /// Addresses to allow although they are not public, comma separated: 127.0.0.1:8080, 10.1.2.3,
    /// 10.0.0.0/8, `[::1]:3000`. Without a port every port.
    #[arg(
        id = "fetch_allow_private",
        long = "fetch-allow-private",
        env = "TASKER_FETCH_ALLOW_PRIVATE",
        value_delimiter = ','
    )]
    pub allow_private: Vec<String>,

    /// Largest body that is taken from a server, bytes, packed or unpacked.
    #[arg(id = "fetch_max_bytes", long = "fetch-max-bytes", env = "TASKER_FETCH_MAX_BYTES", default_value_t = 7 << 20)]
    pub max_bytes: usize,

    /// Longest time for one request with its redirects, milliseconds.
    #[arg(
        id = "fetch_timeout_ms",
        long = "fetch-timeout-ms",
        env = "TASKER_FETCH_TIMEOUT_MS",
        default_value_t = 60_000
    )]
    pub timeout_ms: u64,

    /// Longest wait for a connection, milliseconds.
    #[arg(
        id = "fetch_connect_timeout_ms",
        long = "fetch-connect-timeout-ms",
        env = "TASKER_FETCH_CONNECT_TIMEOUT_MS",
        default_value_t = 10_000
    )]
    pub connect_timeout_ms: u64,
}
