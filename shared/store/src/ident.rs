//! Names that come from task code.

use crate::{Result, StoreError};

/// A checked and quoted identifier. Anything but letters, digits and `_` is refused.
pub fn ident(name: &str) -> Result<String> {
    let letters = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let starts = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    if starts && name.len() <= 63 && name.chars().all(letters) {
        return Ok(format!("\"{name}\""));
    }
    let shown: String = name.chars().take(40).collect();
    Err(invalid("42601", format!("'{shown}' is not a plain column or table name")))
}

/// An error with a SQLSTATE.
pub fn invalid(code: &str, message: String) -> StoreError {
    StoreError::Invalid { code: code.to_owned(), message }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_never_carry_sql() {
        for bad in ["", "a b", "a\"; drop table x --", "1a", "a.b", "naïve", "a\0"] {
            assert!(ident(bad).is_err(), "{bad}");
        }
        assert_eq!(ident("task_runs").unwrap(), "\"task_runs\"");
    }
}
