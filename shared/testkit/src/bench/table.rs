//! Figures, printed as they come.

use std::io::Write as _;

/// A table in Markdown. Each line is out as soon as it is known.
pub struct Table(std::io::Stdout);

/// One line.
#[derive(Default)]
pub struct Line<'a> {
    /// What was measured.
    pub what: &'a str,
    /// The figure with its unit.
    pub value: String,
    /// The figure as a rate, to be set beside R.
    pub rate: Option<f64>,
    /// R just before and just after, commits a second; none where there is no Postgres.
    pub r: Option<(f64, f64)>,
    /// How it was measured, in a few words.
    pub how: &'a str,
}

impl Table {
    /// Prints the heading.
    pub fn begin(title: &str) -> std::io::Result<Self> {
        let mut out = std::io::stdout();
        let head = "| what | value | R before, after | value / R | how it was measured |";
        writeln!(out, "\n### {title}\n\n{head}\n|---|---|---|---|---|")?;
        out.flush()?;
        Ok(Self(out))
    }

    /// Prints a line.
    pub fn line(&mut self, line: &Line<'_>) -> std::io::Result<()> {
        writeln!(self.0, "{}", text(line))?;
        self.0.flush()
    }

    /// Prints a line that says something and measures nothing.
    pub fn note(&mut self, what: &str, text: &str) -> std::io::Result<()> {
        let value = text.replace(['|', '\n'], " ");
        self.line(&Line { what, value, ..Line::default() })
    }
}

fn text(line: &Line<'_>) -> String {
    let r = line.r.map_or_else(String::new, |(a, b)| format!("{a:.0}, {b:.0}"));
    let ratio = line.rate.zip(line.r).map(|(rate, (a, b))| rate * 2.0 / (a + b));
    let ratio = ratio.map_or_else(String::new, |ratio| format!("{ratio:.2}"));
    format!("| {} | {} | {r} | {ratio} | {} |", line.what, line.value, line.how)
}

/// The middle one; NaN if there is none.
pub fn median(values: &[f64]) -> f64 {
    percentile(values, 0.5)
}

/// The value below which that part of them lies; NaN if there is none.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a part of a small number"
)]
pub fn percentile(values: &[f64], part: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let place = (part * sorted.len() as f64) as usize;
    sorted.get(place.min(sorted.len().saturating_sub(1))).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_stand_beside_the_mean_of_both_r() {
        let mut line = Line {
            what: "calls",
            value: "500 calls/s".into(),
            rate: Some(500.0),
            r: Some((900.0, 1_100.0)),
            how: "so",
        };
        assert_eq!(text(&line), "| calls | 500 calls/s | 900, 1100 | 0.50 | so |");
        line.r = None;
        assert_eq!(text(&line), "| calls | 500 calls/s |  |  | so |");
    }

    #[test]
    fn percentiles() {
        let values: Vec<f64> = (1..=500).rev().map(f64::from).collect();
        assert_eq!((median(&values), percentile(&values, 0.99)), (251.0, 496.0));
        assert!(median(&[]).is_nan());
        assert_eq!(percentile(&[3.0], 0.99), 3.0);
    }
}
