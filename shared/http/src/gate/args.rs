//! Settings of the gate, under the names that Supabase gives its functions.

use std::{path::PathBuf, time::Duration};

use clap::Args;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Map, Value};

/// A setting that no log and no error may show.
#[derive(Clone, Debug, Default)]
pub struct Secret(SecretString);

impl Secret {
    /// The text itself, without white space around it.
    pub fn expose(&self) -> &str {
        self.0.expose_secret().trim()
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

/// Keys, and what is done with them. An empty value counts as none.
#[derive(Args, Clone, Debug, Default)]
pub struct GateArgs {
    /// Secret of HS256 tokens, the legacy keys among them; JWT_SECRET is read too.
    #[arg(long, env = "SUPABASE_JWT_SECRET", hide_env_values = true)]
    pub jwt_secret: Option<Secret>,

    #[arg(long, env = "JWT_SECRET", hide = true, hide_env_values = true)]
    #[doc(hidden)]
    pub plain_jwt_secret: Option<Secret>,

    /// Legacy key of anonymous clients.
    #[arg(long, env = "SUPABASE_ANON_KEY", hide_env_values = true)]
    pub anon_key: Option<Secret>,

    /// Legacy key that may do everything; sent to the other services.
    #[arg(long, env = "SUPABASE_SERVICE_ROLE_KEY", hide_env_values = true)]
    pub service_role_key: Option<Secret>,

    /// Keys of anonymous clients as JSON: {"default":"sb_publishable_..."}.
    #[arg(long, env = "SUPABASE_PUBLISHABLE_KEYS", hide_env_values = true)]
    pub publishable_keys: Option<Secret>,

    /// One such key, when there is only one.
    #[arg(long, env = "SUPABASE_PUBLISHABLE_KEY", hide_env_values = true)]
    pub publishable_key: Option<Secret>,

    /// Keys that may do everything as JSON: {"default":"sb_secret_..."}.
    #[arg(long, env = "SUPABASE_SECRET_KEYS", hide_env_values = true)]
    pub secret_keys: Option<Secret>,

    /// One such key, when there is only one.
    #[arg(long, env = "SUPABASE_SECRET_KEY", hide_env_values = true)]
    pub secret_key: Option<Secret>,

    /// Key set of ES256 and RS256 tokens: {"keys":[...]}. Without it the set is fetched.
    #[arg(long, env = "SUPABASE_JWKS", hide_env_values = true)]
    pub jwks: Option<Secret>,

    /// Where the key set is fetched; else SUPABASE_URL plus /auth/v1/.well-known/jwks.json.
    #[arg(long, env = "SUPABASE_JWKS_URL")]
    pub jwks_url: Option<String>,

    /// Address of the Supabase project. Alone it turns no check on.
    #[arg(long, env = "SUPABASE_URL")]
    pub supabase_url: Option<String>,

    /// Issuer that users' tokens must name; not checked without it.
    #[arg(long, env = "SUPABASE_JWT_ISSUER")]
    pub jwt_issuer: Option<String>,

    /// Audience that a token must name if it names one ["authenticated" unless set].
    #[arg(long, env = "SUPABASE_JWT_AUDIENCE")]
    pub jwt_audience: Option<String>,

    /// false: no service asks clients for a token, whatever config.toml says; VERIFY_JWT is read too.
    #[arg(long, env = "FUNCTIONS_VERIFY_JWT", value_name = "true|false")]
    pub verify_jwt: Option<String>,

    #[arg(long, env = "VERIFY_JWT", hide = true)]
    #[doc(hidden)]
    pub plain_verify_jwt: Option<String>,

    /// Supabase's config.toml [supabase/config.toml, if it is there].
    #[arg(long, env = "TASKER_SUPABASE_CONFIG", value_name = "FILE")]
    pub supabase_config: Option<PathBuf>,

    /// Believe the sb-api-key header: only behind a gateway that sets it on every request.
    #[arg(long, env = "TASKER_TRUST_SB_API_KEY")]
    pub trust_sb_api_key: bool,

    /// Let clients call wrappedsupabase too, under their own role: row level security decides.
    #[arg(long, env = "TASKER_SUPABASE_CLIENTS")]
    pub supabase_clients: bool,

    /// Origins of web pages that may call while no keys are set, beside those of this machine: comma separated,
    /// like `https://studio.example:3000`.
    #[arg(long, env = "TASKER_DEV_ORIGINS", value_delimiter = ',', value_name = "ORIGINS")]
    pub dev_origins: Vec<String>,

    /// Shortest time between two fetches of the key set, milliseconds.
    #[arg(long, env = "TASKER_JWKS_INTERVAL_MS", hide = true)]
    pub jwks_interval_ms: Option<u64>,
}

/// The text of a setting, if it has one.
pub(super) fn given(secret: Option<&Secret>) -> Option<&str> {
    secret.map(Secret::expose).filter(|text| !text.is_empty())
}

fn filled(text: Option<&String>) -> Option<&str> {
    text.map(|t| t.trim()).filter(|t| !t.is_empty())
}

impl GateArgs {
    /// The settings as the environment alone has them.
    ///
    /// # Errors
    /// A variable that cannot be read.
    pub fn from_env() -> anyhow::Result<Self> {
        #[derive(clap::Parser)]
        #[command(no_binary_name = true)]
        struct Only {
            #[command(flatten)]
            gate: GateArgs,
        }
        Ok(<Only as clap::Parser>::try_parse_from([""; 0])?.gate)
    }

    /// Whether anything is set that a caller could be asked for.
    pub(crate) fn has_keys(&self) -> bool {
        let secrets = [
            &self.jwt_secret,
            &self.plain_jwt_secret,
            &self.anon_key,
            &self.service_role_key,
            &self.publishable_keys,
            &self.publishable_key,
            &self.secret_keys,
            &self.secret_key,
            &self.jwks,
        ];
        secrets.into_iter().any(|s| given(s.as_ref()).is_some())
            || filled(self.jwks_url.as_ref()).is_some()
    }

    pub(super) fn hs256_secret(&self) -> Option<&str> {
        given(self.jwt_secret.as_ref()).or_else(|| given(self.plain_jwt_secret.as_ref()))
    }

    pub(super) fn key_set_url(&self) -> Option<String> {
        let derived = || {
            let project = filled(self.supabase_url.as_ref())?.trim_end_matches('/');
            Some(format!("{project}/auth/v1/.well-known/jwks.json"))
        };
        filled(self.jwks_url.as_ref()).map(str::to_owned).or_else(derived)
    }

    pub(super) fn issuer(&self) -> Option<&str> {
        filled(self.jwt_issuer.as_ref())
    }

    pub(super) fn audience(&self) -> &str {
        filled(self.jwt_audience.as_ref()).unwrap_or("authenticated")
    }

    pub(super) fn verify_jwt(&self) -> Option<&str> {
        filled(self.verify_jwt.as_ref()).or_else(|| filled(self.plain_verify_jwt.as_ref()))
    }

    pub(super) fn jwks_interval(&self) -> Duration {
        self.jwks_interval_ms.map_or(Duration::from_secs(30), Duration::from_millis)
    }

    /// The key this process shows the other services.
    pub fn service_key(&self) -> Option<String> {
        let listed = || preferred(given(self.secret_keys.as_ref())?);
        given(self.service_role_key.as_ref())
            .or_else(|| given(self.secret_key.as_ref()))
            .map(str::to_owned)
            .or_else(listed)
    }
}

/// The key called `default`, or the first.
fn preferred(text: &str) -> Option<String> {
    let map: Map<String, Value> = serde_json::from_str(text).ok()?;
    let key = map.get("default").or_else(|| map.values().next())?;
    key.as_str().map(|k| k.trim().to_owned()).filter(|k| !k.is_empty())
}
