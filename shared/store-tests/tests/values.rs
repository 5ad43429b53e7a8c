//! JSON that users own arrives as it was sent.

use super::fixture::{More as _, doc, handed, new, start, step};
use tasker_core::HostCall;
use tasker_store::{Ask, NewRun, StorageAdapter};

const ODD: [&str; 12] = [
    r#""nul \u0000 inside""#,
    r#""half a pair \ud800 here""#,
    r#"{"b":1,"a":2,"b":3}"#,
    "1e400",
    "9007199254740993",
    "-0.0",
    r#"{"__proto__":{"x":1},"constructor":null}"#,
    " { \"spaces\" : [ 1 , 2 ] } ",
    "null",
    "\"\u{1F600} \u{2028} \\u00e9 é\"",
    r#"{"":"","a b":"'; drop table stack_runs; --"}"#,
    "[0.1,1E5,1e-7,100000000000000000000000000]",
];

/// Sends one document through every column: input, arguments, outcome, result.
async fn through(store: &dyn StorageAdapter, text: &str) {
    let run = store.submit(&NewRun { input: doc(text), ..new("t") }).await.unwrap();
    let root = store.claim_row(run.root_id, "p").await.unwrap().unwrap().row.lease;
    let call = HostCall::new("s", "m", doc(text));
    let first = step(run.root_id, &root, (0, 0), vec![Ask::Call(call)]).keeps("p");
    let call = handed(store.advance(&first).await.unwrap());
    assert_eq!(call.args.get(), doc(text).get());
    let mut last = step(run.root_id, &call.lease, (0, 1), vec![]).got(text);
    let fails = text.len().is_multiple_of(2);
    last.end = Some(if fails { Err(doc(text)) } else { Ok(doc(text)) });
    store.advance(&last).await.unwrap();

    let trimmed = doc(text);
    let row = store.run(run.task_run_id).await.unwrap().unwrap();
    assert_eq!(row.input.get(), trimmed.get());
    assert_eq!(if fails { row.error } else { row.result }.unwrap().get(), trimmed.get());
    let image = store.image(run.root_id).await.unwrap();
    assert_eq!(image.input.get(), trimmed.get());
    assert_eq!(image.journal.asked[0].args.get(), trimmed.get());
    assert_eq!(image.journal.delivered[0].value.get(), trimmed.get());
    let rows = store.stack_runs(run.task_run_id, 0, 9).await.unwrap();
    assert_eq!(rows[1].result.as_ref().unwrap().get(), trimmed.get());
}

pub async fn json_keeps_its_bytes(store: &dyn StorageAdapter) {
    start(store, "t").await;
    for text in ODD {
        through(store, text).await;
    }
    let deep = format!("{}1{}", "[".repeat(400), "]".repeat(400));
    through(store, &deep).await;
}

pub async fn big_documents(store: &dyn StorageAdapter) {
    start(store, "t").await;
    let text = format!("[\"{}\"]", "0123456789é\\n".repeat(400_000));
    assert!(text.len() > 5_000_000);
    through(store, &text).await;
}

pub async fn odd_text(store: &dyn StorageAdapter) {
    let (run, lease) = super::fixture::started(store, "t", "p").await;
    let printed = "a\0b \u{1F600} 'quoted' $1 {now} ?1 %s\n";
    let end = step(run.root_id, &lease, (0, 0), vec![]).ends("1").prints(printed).prints("");
    store.advance(&end).await.unwrap();
    let logs = store.logs(run.task_run_id, 9).await.unwrap();
    // A NUL cannot be kept as text; it must not stop the run either.
    assert_eq!(logs[0].message, printed.replace('\0', "\u{fffd}"));
    assert_eq!(logs[1].message, "");
}
