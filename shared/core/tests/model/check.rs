//! What must hold of a run at any moment, and of each change of it.

use tasker_core::{
    Kind,
    run::{
        Child, ChildState, Effect, Event, Resolved, RootState, Row, Rules, Run, Tries, blame,
        transition,
    },
};

use super::acts::{claimable, nested, waiting};

macro_rules! ensure {
    ($holds:expr) => { ensure!($holds, "{}", stringify!($holds)) };
    ($holds:expr, $($why:tt)+) => { if !$holds { return Err(format!($($why)+)); } };
}
macro_rules! ensure_eq {
    ($a:expr, $b:expr $(, $why:literal)?) => {
        ensure!(($a) == ($b), "{} is {:?}, {} is {:?}", stringify!($a), $a, stringify!($b), $b)
    };
}
pub(super) use {ensure, ensure_eq};

/// What must hold between any two events.
pub fn state(run: &Run, rules: Rules) -> Result<(), String> {
    let active = run.open.values().filter(|child| child.is_active_call()).count();
    ensure!(active <= 1, "{active} calls of one run are active");
    if run.root.paused {
        ensure!(claimable(run).is_empty(), "a paused run can be claimed: {run:?}");
    }
    let awake = transition(run, Event::Unpaused, rules).map_or_else(|_| run.clone(), |done| done.0);
    let held = run.rows().filter(|row| run.held(*row).is_some()).count();
    let moves = claimable(&awake).len() + held + nested(run).len() + waiting(run).len();
    if run.root.has_ended() {
        ensure!(run.open.is_empty(), "ended with open children");
    } else {
        ensure!(moves > 0, "stuck: {run:?}");
    }
    if let RootState::Waiting { on } = run.root.state {
        ensure!(run.open.contains_key(&on), "waits for a child that ended");
        ensure_eq!((run.root.tries.crashes, run.root.tries.blame), (0, 0));
    }
    counted(&run.root.tries)?;
    run.open.values().try_for_each(child)
}

fn child(child: &Child) -> Result<(), String> {
    counted(&child.tries)?;
    match child.state {
        ChildState::Leased(_) => {
            ensure!(child.sent || child.repeatable, "leased and not noted as sent: {child:?}");
        }
        ChildState::NeedsAttention => {
            ensure!(child.sent && child.kind == Kind::Call, "a person is asked in vain: {child:?}");
        }
        ChildState::Queued | ChildState::Ready => {
            ensure!(!child.sent, "sent again blindly: {child:?}");
        }
        ChildState::Delegated | ChildState::Ended(_) => {}
    }
    Ok(())
}

fn counted(tries: &Tries) -> Result<(), String> {
    ensure!(tries.epoch >= i64::from(tries.attempt), "more attempts than leases: {tries:?}");
    let (crashes, blame) = (i64::from(tries.crashes), tries.blame);
    ensure!((crashes * blame::LEAST..=crashes * blame::WHOLE).contains(&blame), "{tries:?}");
    Ok(())
}

/// What must hold of a change. `lost`: leases that the row of a [`Event::LeaseLost`] has lost in a
/// row, this one included.
pub fn change(
    before: &Run,
    event: &Event,
    next: &Run,
    effects: &[Effect],
    lost: u32,
) -> Result<(), String> {
    let gave_up = effects.iter().any(|effect| matches!(effect, Effect::GivenUp(..)));
    ensure!(!gave_up || lost >= blame::CRASHES, "given up after {lost} lost leases");
    for row in before.rows().filter(|row| tries(next, *row).is_some()) {
        counters(before, event, next, row)?;
        let call = matches!(row, Row::Child(seq) if before.open[&seq].kind == Kind::Call);
        let due = effects.iter().any(|effect| matches!(effect, Effect::Due(due, _) if *due == row));
        let became_ready = next.is_ready(row) && !before.is_ready(row);
        ensure!(!call || !became_ready || due, "{row:?} is ready, and nobody says from when on");
    }
    Ok(())
}

/// An attempt is a lease, and nothing else; a crash is a lost one.
fn counters(before: &Run, event: &Event, next: &Run, row: Row) -> Result<(), String> {
    let (Some(was), Some(is)) = (tries(before, row), tries(next, row)) else { return Ok(()) };
    ensure!(is.epoch >= was.epoch, "an epoch went back: {was:?} {is:?}");
    let retried = *event == Event::Retried;
    let leased = next.held(row).is_some() && is.epoch > was.epoch;
    let again = retried && is.attempt == 0;
    ensure!(again || is.attempt == was.attempt + u32::from(leased), "{event:?}: {was:?} {is:?}");
    ensure!(!leased || is.epoch == was.epoch + 1, "{event:?}: {was:?} {is:?}");
    let lost = matches!(event, Event::LeaseLost(loss) if loss.row == row);
    let went_on = row == Row::Root && matches!(event, Event::Advanced(_)) && is.crashes == 0;
    let expected = was.crashes + u32::from(lost);
    ensure!(is.crashes == expected || retried || went_on, "{event:?}: {was:?} {is:?}");
    let Row::Child(seq) = row else { return Ok(()) };
    let asked = matches!(event, Event::Released { .. } | Event::Delegated { .. })
        || matches!(event, Event::Resolved { how: Resolved::Again, .. });
    let forgotten = before.open[&seq].sent && !next.open[&seq].sent;
    ensure!(!forgotten || asked || retried, "{event:?}: call {seq} is taken for never sent");
    Ok(())
}

fn tries(run: &Run, row: Row) -> Option<&Tries> {
    match row {
        Row::Root => Some(&run.root.tries),
        Row::Child(seq) => run.open.get(&seq).map(|child| &child.tries),
    }
}
