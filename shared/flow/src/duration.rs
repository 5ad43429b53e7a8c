//! Delays as people write them.

const UNITS: [(&str, f64); 5] =
    [("ms", 1.0), ("s", 1e3), ("m", 60e3), ("h", 3_600e3), ("d", 86_400e3)];

/// Milliseconds of `1500`, `1.5s`, `10m`, `2h`, `3d`.
pub fn parse(text: &str) -> Option<u64> {
    let at = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
    let (number, unit) = (text[..at].trim(), text[at..].trim());
    let factor = match unit {
        "" => 1.0,
        unit => UNITS.iter().find(|(name, _)| *name == unit)?.1,
    };
    let ms = number.parse::<f64>().ok()? * factor;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "in range")]
    (0.0..=366.0 * 86_400e3).contains(&ms).then_some(ms.round() as u64)
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn units() {
        assert_eq!(parse("1500"), Some(1500));
        assert_eq!(parse("1.5s"), Some(1500));
        assert_eq!(parse("10 m"), Some(600_000));
        assert_eq!(parse("2d"), Some(172_800_000));
        for bad in ["", "s", "-1", "5x", "400d", "1s2"] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
