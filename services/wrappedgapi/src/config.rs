//! Settings of the service.

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

/// Settings from the command line or the environment.
#[derive(Args, Clone, Debug)]
pub struct GapiArgs {
    /// Address that replaces every API's root URL. `GAPI_ROOT_URL_<API>` (as in
    /// GAPI_ROOT_URL_GMAIL) replaces that of one API.
    #[arg(long, env = "GAPI_ROOT_URL")]
    pub root_url: Option<String>,

    /// OAuth scopes that are delegated to the service account, comma separated. A call prefers
    /// one of these; without the setting reads ask for the method's read-only scope.
    #[arg(long, env = "GAPI_SCOPES", value_delimiter = ',')]
    pub scopes: Vec<String>,

    /// Most time to spend on one call to Google including retries, in milliseconds. After that
    /// the answer says when to try again.
    #[arg(long, env = "GAPI_RETRY_BUDGET_MS", default_value_t = 20_000)]
    pub retry_budget_ms: u64,

    /// Most time to wait for a connection to Google, in milliseconds.
    #[arg(long, env = "GAPI_CONNECT_TIMEOUT_MS", default_value_t = 5_000)]
    pub connect_timeout_ms: u64,

    /// Most time to wait for one token, in milliseconds.
    #[arg(long, env = "GAPI_TOKEN_TIMEOUT_MS", default_value_t = 10_000)]
    pub token_timeout_ms: u64,

    /// Most time for one request that carries media up or down, in milliseconds.
    #[arg(long, env = "GAPI_MEDIA_TIMEOUT_MS", default_value_t = 120_000)]
    pub media_timeout_ms: u64,

    /// Most time to spend on following pages, in milliseconds. The answer then holds what was
    /// read so far and a nextPageToken.
    #[arg(long, env = "GAPI_PAGES_BUDGET_MS", default_value_t = 60_000)]
    pub pages_budget_ms: u64,

    /// Largest answer of Google to read, in bytes.
    #[arg(long, env = "GAPI_MAX_RESPONSE_BYTES", default_value_t = 64 << 20)]
    pub max_response_bytes: usize,

    /// Seconds for which the credentials from the keystore are used without reading them again.
    #[arg(long, env = "GAPI_CREDENTIALS_TTL_S", default_value_t = 60)]
    pub credentials_ttl_s: u64,

    /// Directory of further discovery documents (*.json).
    #[arg(long, env = "GAPI_DISCOVERY_DIR")]
    pub discovery_dir: Option<PathBuf>,
}

/// Checked settings.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where the APIs are.
    pub roots: Roots,
    /// Scopes to prefer.
    pub scopes: Vec<String>,
    /// Budget of one call with its retries.
    pub retry_budget: Duration,
    /// Connect timeout.
    pub connect_timeout: Duration,
    /// Timeout of one token request.
    pub token_timeout: Duration,
    /// Timeout of one request with media.
    pub media_timeout: Duration,
    /// Budget of following pages.
    pub pages_budget: Duration,
    /// Largest answer to read, in bytes.
    pub max_response_bytes: usize,
    /// How long credentials are cached.
    pub credentials_ttl: Duration,
    /// How many users' tokens are cached.
    pub subjects: usize,
}

/// Addresses that replace the documents' root URLs.
#[derive(Clone, Debug, Default)]
pub struct Roots {
    all: Option<String>,
    by_api: HashMap<String, String>,
}

/// A setting that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error(
    "{name} must be an http:// or https:// address without query, such as http://127.0.0.1:8080/"
)]
pub struct ConfigError {
    /// The setting.
    pub name: String,
}

const ROOT_URL: &str = "GAPI_ROOT_URL";
const SUBJECTS: usize = 2_000;

impl Config {
    /// Checks the settings. `environment` is searched for `GAPI_ROOT_URL_<API>`.
    ///
    /// # Errors
    /// When a root URL is no http(s) address.
    pub fn new(
        args: &GapiArgs,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let millis = Duration::from_millis;
        Ok(Self {
            roots: Roots::new(args.root_url.as_deref(), environment)?,
            scopes: args
                .scopes
                .iter()
                .map(|s| s.trim().to_owned())
                .filter(|s| !s.is_empty())
                .collect(),
            retry_budget: millis(args.retry_budget_ms),
            connect_timeout: millis(args.connect_timeout_ms),
            token_timeout: millis(args.token_timeout_ms),
            media_timeout: millis(args.media_timeout_ms),
            pages_budget: millis(args.pages_budget_ms),
            max_response_bytes: args.max_response_bytes,
            credentials_ttl: Duration::from_secs(args.credentials_ttl_s),
            subjects: SUBJECTS,
        })
    }
}

impl Roots {
    /// One root for all APIs and, by `GAPI_ROOT_URL_<API>` in `environment`, roots of single ones.
    ///
    /// # Errors
    /// When one is no http(s) address.
    pub fn new(
        all: Option<&str>,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let mut by_api = HashMap::new();
        for (name, value) in environment {
            if let Some(api) = name.strip_prefix("GAPI_ROOT_URL_").filter(|_| !value.is_empty()) {
                by_api.insert(api.to_lowercase(), checked(&name, &value)?);
            }
        }
        let all =
            all.filter(|url| !url.is_empty()).map(|url| checked(ROOT_URL, url)).transpose()?;
        Ok(Self { all, by_api })
    }

    /// The root of an API, with a trailing slash.
    pub fn root(&self, api: &str, documented: &str) -> String {
        self.by_api.get(api).or(self.all.as_ref()).map_or(documented, String::as_str).to_owned()
    }
}

fn checked(name: &str, url: &str) -> Result<String, ConfigError> {
    let error = || ConfigError { name: name.to_owned() };
    let parsed = reqwest::Url::parse(url).map_err(|_| error())?;
    let usable = matches!(parsed.scheme(), "http" | "https") && parsed.has_host();
    if !usable || parsed.query().is_some() || parsed.fragment().is_some() {
        return Err(error());
    }
    Ok(format!("{}/", parsed.as_str().trim_end_matches('/')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_apis_root_wins_over_the_common_one() {
        let env = [("GAPI_ROOT_URL_GMAIL".to_owned(), "http://127.0.0.1:2/x".to_owned())];
        let roots = Roots::new(Some("http://127.0.0.1:1"), env).unwrap();
        assert_eq!(roots.root("gmail", "https://g/"), "http://127.0.0.1:2/x/");
        assert_eq!(roots.root("drive", "https://g/"), "http://127.0.0.1:1/");
        assert_eq!(Roots::default().root("drive", "https://g/"), "https://g/");
    }

    #[test]
    fn a_bad_root_is_named() {
        for bad in ["ftp://x", "localhost:80", "http://", "http://h/?q=1"] {
            let error = Roots::new(Some(bad), []).unwrap_err().to_string();
            assert!(error.starts_with("GAPI_ROOT_URL must be"), "{error}");
        }
    }
}
