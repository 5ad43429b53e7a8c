//! Wrapped services beside tasker's own: any HTTP server, registered by its address.

use std::{collections::HashMap, fmt, str::FromStr};

use clap::Args;
use tasker_core::call::{SERVICES, TIMER};

use crate::{Secret, name_and_url};

/// Services that others wrote. They are never shown tasker's own key.
#[derive(Args, Clone, Debug, Default)]
pub struct ServiceArgs {
    /// More services that task code may call: name=url, comma separated or given several times.
    #[arg(
        long = "service",
        env = "TASKER_SERVICES",
        value_name = "NAME=URL",
        value_delimiter = ',',
        value_parser = registration
    )]
    pub services: Vec<(String, String)>,

    /// Bearer tokens to show them: name=token, comma separated.
    #[arg(
        long = "service-token",
        env = "TASKER_SERVICE_TOKENS",
        hide_env_values = true,
        value_name = "NAME=TOKEN",
        value_delimiter = ','
    )]
    pub tokens: Vec<NamedSecret>,
}

/// `name=secret`.
#[derive(Clone, Debug)]
pub struct NamedSecret {
    /// Whose.
    pub name: String,
    /// The secret.
    pub secret: Secret,
}

impl FromStr for NamedSecret {
    type Err = BadSecret;

    fn from_str(text: &str) -> Result<Self, BadSecret> {
        let (name, secret) = text.split_once('=').ok_or(BadSecret)?;
        Ok(Self { name: name.trim().to_owned(), secret: secret.into() })
    }
}

/// Says what is wrong without repeating it.
#[derive(Clone, Copy, Debug)]
pub struct BadSecret;

impl fmt::Display for BadSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("must be name=token")
    }
}

impl std::error::Error for BadSecret {}

/// Where a registered service is, and what it is shown.
#[derive(Clone, Debug)]
pub struct Registered {
    /// Address that calls are posted to.
    pub url: String,
    /// Bearer token.
    pub token: Option<Secret>,
}

impl ServiceArgs {
    /// The settings as another process's environment.
    pub fn env(&self) -> Vec<(&'static str, String)> {
        let services: Vec<String> = self.services.iter().map(|(n, u)| format!("{n}={u}")).collect();
        let token = |t: &NamedSecret| format!("{}={}", t.name, t.secret.expose());
        let tokens: Vec<String> = self.tokens.iter().map(token).collect();
        let both =
            [("TASKER_SERVICES", services.join(",")), ("TASKER_SERVICE_TOKENS", tokens.join(","))];
        both.into_iter().filter(|(_, list)| !list.is_empty()).collect()
    }

    /// The registered services by name.
    ///
    /// # Errors
    /// A name that is registered twice, or a token for nobody.
    pub fn registered(&self) -> anyhow::Result<HashMap<String, Registered>> {
        let mut found = HashMap::new();
        for (name, url) in &self.services {
            let service = Registered { url: url.clone(), token: None };
            if found.insert(name.clone(), service).is_some() {
                anyhow::bail!("TASKER_SERVICES (--service) names '{name}' twice");
            }
        }
        for NamedSecret { name, secret } in &self.tokens {
            let Some(service) = found.get_mut(name) else {
                anyhow::bail!(
                    "TASKER_SERVICE_TOKENS has a token for '{name}', which TASKER_SERVICES does not name"
                );
            };
            service.token = Some(secret.clone());
        }
        Ok(found)
    }
}

/// Reads `name=url`; tasker's own names are not for others.
fn registration(text: &str) -> Result<(String, String), String> {
    let (name, url) = name_and_url(text)?;
    let letters = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
    if name.is_empty() || name.len() > 100 || !name.chars().all(letters) {
        return Err(format!("'{name}' must be lower case letters, digits, '-' and '_'"));
    }
    if SERVICES.contains(&name.as_str()) || name == TIMER {
        return Err(format!(
            "'{name}' is tasker's own; TASKER_SERVICE_URLS says where tasker's services are"
        ));
    }
    Ok((name, url))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_our_own_and_bad_ones_are_refused() {
        let ours = registration("wrappedgapi=http://h").unwrap_err();
        assert!(ours.contains("TASKER_SERVICE_URLS"), "{ours}");
        for wrong in ["x", "=http://h", "X=http://h", "a/b=http://h", "a=ftp://h", "timer=http://h"]
        {
            assert!(registration(wrong).is_err(), "{wrong}");
        }
        let good = registration("wrappedwebhook=http://127.0.0.1:9/x/").unwrap();
        assert_eq!(good, ("wrappedwebhook".into(), "http://127.0.0.1:9/x".into()));
    }

    #[test]
    fn tokens_belong_to_services_and_are_not_shown() {
        let url = |name: &str| (name.to_owned(), "http://h".to_owned());
        let token: NamedSecret = "a=s3cret=".parse().unwrap();
        let mut args = ServiceArgs { services: vec![url("a")], tokens: vec![token.clone()] };
        let found = args.registered().unwrap();
        assert_eq!(found["a"].token.as_ref().unwrap().expose(), "s3cret=");
        assert!(!format!("{args:?}{found:?}").contains("s3cret"));
        args.services.push(url("a"));
        assert!(args.registered().unwrap_err().to_string().contains("twice"));
        let nobody = ServiceArgs { services: vec![], tokens: vec![token] };
        assert!(nobody.registered().is_err());
        assert!(!"s3cret".parse::<NamedSecret>().unwrap_err().to_string().contains("s3cret"));
    }
}
