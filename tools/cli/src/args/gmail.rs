//! `tasker gmail-search`.

use clap::Args;
use serde_json::{Value, json};

/// The search, its limits and what to do with the result. camelCase spellings are the original's.
#[derive(Args, Debug)]
pub struct GmailSearch {
    /// What to search for, as typed into Gmail's search box; empty finds all mail.
    #[arg(
        long,
        short,
        visible_alias = "gmailSearchQuery",
        default_value = "",
        hide_default_value = true,
        allow_hyphen_values = true
    )]
    pub query: String,
    /// Most users to search per domain.
    #[arg(long, visible_alias = "maxUsersPerDomain", default_value_t = 98, value_name = "N",
          value_parser = clap::value_parser!(u32).range(1..))]
    pub max_users_per_domain: u32,
    /// Most messages to read per user.
    #[arg(long, visible_alias = "maxResultsPerUser", default_value_t = 10, value_name = "N",
          value_parser = clap::value_parser!(u32).range(1..))]
    pub max_results_per_user: u32,
    /// Submit and leave: the run goes on by itself.
    #[arg(long, visible_alias = "noWait")]
    pub no_wait: bool,
    /// Write the result as JSON to FILE, or to standard output if FILE is -.
    #[arg(long, value_name = "FILE|-", conflicts_with = "no_wait")]
    pub json: Option<String>,
    /// Compare the result with a test world's ground truth.
    #[arg(long, value_name = "FILE|URL", conflicts_with = "no_wait")]
    pub check_truth: Option<String>,
    /// Show how fast calls were made, first and last thousand.
    #[arg(long, conflicts_with = "no_wait")]
    pub stats: bool,
}

impl GmailSearch {
    /// Input of the task.
    pub fn input(&self) -> Value {
        json!({
            "gmailSearchQuery": self.query,
            "maxUsersPerDomain": self.max_users_per_domain,
            "maxResultsPerUser": self.max_results_per_user,
        })
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::{Cli, Command};

    fn parse(typed: &[&str]) -> Result<GmailSearch, clap::Error> {
        let all = ["tasker", "gmail-search"].iter().chain(typed);
        match Cli::try_parse_from(all)?.command {
            Command::GmailSearch(search) => Ok(search),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn both_spellings_mean_the_same() {
        let camel = ["--gmailSearchQuery", "is:unread", "--maxUsersPerDomain", "2"];
        let camel =
            parse(&[&camel[..], &["--maxResultsPerUser=700", "--noWait"]].concat()).unwrap();
        let kebab = ["-q", "is:unread", "--max-users-per-domain", "2"];
        let kebab =
            parse(&[&kebab[..], &["--max-results-per-user", "700", "--no-wait"]].concat()).unwrap();
        assert_eq!(camel.input(), kebab.input());
        assert_eq!(camel.input()["maxResultsPerUser"], 700);
        assert!(camel.no_wait && kebab.no_wait);
    }

    #[test]
    fn usual_values_are_the_originals() {
        let search = parse(&[]).unwrap();
        assert_eq!((search.max_users_per_domain, search.max_results_per_user), (98, 10));
        assert_eq!(search.query, "");
    }

    #[test]
    fn a_query_may_start_with_a_minus_and_zero_is_refused() {
        assert_eq!(parse(&["-q", "-from:bot"]).unwrap().query, "-from:bot");
        assert!(parse(&["--max-results-per-user", "0"]).is_err());
    }
}
