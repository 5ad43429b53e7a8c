//! Dates of a search.

use jiff::civil::Date;
use jiff::tz::{Offset, TimeZone};
use jiff::{Span, Timestamp};

/// Gmail's API takes a day to begin at midnight in the Pacific zone; winter time the year round here.
const PACIFIC: Offset = Offset::constant(-8);

/// `YYYY/MM/DD`, `YYYY-MM-DD` or epoch seconds, as epoch milliseconds.
pub(super) fn day(text: &str) -> Option<i64> {
    let parts: Vec<&str> = text.split(['/', '-']).collect();
    if let [year, month, day] = parts[..] {
        let date = Date::new(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?).ok()?;
        let midnight = date.to_zoned(TimeZone::fixed(PACIFIC)).ok()?;
        return Some(midnight.timestamp().as_millisecond());
    }
    text.parse::<u32>().ok().map(|seconds| i64::from(seconds) * 1000)
}

/// `Nd`, `Nm` (months) or `Ny` before now, as epoch milliseconds.
pub(super) fn ago(text: &str, now_ms: i64) -> Option<i64> {
    let unit = text.chars().last()?;
    let count: i64 = text[..text.len() - unit.len_utf8()].parse().ok().filter(|n| *n >= 0)?;
    let span = match unit {
        'h' => Span::new().try_hours(count),
        'd' => Span::new().try_days(count),
        'm' => Span::new().try_months(count),
        'y' => Span::new().try_years(count),
        _ => return None,
    };
    let now = Timestamp::from_millisecond(now_ms).ok()?.to_zoned(TimeZone::UTC);
    Some(now.checked_sub(span.ok()?).ok()?.timestamp().as_millisecond())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::FIXED_NOW_MS;

    #[test]
    fn reads_days_and_epochs() {
        assert_eq!(day("2026/01/02"), Some(1_767_340_800_000));
        assert_eq!(day("2026-01-02"), day("2026/1/2"));
        assert_eq!(day("1767340800"), day("2026/01/02"));
        assert_eq!(day("2026/13/02"), None);
        assert_eq!(day("soon"), None);
    }

    #[test]
    fn counts_back_from_now() {
        assert_eq!(ago("2d", FIXED_NOW_MS), Some(FIXED_NOW_MS - 2 * 86_400_000));
        assert_eq!(ago("1y", FIXED_NOW_MS), Some(FIXED_NOW_MS - 365 * 86_400_000));
        assert_eq!(ago("1m", FIXED_NOW_MS), Some(FIXED_NOW_MS - 31 * 86_400_000));
        for bad in ["", "d", "2w", "-2d", "999999999999d", "é"] {
            assert_eq!(ago(bad, FIXED_NOW_MS), None, "{bad}");
        }
    }
}
