//! The environment that the original's development server is configured with, and what it means here.

use std::{collections::HashMap, net::SocketAddr};

use anyhow::bail;
use tasker_http::{GateArgs, Registered, Secret};

/// Postgres of a Supabase on this machine.
const LOCAL: &str = "postgres://postgres:postgres@127.0.0.1:54322/postgres";
/// Services that the original's client looks for at its base address.
const WRAPPED: [&str; 5] =
    ["wrappedgapi", "wrappedkeystore", "wrappedsupabase", "wrappedopenai", "wrappedwebsearch"];

/// Where runs are kept, and where the wrapped services are.
#[derive(clap::Args)]
pub struct SeedArgs {
    /// Keep runs in an SQLite file (--db). That is the default.
    #[arg(long)]
    sqlite: bool,
    /// Keep runs in the Postgres of a Supabase: DATABASE_URL, else the local one.
    #[arg(long, conflicts_with = "sqlite")]
    supabase: bool,
    /// Postgres of --supabase; without that flag it is not used.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    database_url: Option<String>,
    /// Another name of SUPABASE_SERVICE_ROLE_KEY.
    #[arg(long, env = "SUPABASE_SERVICE_KEY", hide_env_values = true)]
    supabase_service_key: Option<Secret>,
    /// How services are called: http; direct is read as http, since services meet over HTTP only.
    #[arg(long, env = "SERVICE_CLIENT_TYPE", value_name = "http|direct")]
    service_client_type: Option<String>,
    /// Call the wrapped services there (its /functions/v1) instead of those in this process.
    #[arg(long, env = "SERVICE_CLIENT_BASE_URL", value_name = "URL")]
    service_client_base_url: Option<String>,
    /// Bearer token that they are shown.
    #[arg(long, env = "SERVICE_CLIENT_AUTH_TOKEN", hide_env_values = true)]
    service_client_auth_token: Option<Secret>,
}

fn filled(text: Option<&String>) -> Option<&str> {
    text.map(|t| t.trim()).filter(|t| !t.is_empty())
}

impl SeedArgs {
    /// What `/health` says the runs are kept in.
    pub fn backend(&self) -> &'static str {
        if self.supabase { "supabase" } else { "sqlite" }
    }

    /// Address of the Postgres; `None`: the SQLite file.
    pub fn postgres(&self, supabase_url: Option<&String>) -> anyhow::Result<Option<String>> {
        if !self.supabase {
            return Ok(None);
        }
        if let Some(url) = filled(self.database_url.as_ref()) {
            return Ok(Some(url.to_owned()));
        }
        match filled(supabase_url) {
            Some(url) if !is_loopback(url) => bail!(
                "--supabase needs DATABASE_URL: SUPABASE_URL and SUPABASE_SERVICE_KEY reach the REST \
                 API, which cannot lock rows. The project's Connect page shows the Postgres address \
                 (use the direct connection or the session pooler, port 5432)"
            ),
            _ => Ok(Some(LOCAL.to_owned())),
        }
    }

    /// The gate's settings, with the service key under its older name.
    pub fn gate(&self, gate: &GateArgs) -> GateArgs {
        let mut gate = gate.clone();
        let none = |s: &Option<Secret>| s.as_ref().is_none_or(|s| s.expose().is_empty());
        if none(&gate.service_role_key) && !none(&self.supabase_service_key) {
            gate.service_role_key = self.supabase_service_key.clone();
        }
        gate
    }

    /// The wrapped services that are somewhere else. `own` is where this process listens.
    pub fn elsewhere(&self, own: SocketAddr) -> anyhow::Result<HashMap<String, Registered>> {
        match filled(self.service_client_type.as_ref()) {
            None | Some("http") => {}
            Some("direct") => tracing::warn!(
                "SERVICE_CLIENT_TYPE=direct is read as http: services meet over HTTP only"
            ),
            Some(other) => bail!("SERVICE_CLIENT_TYPE is '{other}': say http"),
        }
        let token = self.service_client_auth_token.clone().filter(|t| !t.expose().is_empty());
        let Some(base) = filled(self.service_client_base_url.as_ref()) else {
            if token.is_some() {
                tracing::warn!(
                    "SERVICE_CLIENT_AUTH_TOKEN is not used: it is for SERVICE_CLIENT_BASE_URL, \
                     which is not set"
                );
            }
            return Ok(HashMap::new());
        };
        let Ok(address) = reqwest::Url::parse(base) else {
            bail!("SERVICE_CLIENT_BASE_URL is '{base}': say http://host:port");
        };
        if !["http", "https"].contains(&address.scheme()) {
            bail!("SERVICE_CLIENT_BASE_URL is '{base}': say http://host:port");
        }
        if is_loopback(base) && address.port_or_known_default() == Some(own.port()) {
            return Ok(HashMap::new());
        }
        let base = base.trim_end_matches('/');
        let base = base.strip_suffix("/functions/v1").unwrap_or(base);
        tracing::info!(%base, "wrapped services are called there");
        let at = |name: &&str| Registered {
            url: format!("{base}/functions/v1/{name}"),
            token: token.clone(),
        };
        Ok(WRAPPED.iter().map(|name| ((*name).to_owned(), at(name))).collect())
    }
}

fn is_loopback(url: &str) -> bool {
    let url = reqwest::Url::parse(url).ok();
    let host = url.as_ref().and_then(reqwest::Url::host_str).unwrap_or_default();
    let host = host.trim_matches(['[', ']']);
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Only {
        #[command(flatten)]
        seed: SeedArgs,
    }

    fn args(list: &[&str]) -> SeedArgs {
        Only::try_parse_from([&["x"], list].concat()).unwrap_or_else(|e| panic!("{e}")).seed
    }

    #[test]
    fn postgres_is_asked_for_and_then_named() {
        let cloud = "https://abc.supabase.co".to_owned();
        let local = "http://localhost:54321".to_owned();
        let named = ["--supabase", "--database-url", "postgres://h/d"];
        let at = |list: &[&str], url: Option<&String>| args(list).postgres(url);
        assert_eq!(at(&["--database-url", "postgres://h/d"], Some(&cloud)).ok(), Some(None));
        assert_eq!(at(&named, Some(&cloud)).ok(), Some(Some("postgres://h/d".into())));
        assert_eq!(at(&["--supabase"], Some(&local)).ok(), Some(Some(LOCAL.into())));
        let refused = at(&["--supabase"], Some(&cloud)).map_err(|e| e.to_string());
        assert!(refused.is_err_and(|e| e.contains("DATABASE_URL")));
        assert!(Only::try_parse_from(["x", "--sqlite", "--supabase"]).is_err());
    }

    #[test]
    fn wrapped_services_may_be_elsewhere_but_not_here() {
        let own = SocketAddr::from(([127, 0, 0, 1], 54321));
        let at = |list: &[&str]| args(list).elsewhere(own);
        let base = |url| ["--service-client-base-url", url];
        let found = at(&base("http://10.0.0.1:54321/")).unwrap_or_default();
        assert_eq!(found["wrappedgapi"].url, "http://10.0.0.1:54321/functions/v1/wrappedgapi");
        assert!(at(&base("http://localhost:54321")).is_ok_and(|f| f.is_empty()));
        assert!(at(&base("localhost")).is_err() && at(&["--service-client-type", "soap"]).is_err());
        assert!(at(&["--service-client-type", "direct"]).is_ok_and(|f| f.is_empty()));
    }

    #[test]
    fn the_older_name_of_the_key_is_read() {
        let key = args(&["--supabase-service-key", "k"]);
        assert_eq!(key.gate(&GateArgs::default()).service_key().as_deref(), Some("k"));
        let newer = GateArgs { service_role_key: Some("n".into()), ..GateArgs::default() };
        assert_eq!(key.gate(&newer).service_key().as_deref(), Some("n"));
    }
}
