//! One list of cases for every shape of tasker.

mod bad;
mod calls;
mod good;
mod requests;

use serde_json::Value;
use tasker_testkit::stack::Stack;

/// A task, its input, and what its run must end with.
struct Case(&'static str, &'static str, Value, End);

enum End {
    /// Completed with this result.
    Is(Value),
    /// Failed with an error of this name whose message contains this.
    Fails(&'static str, &'static str),
    /// Failed, and the error points at this line and column of the source.
    FailsAt(&'static str, u32, u32),
}
/// Runs all of them, each as a run of its own.
pub async fn all(stack: &Stack) {
    let cases = [good::cases(), calls::cases(), bad::cases()];
    let mut wrong = Vec::new();
    for Case(name, code, input, end) in cases.into_iter().flatten() {
        let row = match stack.run(name, code, input).await {
            Ok(row) => row,
            Err(error) => {
                wrong.push(format!("{name}: {error:#}"));
                continue;
            }
        };
        if let Err(why) = check(&row, &end) {
            wrong.push(format!("{name}: {why}\n    {row}"));
        }
    }
    assert!(wrong.is_empty(), "{}\n{}", wrong.join("\n"), stack.logs());
    requests::hostile(stack).await.expect("the services answer");
}

fn check(row: &Value, end: &End) -> Result<(), String> {
    let (status, error) = (&row["status"], &row["error"]);
    let good = match end {
        End::Is(result) => status == "completed" && row["result"] == *result,
        End::Fails(name, part) => {
            status == "failed"
                && error["name"] == *name
                && error["message"].as_str().is_some_and(|m| m.contains(part))
        }
        End::FailsAt(name, line, column) => {
            status == "failed"
                && error["name"] == *name
                && error["line"] == *line
                && error["column"] == *column
        }
    };
    if good { Ok(()) } else { Err("ended otherwise".to_owned()) }
}
