//! What there is to run, and without which guards it must fail.

use std::{future::Future, pin::Pin};

use super::{
    Case, Verdict, call_faults, clocks, crash, crash_points, data, fair, model, once, overload,
    payload, poison, release, replicas, silent, steps, stops, storage, upstream, wakes,
};

type Found = Pin<Box<dyn Future<Output = anyhow::Result<Verdict>>>>;

/// An experiment and the guards without which it must fail.
pub struct Experiment {
    pub id: &'static str,
    pub what: &'static str,
    pub run: fn(Case) -> Found,
    pub controls: &'static [&'static str],
    /// On SQLite.
    pub sqlite: bool,
    /// Part of the small form.
    pub short: bool,
}

macro_rules! experiments {
    ($($id:literal $what:literal $run:path, [$($control:literal),*] $(, $sqlite:ident)? ; $short:ident)*) => {
        pub const EXPERIMENTS: &[Experiment] = &[$(Experiment {
            id: $id,
            what: $what,
            run: |case| Box::pin(async move { $run(&case).await }),
            controls: &[$($control),*],
            sqlite: experiments!(@ $($sqlite)?),
            short: experiments!(@ $short),
        }),*];
    };
    (@ short) => { true };
    (@ full) => { false };
    (@ sqlite) => { true };
    (@) => { false };
}

// `short` ones assert nothing that a busy machine breaks.
experiments! {
    "A1" "kill -9 of random services" crash::random_kills, ["nosweep"]; short
    "A1r" "kill -9 among three executors and three processors" replicas::random_kills, ["nosweep"]; short
    "A2" "the process ends itself at named points" crash_points::all, ["nosweep"]; short
    "A3" "Postgres crashes and stays down" storage::postgres_crashes, ["nosync"]; full
    "A4" "acknowledged submits, everything killed" storage::acknowledged, ["nosync"]; short
    "A5" "cold restart with open runs, no client call" crash::cold_restart, ["nosweep"]; full
    "A6" "a stopped processor wakes late; a long call" stops::zombie, ["nofence"]; short
    "A7" "SIGTERM under load" stops::drain, ["nodrain"]; full
    "A8" "effect done, no answer" call_faults::unknown_outcomes, ["resend"]; short
    "A8b" "changes of tables, answers lost" once::lost_answers, ["norecall"]; short
    "A10" "an executor lost with 100 parked runs" replicas::executor_lost, ["nopark"]; short
    "A11" "a row in a group that the database refuses" steps::refused_rows, ["together"]; short
    "A12" "a crash between a call and the step it went ahead of" steps::ahead_of_the_commit, ["unsafeahead"]; short
    "A13" "a processor whose heartbeats do not arrive" silent::holder, ["nofence"]; short
    "B1" "20 % of internal POSTs lost before, 20 % after" wakes::lost_posts, ["nofallback"]; short
    "B1b" "every trigger lost" wakes::no_triggers, ["nofallback"]; full
    "B2" "triggers x10, reordered; 2 processors" wakes::duplicates_two, ["nolock", "taketwice"]; short
    "B2x8" "triggers x10, reordered; 8 processors" wakes::duplicates_eight, ["nolock"]; full
    "B3" "resume replayed with stale leases" call_faults::stale_resumes, ["nofence"]; short
    "B5" "clocks an hour off, stepping back" clocks::off_by_an_hour, ["ownclock"]; full
    "B6" "idle: no query at all" wakes::idle, ["poll"]; short
    "B7" "random walks over the state machine" model::walks, ["nofence"]; short
    "C1" "claims with 10,000 pending runs" data::deep_queue, ["noindex"]; full
    "C2" "large payloads" payload::large, ["nolimit"]; full
    "C3" "hostile JSON" data::hostile_json, ["jsonb"]; short
    "C4" "1,000 clients at four times capacity" overload::four_times_capacity, ["nocap"]; full
    "C5" "every connection held" overload::exhausted, ["nowait"]; full
    "C6" "poison" poison::poison, ["nocrashlimit"]; full
    "C7" "a quiet tenant beside a noisy one" fair::quiet_beside_noisy, ["fifo"]; full
    "C9" "upstream faults" upstream::faults, ["nojitter", "nobreaker"]; full
    "U1" "200 open runs of the release before" release::upgraded, ["nosweep"]; short
    "I-A1" "SQLite: kill -9 of the process" crash::random_kills, ["nosweep"], sqlite; short
    "I-A4" "SQLite: acknowledged submits, kill -9" storage::acknowledged, ["ackfirst"], sqlite; short
    "I-A8b" "SQLite: changes of tables, answers lost" once::lost_answers, ["norecall"], sqlite; short
    "I-B2" "SQLite: triggers x10, reordered" wakes::duplicates_two, ["taketwice"], sqlite; short
    "I-C3" "SQLite: hostile JSON" data::hostile_json, ["normalform"], sqlite; short
    "I-U1" "SQLite: 200 open runs of the release before" release::upgraded, ["nosweep"], sqlite; short
}
