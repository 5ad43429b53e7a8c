//! How fast a run's calls were made.

use serde_json::Value;

use crate::{
    client::Client,
    render::{between, duration, grouped, instant, plain, table},
    screen::Screen,
};

/// Rows of stack runs asked for at a time.
const PAGE: u32 = 1000;

/// Prints wall time and calls/s; with `all_calls` also how the first thousand compare with the last.
pub async fn show(
    client: &Client,
    out: Screen,
    run: &Value,
    wall_ms: i64,
    all_calls: bool,
) -> anyhow::Result<()> {
    let calls = run["calls"].as_u64().unwrap_or(0);
    let mut rows = table(out, &[]);
    rows.add_row(["Wall time".to_owned(), duration(wall_ms)]);
    if let Some(took) = between(run, "created_at", "ended_at") {
        rows.add_row(["Run time".to_owned(), duration(took)]);
    }
    rows.add_row(["Host calls".to_owned(), grouped(calls)]);
    rows.add_row(["Host calls/s".to_owned(), format!("{:.1}", per_second(calls, wall_ms))]);
    if all_calls && let Some(id) = run["id"].as_i64() {
        let spans = spans(client, id).await?;
        if let Some(speed) = Speed::of(&spans) {
            let thousand = grouped(speed.window as u64);
            rows.add_row([format!("First {thousand} calls/s"), format!("{:.1}", speed.first)]);
            rows.add_row([format!("Last {thousand} calls/s"), format!("{:.1}", speed.last)]);
            rows.add_row(["Last / first".to_owned(), format!("{:.2}", speed.last / speed.first)]);
            rows.add_row(["Call time, median".to_owned(), duration(speed.median_ms)]);
            rows.add_row(["Call time, 99th percentile".to_owned(), duration(speed.p99_ms)]);
        }
    }
    Ok(out.line(format_args!("\nSpeed:\n{rows}"))?)
}

/// When a call was made and when it ended, in milliseconds.
type Span = (i64, i64);

async fn spans(client: &Client, id: i64) -> anyhow::Result<Vec<Span>> {
    let (mut spans, mut after) = (Vec::new(), 0);
    loop {
        let page = client.stack_runs(id, after, PAGE).await?;
        let rows = page["stack_runs"].as_array().map(Vec::as_slice).unwrap_or_default();
        // The service may give smaller pages than asked for: only an empty one is the end.
        let Some(last) = rows.iter().filter_map(|row| row["id"].as_i64()).max() else { break };
        anyhow::ensure!(last > after, "page after {} repeats itself", plain(&after.into()));
        after = last;
        let calls = rows.iter().filter(|row| row["kind"] != "task");
        spans
            .extend(calls.filter_map(|row| {
                Some((instant(&row["created_at"])?, instant(&row["ended_at"])?))
            }));
    }
    Ok(spans)
}

#[derive(Debug, PartialEq)]
struct Speed {
    window: usize,
    first: f64,
    last: f64,
    median_ms: i64,
    p99_ms: i64,
}

impl Speed {
    /// `None` if there are too few calls to say anything.
    fn of(spans: &[Span]) -> Option<Self> {
        let window = (spans.len() / 2).min(1000);
        if window < 2 {
            return None;
        }
        let speed = |part: &[Span]| {
            let from = part.iter().map(|span| span.0).min().unwrap_or(0);
            let to = part.iter().map(|span| span.1).max().unwrap_or(0);
            per_second(part.len() as u64, to - from)
        };
        let mut times: Vec<i64> = spans.iter().map(|(from, to)| to - from).collect();
        times.sort_unstable();
        Some(Self {
            window,
            first: speed(&spans[..window]),
            last: speed(&spans[spans.len() - window..]),
            median_ms: times[times.len() / 2],
            p99_ms: times[(times.len() * 99 / 100).min(times.len() - 1)],
        })
    }
}

#[expect(clippy::cast_precision_loss, reason = "both are far below 2^52")]
fn per_second(calls: u64, ms: i64) -> f64 {
    calls as f64 * 1000.0 / ms.max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_that_slows_down_shows() {
        let fast = (0..1000).map(|n| (n * 10, n * 10 + 10));
        let slow = (0..1000).map(|n| (10_000 + n * 20, 10_020 + n * 20));
        let speed = Speed::of(&fast.chain(slow).collect::<Vec<_>>()).unwrap();
        assert_eq!((speed.window, speed.median_ms, speed.p99_ms), (1000, 20, 20));
        assert!(
            (speed.first - 100.0).abs() < 0.01 && (speed.last - 50.0).abs() < 0.01,
            "{speed:?}"
        );
    }

    #[test]
    fn a_handful_of_calls_says_nothing() {
        assert_eq!(Speed::of(&[(0, 1), (1, 2)]), None);
    }
}
