//! Values typed as themselves, as `@FILE`, or as `-` for standard input.

use std::io::Read;

use anyhow::Context;
use serde_json::Value;

/// The value that `typed` stands for, exactly.
pub fn text(typed: &str) -> anyhow::Result<String> {
    if typed == "-" {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).context("cannot read standard input")?;
        return Ok(text);
    }
    match typed.strip_prefix('@') {
        Some(path) => std::fs::read_to_string(path).with_context(|| format!("cannot read {path}")),
        None => Ok(typed.to_owned()),
    }
}

/// The JSON that `typed` stands for; `what` names it in errors.
pub fn json(typed: &str, what: &str) -> anyhow::Result<Value> {
    serde_json::from_str(&text(typed)?)
        .with_context(|| format!("{what} is not JSON; give JSON, @FILE or -"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_typed_or_read_from_a_file() {
        let file = std::env::temp_dir().join(format!("tasker-cli-{}.json", std::process::id()));
        std::fs::write(&file, r#"{"a":1}"#).unwrap();
        let typed = format!("@{}", file.display());
        assert_eq!(json(&typed, "--input").unwrap(), json(r#"{"a":1}"#, "--input").unwrap());
        std::fs::remove_file(file).unwrap();
        assert!(
            format!("{:#}", json("{a", "--input").unwrap_err()).starts_with("--input is not JSON")
        );
        assert!(format!("{:#}", text("@/no/such").unwrap_err()).contains("/no/such"));
    }
}
