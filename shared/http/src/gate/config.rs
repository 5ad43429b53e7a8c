//! `[functions.<name>]` of supabase/config.toml.

use std::{collections::HashMap, path::Path};

use anyhow::{Context as _, bail};
use serde::Deserialize;

use super::args::GateArgs;

/// Where `supabase init` puts it.
const USUAL: &str = "supabase/config.toml";

#[derive(Deserialize, Default)]
struct File {
    #[serde(default)]
    functions: HashMap<String, Function>,
}

#[derive(Deserialize)]
struct Function {
    #[serde(default = "yes")]
    enabled: bool,
    #[serde(default = "yes")]
    verify_jwt: bool,
}

fn yes() -> bool {
    true
}

/// What config.toml and the environment say about each service.
pub(super) struct Functions {
    named: HashMap<String, Function>,
    /// `--verify-jwt`, above all of them.
    forced: Option<bool>,
}

impl Functions {
    pub(super) fn load(args: &GateArgs) -> anyhow::Result<Self> {
        let file = match &args.supabase_config {
            Some(path) if !path.as_os_str().is_empty() => read(path)?,
            _ if Path::new(USUAL).exists() => read(Path::new(USUAL))?,
            _ => File::default(),
        };
        let forced = match args.verify_jwt() {
            None => None,
            Some("true") => Some(true),
            Some("false") => Some(false),
            Some(other) => bail!("FUNCTIONS_VERIFY_JWT is '{other}': say true or false"),
        };
        Ok(Self { named: file.functions, forced })
    }

    pub(super) fn enabled(&self, name: &str) -> bool {
        self.named.get(name).is_none_or(|f| f.enabled)
    }

    pub(super) fn verify_jwt(&self, name: &str) -> bool {
        self.forced.unwrap_or_else(|| self.named.get(name).is_none_or(|f| f.verify_jwt))
    }
}

fn read(path: &Path) -> anyhow::Result<File> {
    let text =
        std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    toml::from_str(&text).map_err(|e| {
        // The error's own text repeats the line, which may hold a secret.
        let line = e.span().map_or(0, |at| text[..at.start].matches('\n').count() + 1);
        anyhow::anyhow!("{}, line {line}: {}", path.display(), e.message())
    })
}
