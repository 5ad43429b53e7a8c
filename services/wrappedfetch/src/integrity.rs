//! Subresource integrity: whether a body is the one that was meant.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ring::digest::{Algorithm, SHA256, SHA384, SHA512, digest};

/// Whether `body` has one of the digests; of several kinds the strongest counts. Words of kinds
/// that are not known say nothing.
pub fn holds(wanted: &str, body: &[u8]) -> bool {
    let known: Vec<(&'static Algorithm, &str)> =
        wanted.split_ascii_whitespace().filter_map(word).collect();
    let Some(strongest) = known.iter().map(|(kind, _)| kind.output_len()).max() else {
        return true;
    };
    let mut strong = known.iter().filter(|(kind, _)| kind.output_len() == strongest);
    strong.any(|(kind, expected)| STANDARD.encode(digest(kind, body)) == *expected)
}

fn word(word: &str) -> Option<(&'static Algorithm, &str)> {
    let (kind, rest) = word.split_once('-')?;
    let digest = rest.split('?').next()?;
    let kind = match kind.to_ascii_lowercase().as_str() {
        "sha256" => &SHA256,
        "sha384" => &SHA384,
        "sha512" => &SHA512,
        _ => return None,
    };
    Some((kind, digest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_strongest_kind_counts() {
        let of = |kind| STANDARD.encode(digest(kind, b"hello"));
        let (small, large) = (of(&SHA256), of(&SHA512));
        assert!(holds(&format!("sha256-{small}"), b"hello"));
        assert!(!holds(&format!("sha256-{small}"), b"hullo"));
        assert!(holds(&format!("sha256-nonsense sha512-{large}"), b"hello"));
        assert!(!holds(&format!("sha256-{small} sha512-nonsense"), b"hello"));
        assert!(holds("md5-x", b"anything") && holds("", b"anything"));
    }
}
