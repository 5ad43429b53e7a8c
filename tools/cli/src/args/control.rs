//! What can be typed to control runs.

use clap::{ArgGroup, Args};

use super::Database;

/// Which run, and how it goes on.
#[derive(Args, Debug)]
pub struct Retry {
    /// Number of the run.
    pub id: i64,
    /// On the newest version of its code, which must make the calls made so far once more.
    #[arg(long)]
    pub newest_code: bool,
    /// The run fails unless it ends in this time from now, e.g. 90s, 12h or 3d.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub timeout: Option<i64>,
}

/// Which runs go on on newer code.
#[derive(Args, Debug)]
#[command(group(ArgGroup::new("which").required(true)))]
pub struct Upgrade {
    /// Number of the run.
    #[arg(group = "which")]
    pub id: Option<i64>,
    /// All open runs of this task.
    #[arg(long, group = "which", value_name = "NAME")]
    pub task: Option<String>,
    /// Only say whether they could.
    #[arg(long)]
    pub dry_run: bool,
}

/// Which call, and what became of it.
#[derive(Args, Debug)]
#[command(group(ArgGroup::new("what").required(true)))]
pub struct Resolve {
    /// Number of the call (a stack run), as `tasker attention` shows it.
    pub id: i64,
    /// It happened, and answered this.
    #[arg(long, group = "what", value_name = "JSON|@FILE|-")]
    pub result: Option<String>,
    /// It did not happen: send it again.
    #[arg(long, group = "what")]
    pub retry: bool,
    /// It did not happen: the task is told so.
    #[arg(long, group = "what", value_name = "MESSAGE")]
    pub fail: Option<String>,
}

/// Which runs to forget.
#[derive(Args, Debug)]
pub struct Prune {
    /// Which database.
    #[command(flatten)]
    pub database: Database,
    /// Runs that ended longer ago than this, e.g. 30d or 12h.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub older_than: i64,
}

/// Milliseconds of `90s`, `12h`, `30d`. A day has 24 hours.
pub fn time(text: &str) -> Result<i64, String> {
    let wrong = || format!("'{text}' is no time: write 90s, 45m, 12h or 30d");
    let span: jiff::Span = text.parse().map_err(|_| wrong())?;
    let days = jiff::SpanRelativeTo::days_are_24_hours();
    let ms = span.total((jiff::Unit::Millisecond, days)).map_err(|_| wrong())?;
    #[expect(clippy::cast_possible_truncation, reason = "whole milliseconds are enough")]
    let ms = ms as i64;
    if ms > 0 { Ok(ms) } else { Err(wrong()) }
}

#[cfg(test)]
mod tests {
    use super::time;

    #[test]
    fn times_are_read_as_people_write_them() {
        assert_eq!(time("90s"), Ok(90_000));
        assert_eq!(time("12h"), Ok(43_200_000));
        assert_eq!(time("30d"), Ok(2_592_000_000));
        assert_eq!(time("1d 6h"), Ok(108_000_000));
        for wrong in ["", "soon", "30", "-3d", "0s"] {
            assert!(time(wrong).is_err(), "{wrong}");
        }
    }
}
