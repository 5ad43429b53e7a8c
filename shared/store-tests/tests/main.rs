//! What every store must do, as cases that run over any [`StorageAdapter`].
//!
//! Each case gets an empty store of its own and panics when the store is wrong; then the invariants
//! are checked. Each is a test of its own on either database: `sqlite::warm::a_chain_of_calls`.
//! All cases share one Postgres server (about a second), each in a database of its own. With
//! `TASKER_TEST_DATABASE_URL` a running server is used.

#![allow(clippy::unwrap_used, reason = "these are tests")]

#[path = "../../core/tests/model/acts.rs"]
mod acts;
mod agreement;
mod claims;
mod cold;
mod control;
mod fixture;
mod functions;
mod keys;
mod limits;
mod nested;
mod once;
mod owners;
mod queries;
mod recovery;
mod retries;
mod steps;
mod stress;
mod tables;
mod timers;
mod upgrades;
mod values;
mod warm;

use std::{
    process::ExitCode,
    sync::{Arc, OnceLock},
};

use futures::future::BoxFuture;
use libtest_mimic::{Arguments, Trial};
use tasker_store::{KeySettings, MasterKey, StorageAdapter, connect, connect_with};
use tasker_testkit::pg::Server;
use tokio::runtime::{Builder, Handle};

/// One property of a store.
#[derive(Clone, Copy)]
struct Case {
    /// Module and function, e.g. `warm::a_chain_of_calls`.
    name: &'static str,
    check: for<'a> fn(&'a dyn StorageAdapter) -> BoxFuture<'a, ()>,
}

impl Case {
    /// Runs the case, then checks the invariants.
    async fn run(&self, store: &dyn StorageAdapter) {
        (self.check)(store).await;
        let broken = store.check_invariants().await.unwrap();
        assert!(broken.is_empty(), "{}: {broken:?}", self.name);
    }

    async fn on_sqlite(self) {
        let store = connect("sqlite::memory:").await.unwrap();
        self.run(store.as_ref()).await;
    }

    async fn on_postgres(self, server: &Server) {
        let database = server.database().await.unwrap();
        let keys = Some(MasterKey::generate().unwrap().expose());
        let settings = KeySettings { keys, ..KeySettings::default() };
        let store = connect_with(database.url(), &settings).await.unwrap();
        self.run(store.as_ref()).await;
    }
}

/// The server of all cases, started by the first one that needs it.
type OneServer = Arc<OnceLock<Server>>;

fn trials(case: Case, server: &OneServer, runtime: &Handle) -> [Trial; 2] {
    let (lite, post, server) = (runtime.clone(), runtime.clone(), server.clone());
    let sqlite = move || {
        lite.block_on(case.on_sqlite());
        Ok(())
    };
    let postgres = move || {
        let server = server.get_or_init(|| Server::obtain().unwrap());
        post.block_on(case.on_postgres(server));
        Ok(())
    };
    [
        Trial::test(format!("sqlite::{}", case.name), sqlite),
        Trial::test(format!("postgres::{}", case.name), postgres),
    ]
}

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let server = OneServer::default();
    let trials = CASES.iter().flat_map(|case| trials(*case, &server, runtime.handle())).collect();
    // Returns instead of exiting: the server ends when it is dropped.
    libtest_mimic::run(&arguments, trials).exit_code()
}

macro_rules! cases {
    ($($module:ident::$case:ident,)*) => {
        /// Every case.
        const CASES: &[Case] = &[$(Case {
            name: concat!(stringify!($module), "::", stringify!($case)),
            check: |store| Box::pin($module::$case(store)),
        },)*];
    };
}

cases! {
    agreement::the_store_writes_what_core_decides,
    agreement::joined_steps_are_the_turns_they_join,
    claims::an_unknown_task_is_not_found,
    claims::a_submitted_run_waits_to_be_claimed,
    claims::rows_are_claimed_in_the_order_they_fell_due,
    claims::nobody_waits_for_a_crowd,
    claims::one_named_row_is_claimed_once,
    claims::nothing_is_claimed_twice,
    claims::a_released_row_waits_for_its_delay,
    claims::a_released_resume_waits_for_its_delay,
    warm::a_chain_of_calls,
    warm::an_answer_that_got_lost_is_found,
    warm::a_lost_answer_with_a_secret_is_found_in_clear,
    warm::a_failed_call_and_a_failed_run,
    warm::several_calls_run_one_by_one,
    warm::many_calls_in_one_commit,
    warm::leftovers_are_cancelled,
    warm::code_that_waits_for_nothing_is_refused,
    steps::a_step_is_what_an_advance_would_be,
    steps::steps_that_follow_are_one_write,
    steps::many_runs_step_at_once_and_a_bad_one_alone,
    steps::a_step_after_a_stop_does_not_count,
    cold::an_outcome_is_recorded_and_replayed,
    cold::code_that_ran_on_an_old_journal_is_outdated,
    cold::stale_holders_are_fenced,
    cold::an_outcome_while_somebody_resumes,
    timers::a_timer_falls_due,
    timers::timers_are_cleared,
    timers::calls_are_aborted,
    timers::a_far_timer_is_kept,
    nested::a_call_becomes_a_run,
    nested::a_failed_run_fails_its_call,
    nested::a_call_becomes_one_run_only,
    nested::an_outer_run_may_end_first,
    recovery::a_dead_slots_leases_are_freed,
    recovery::a_lease_runs_out_only_when_it_is_not_kept,
    recovery::an_unknown_outcome_waits_for_a_person,
    recovery::an_idle_store_has_no_deadline,
    control::a_person_settles_a_call,
    control::a_run_is_cancelled_with_those_below,
    control::a_cancelled_run_fails_the_call_above,
    control::a_paused_run_stands_still,
    control::a_pause_reaches_the_runs_below,
    retries::a_failed_call_is_made_again,
    retries::a_throw_is_replayed_from_the_journals_end,
    retries::a_cancelled_run_goes_on_where_it_was,
    retries::a_failed_run_below_goes_on_too,
    retries::a_finished_run_below_is_not_run_twice,
    upgrades::a_suspended_run_moves_to_other_code,
    upgrades::a_refused_move_changes_nothing,
    upgrades::a_move_keeps_what_is_under_way,
    limits::a_root_that_kills_its_holders_fails,
    limits::an_executor_that_dies_counts_as_a_crash,
    limits::one_of_a_crowd_is_not_to_blame,
    limits::one_that_ran_alone_is_to_blame,
    limits::in_a_storm_nobody_is_to_blame,
    limits::a_call_that_kills_its_holders_is_an_error,
    limits::a_run_out_of_time_fails,
    limits::a_key_makes_one_run,
    limits::open_runs_are_capped,
    limits::old_runs_are_forgotten,
    values::json_keeps_its_bytes,
    values::big_documents,
    values::odd_text,
    functions::versions_grow_with_the_code,
    functions::a_run_keeps_its_version,
    functions::a_plain_upsert_makes_a_version,
    functions::code_that_is_not_published,
    keys::secrets_are_set_and_removed,
    keys::a_secret_falls_back_to_global,
    owners::a_run_and_those_below_it_have_one_owner,
    owners::two_owners_may_choose_one_key,
    owners::a_tenants_open_runs_are_capped,
    queries::runs_by_status_and_name,
    queries::rows_and_logs_in_pages,
    queries::clearing_forgets_runs_only,
    tables::rows_are_written_and_read,
    tables::null_order_and_limit,
    tables::rows_are_upserted,
    tables::names_and_secrets_are_refused,
    tables::the_engines_tables_are_out_of_reach,
    tables::broken_rules_have_codes,
    tables::json_columns_come_back_as_json,
    tables::many_rows_at_once,
    once::a_change_is_made_once,
    once::two_at_once_are_one,
    once::a_long_answer_is_not_kept,
    once::what_was_passed_on_is_doubted,
    once::a_doubted_call_waits_for_a_person,
    once::answers_go_with_their_run,
    stress::every_run_ends_right,
    stress::people_interfere,
}
