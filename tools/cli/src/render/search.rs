//! Tables of a Gmail search.

use comfy_table::{Cell, CellAlignment, Color, Table};
use serde_json::Value;

use super::{grouped, one_line, plain, table};
use crate::screen::Screen;

/// The totals; labels are those of the original.
pub fn summary_table(screen: Screen, result: &Value) -> Table {
    let (summary, info) = (&result["summary"], &result["executionInfo"]);
    let query =
        summary["searchQuery"].as_str().filter(|query| !query.is_empty()).unwrap_or("(all emails)");
    let mut rows = table(screen, &[]);
    rows.add_row(["Total Domains", &count(&summary["totalDomains"])]);
    rows.add_row(["Total Users", &count(&summary["totalUsers"])]);
    rows.add_row(["Total Messages", &count(&summary["totalMessagesFound"])]);
    rows.add_row(["Search Query", &one_line(query, 200)]);
    rows.add_row(["Total API Calls", &count(&info["totalApiCalls"])]);
    rows.add_row(["Completed At", &plain(&info["completedAt"])]);
    rows
}

/// One line per domain.
pub fn domains_table(screen: Screen, result: &Value) -> Table {
    let mut rows = table(screen, &["Domain", "Users", "Messages", "Failed"]);
    for domain in items(&result["domainResults"]) {
        let failed = items(&domain["users"]).filter(|user| !user["error"].is_null()).count();
        let failed = match domain["error"]["message"].as_str() {
            Some(message) => Cell::new(one_line(message, 60)).fg(Color::Red),
            None if failed > 0 => Cell::new(failed).fg(Color::Yellow),
            None => Cell::new(0),
        };
        rows.add_row([
            Cell::new(one_line(&plain(&domain["domain"]), 60)),
            Cell::new(count(&domain["userCount"])).set_alignment(CellAlignment::Right),
            Cell::new(count(&domain["totalMessages"])).set_alignment(CellAlignment::Right),
            failed.set_alignment(CellAlignment::Right),
        ]);
    }
    rows
}

/// The sample messages, each on one line.
pub fn samples_table(screen: Screen, result: &Value) -> Option<Table> {
    let mut rows = table(screen, &["User", "From", "Subject", "Date", "Snippet"]);
    // What borders leave, shared out: snippets get most, dates are of known length.
    let room = usize::from(screen.width()).saturating_sub(16);
    let widths =
        [room * 18 / 100, room * 18 / 100, room * 22 / 100, room * 14 / 100, room * 28 / 100];
    let columns = ["userEmail", "from", "subject", "date", "snippet"];
    for message in items(&result["sampleMessages"]) {
        rows.add_row(
            columns
                .iter()
                .zip(widths)
                .map(|(key, width)| one_line(&unescaped(&plain(&message[*key])), width.max(6))),
        );
    }
    (!rows.is_empty()).then_some(rows)
}

/// Gmail escapes snippets as HTML: `can&#39;t`. The result keeps Google's text, the table does not.
fn unescaped(text: &str) -> String {
    let quotes = text.replace("&#39;", "'").replace("&quot;", "\"");
    // The ampersand last, or `&amp;lt;` would become `<`.
    quotes.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

/// Mailboxes that could not be read, or not wholly; `None` if there are none.
pub fn unreachable_table(screen: Screen, result: &Value) -> Option<Table> {
    let mut rows = table(screen, &["Unreachable mailbox", "Status", "Reason", "Message"]);
    for user in items(&result["domainResults"]).flat_map(|domain| items(&domain["users"])) {
        let error = &user["error"];
        if !error.is_null() {
            let email = one_line(&plain(&user["email"]), 60);
            let words = [&error["status"], &error["reason"], &error["message"]];
            rows.add_row([email].into_iter().chain(words.map(|word| one_line(&plain(word), 200))));
        }
    }
    (!rows.is_empty()).then_some(rows)
}

fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn count(value: &Value) -> String {
    value.as_u64().map_or_else(|| plain(value), grouped)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn result() -> Value {
        json!({
            "summary": { "totalDomains": 1, "totalUsers": 2, "totalMessagesFound": 29_400, "searchQuery": "" },
            "domainResults": [{ "domain": "a.ex", "totalMessages": 29_400, "userCount": 2, "users": [
                { "email": "ann@a.ex", "messageCount": 29_400, "messages": [] },
                { "email": "bo@a.ex", "messageCount": 0, "messages": [],
                  "error": { "message": "Mail service not enabled", "status": 400, "reason": "failedPrecondition" } },
            ] }],
            "sampleMessages": [{ "userEmail": "ann@a.ex", "from": "x@y.ex", "subject": "Grüße\u{1b}[2J", "date": "Sun", "snippet": "é".repeat(300) }],
            "executionInfo": { "totalApiCalls": 29_404, "completedAt": "2026-11-22T10:00:00.000Z" },
        })
    }

    #[test]
    fn the_summary_names_the_totals() {
        let text = summary_table(Screen::Stdout, &result()).to_string();
        for expected in ["29,400", "29,404", "(all emails)", "2026-11-22T10:00:00.000Z"] {
            assert!(text.contains(expected), "{expected} in\n{text}");
        }
    }

    #[test]
    fn domains_count_their_failed_users() {
        let text = domains_table(Screen::Stdout, &result()).to_string();
        let line = text.lines().find(|line| line.contains("a.ex")).unwrap();
        let cells: Vec<&str> =
            line.split(['│', '┆']).map(str::trim).filter(|c| !c.is_empty()).collect();
        assert_eq!(cells, ["a.ex", "2", "29,400", "1"]);
    }

    #[test]
    fn samples_stay_on_one_line_each() {
        let text = samples_table(Screen::Stdout, &result()).unwrap().to_string();
        assert_eq!(text.lines().count(), 5, "{text}");
        assert!(
            text.contains("Grüße [2J") && text.contains('…') && !text.contains('\u{1b}'),
            "{text}"
        );
    }

    #[test]
    fn snippets_are_shown_unescaped() {
        assert_eq!(unescaped("can&#39;t &amp;lt; &lt;b&gt;"), "can't &lt; <b>");
    }

    #[test]
    fn unreachable_mailboxes_are_listed_with_the_reason() {
        let text = unreachable_table(Screen::Stdout, &result()).unwrap().to_string();
        assert!(text.contains("bo@a.ex") && text.contains("failedPrecondition"), "{text}");
        assert!(unreachable_table(Screen::Stdout, &json!({})).is_none());
    }
}
