//! Which calls carry secrets, so that nobody shows or keeps them in clear.

/// The service that secrets come from.
pub const KEYSTORE: &str = "wrappedkeystore";
/// Its methods whose arguments are names only.
const NAMES_ONLY: [&str; 6] =
    ["getKey", "hasKey", "deleteKey", "listKeys", "listNamespaces", "getServerTime"];
/// Its methods that answer names or the time.
const ANSWERS_NAMES: [&str; 3] = ["listKeys", "listNamespaces", "getServerTime"];

/// Whether the arguments of a call may hold a secret. A chain of its own could be anything.
pub fn secret_args(service: &str, method: &str, args: &str) -> bool {
    service == KEYSTORE && !(NAMES_ONLY.contains(&method) && args.starts_with('['))
}

/// Whether the result of a call may be a secret.
pub fn secret_result(service: &str, method: &str, args: &str, result: &str) -> bool {
    let names = ANSWERS_NAMES.contains(&method) && args.starts_with('[');
    service == KEYSTORE && !names && !matches!(result, "null" | "true" | "false")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_may_be_a_secret_is_one() {
        assert!(secret_args(KEYSTORE, "setKey", r#"["n","k","v"]"#));
        assert!(secret_args(KEYSTORE, "getKey", r#"{"chain":[{"property":"setKey"}]}"#));
        assert!(!secret_args(KEYSTORE, "getKey", r#"["n","k"]"#));
        assert!(!secret_args("wrappedgapi", "setKey", "[]"));
        assert!(secret_result(KEYSTORE, "getKey", "[]", "\"v\""));
        assert!(secret_result(KEYSTORE, "setKey", r#"{"chain":[]}"#, "\"v\""));
        assert!(!secret_result(KEYSTORE, "getKey", "[]", "null"));
        assert!(!secret_result(KEYSTORE, "setKey", "[]", "true"));
        assert!(!secret_result(KEYSTORE, "listKeys", "[]", "[\"k\"]"));
        assert!(!secret_result("wrappedgapi", "getKey", "[]", "\"v\""));
    }
}
