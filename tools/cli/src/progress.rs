//! How far a run is: `@progress` lines that a task prints, drawn as a bar or as plain lines.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use serde::Deserialize;

use crate::{render::grouped, screen::Screen};

/// What a task says of itself: `console.log("@progress " + JSON.stringify({...}))`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Progress {
    /// Domain at hand.
    pub domain: String,
    /// Its number, from 1.
    pub domain_index: u64,
    /// Domains in all.
    pub domains: u64,
    /// Mailbox at hand, once mail is read.
    pub user: Option<String>,
    /// Its number over all domains, from 1.
    pub user_index: u64,
    /// Users found so far, all of them once mail is read.
    pub users: u64,
    /// Users finished.
    pub users_done: u64,
    /// Messages read.
    pub messages: u64,
    /// Host calls made.
    pub calls: u64,
}

impl Progress {
    /// Reads a log line; `None` if it is something else.
    pub fn parse(message: &str) -> Option<Self> {
        serde_json::from_str(message.trim().strip_prefix("@progress ")?).ok()
    }

    /// `domain 2/4 b.example · user 31/98 bo@b.example · 9,000 messages`.
    pub fn describe(&self) -> String {
        let mut text = format!("domain {}/{} {}", self.domain_index, self.domains, self.domain);
        match &self.user {
            Some(user) => text += &format!(" · user {}/{} {user}", self.user_index, self.users),
            None => text += &format!(" · {} users so far", grouped(self.users)),
        }
        text + &format!(" · {} messages", grouped(self.messages))
    }
}

/// How often plain lines are printed where there is no terminal.
const PLAIN_EVERY: Duration = Duration::from_secs(3);

/// Draws a run's progress: a bar on a terminal, else a line now and then.
pub struct View {
    bar: Option<ProgressBar>,
    rate: Rate,
    last: Option<(Instant, String)>,
}

impl View {
    /// Nothing is drawn before the first [`View::update`].
    pub fn new(screen: Screen) -> Self {
        // indicatif draws on standard error: both must be terminals for the bar to make sense.
        let bar = (screen.is_terminal() && Screen::Stderr.is_terminal()).then(|| {
            let bar = ProgressBar::no_length().with_style(style(SPINNER));
            bar.enable_steady_tick(Duration::from_millis(120));
            bar
        });
        Self { bar, rate: Rate::default(), last: None }
    }

    /// Shows `status`, what the task says of itself (or its last log line) and the calls so far.
    pub fn update(
        &mut self,
        status: &str,
        progress: Option<&Progress>,
        log: Option<&str>,
        calls: u64,
    ) {
        let rate = self.rate.sample(Instant::now(), calls);
        let what = progress.map(Progress::describe).or_else(|| log.map(str::to_owned));
        let speed = format!("{} calls · {rate:.0} calls/s", grouped(calls));
        let line = match what {
            Some(what) => format!("{what} · {speed}"),
            None => format!("{status} · {speed}"),
        };
        match &self.bar {
            Some(bar) => draw(bar, progress, line),
            None => self.plain(line),
        }
    }

    /// Shows a remark that stands above the bar.
    pub fn remark(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.println(text),
            None => eprintln!("{text}"),
        }
    }

    fn plain(&mut self, line: String) {
        let due = self
            .last
            .as_ref()
            .is_none_or(|(at, before)| at.elapsed() >= PLAIN_EVERY && *before != line);
        if due {
            eprintln!("  {line}");
            self.last = Some((Instant::now(), line));
        }
    }
}

impl Drop for View {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn draw(bar: &ProgressBar, progress: Option<&Progress>, line: String) {
    if let Some(progress) = progress.filter(|progress| progress.users > 0) {
        if bar.length().is_none() {
            bar.set_style(style(USERS_BAR).progress_chars("━╸─"));
        }
        bar.set_length(progress.users);
        bar.set_position(progress.users_done);
    }
    bar.set_message(line);
}

/// Before the number of users is known.
const SPINNER: &str = "{spinner:.cyan} {elapsed_precise} {wide_msg}";
/// Once it is.
const USERS_BAR: &str =
    "{spinner:.cyan} {elapsed_precise} [{wide_bar:.cyan/blue}] {pos}/{len} users\n  {wide_msg}";

fn style(template: &str) -> ProgressStyle {
    // A test reads both templates.
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// Calls per second, smoothed over a few seconds.
#[derive(Default)]
struct Rate {
    last: Option<(Instant, u64)>,
    smooth: Option<f64>,
}

impl Rate {
    fn sample(&mut self, now: Instant, calls: u64) -> f64 {
        let Some((at, before)) = self.last else {
            self.last = Some((now, calls));
            return 0.0;
        };
        let seconds = now.duration_since(at).as_secs_f64();
        if seconds >= 0.2 {
            #[expect(clippy::cast_precision_loss, reason = "calls are far below 2^52")]
            let fresh = calls.saturating_sub(before) as f64 / seconds;
            let weight = 1.0 - (-seconds / 2.0).exp();
            self.smooth = Some(self.smooth.map_or(fresh, |old| old + weight * (fresh - old)));
            self.last = Some((now, calls));
        }
        self.smooth.unwrap_or(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_lines_are_read_and_others_left() {
        let line = r#"@progress {"domain":"b.ex","domainIndex":2,"domains":4,"user":"bo@b.ex","userIndex":31,"users":98,"usersDone":30,"messages":9000,"calls":9040,"more":1}"#;
        let progress = Progress::parse(line).unwrap();
        assert_eq!((progress.users_done, progress.calls), (30, 9040));
        assert_eq!(progress.describe(), "domain 2/4 b.ex · user 31/98 bo@b.ex · 9,000 messages");
        assert_eq!(Progress::parse("greeting Ada"), None);
        assert_eq!(Progress::parse("@progress half a li"), None);
    }

    #[test]
    fn before_mail_is_read_users_are_counted() {
        let progress =
            Progress::parse(r#"@progress {"domain":"a","domainIndex":1,"domains":2,"users":5}"#);
        assert_eq!(progress.unwrap().describe(), "domain 1/2 a · 5 users so far · 0 messages");
    }

    #[test]
    fn the_templates_are_valid() {
        for template in [SPINNER, USERS_BAR] {
            ProgressStyle::with_template(template).unwrap();
        }
    }

    #[test]
    fn the_rate_is_that_of_the_last_seconds() {
        let (start, mut rate) = (Instant::now(), Rate::default());
        for tick in 0..=40u64 {
            rate.sample(start + Duration::from_millis(500 * tick), 50 * tick);
        }
        let now = rate.sample(start + Duration::from_secs(20), 2000);
        assert!((now - 100.0).abs() < 1.0, "{now}");
    }
}
