//! Opaque page tokens, each good for one listing only.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::error::ApiError;
use crate::rng;

/// A token that continues the listing `of` after `place`.
pub fn token(of: &str, place: i64) -> String {
    URL_SAFE_NO_PAD.encode(format!("{place}.{:x}", rng::hash(of.as_bytes())))
}

/// The place that a token continues after.
///
/// # Errors
/// 400 if the token is not one of ours, or of another listing.
pub fn place(of: &str, token: &str) -> Result<i64, ApiError> {
    let text = URL_SAFE_NO_PAD.decode(token).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let place = text.as_deref().and_then(|text| {
        let (place, hash) = text.split_once('.')?;
        (hash == format!("{:x}", rng::hash(of.as_bytes()))).then(|| place.parse().ok())?
    });
    place.ok_or_else(|| ApiError::parameter("pageToken", "Invalid pageToken"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_belong_to_their_listing() {
        let text = token("a", -5);
        assert_eq!(place("a", &text).unwrap(), -5);
        for bad in ["", "x", "%%", &token("b", -5)] {
            assert!(place("a", bad).is_err(), "{bad}");
        }
    }
}
