//! Statements of answers that are kept for requests that come again.

/// Waits until nobody else works on a request of this name, until the end of the transaction.
pub const REQUEST_TURN: &str = "select {turn $1}";

/// What is known of a request under a key.
pub const ANSWER: &str = "\
select request, status, {text answer}, bytes from request_answers \
where caller = $1 and idempotency_key = $2";

/// Keeps what a request was answered, or that it was sent.
pub const KEEP_ANSWER: &str = "\
insert into request_answers (caller, idempotency_key, request, status, answer, bytes) \
values ($1, $2, $3, $4, {json $5}, $6) \
on conflict (caller, idempotency_key) do update set request = excluded.request, \
  status = excluded.status, answer = excluded.answer, bytes = excluded.bytes";

/// Nothing came of a request that was sent: it may be sent again.
pub const FORGET_SENT: &str = "\
delete from request_answers where caller = $1 and idempotency_key = $2 and status = 'sent'";

/// Old answers under keys that callers chose; those of calls go with their run.
pub const PRUNE_ANSWERS: &str = "\
delete from request_answers where id in (select id from request_answers \
  where created_at < {after $1} and not (caller = '' and idempotency_key like 'sr-%') \
  order by created_at limit $2) returning id";

/// The connection's own role again.
pub const OWN_ROLE: &str = "select set_config('role', 'none', true)";
