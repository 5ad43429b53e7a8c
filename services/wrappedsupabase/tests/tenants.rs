//! Policies hold: a user's request runs under the role and claims of the user's token.

use crate::common;

use std::sync::Arc;

use axum::{Router, body::Body};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD as B64};
use common::{AT, chain, send};
use http::Request;
use ring::hmac;
use serde_json::{Value, json};
use tasker_http::{Gate, GateArgs, mount, with_gate};
use tasker_store::StorageAdapter;
use tasker_testkit::pg::{Database, Server};
use wrappedsupabase::{State, router};

const SECRET: &str = "a-secret-of-at-least-32-characters-for-tests";
const SERVICE: &str = "service-key-for-these-tests";

/// A policy as Supabase's users write it: `auth.uid()` is the token's subject.
const TABLES: &str = "\
do $$ declare r text; begin \
  foreach r in array array['anon', 'authenticated'] loop \
    begin execute format('create role %I nologin', r); exception when others then null; end; \
  end loop; end $$; \
do $$ begin create role strong nologin bypassrls; exception when others then null; end $$; \
do $$ begin create role member nologin; exception when others then null; end $$; \
grant usage on schema public to anon, authenticated; \
create function uid() returns text stable language sql as \
  'select nullif(current_setting(''request.jwt.claims'', true), '''')::json ->> ''sub'''; \
create table notes (id int primary key, owner text not null default uid(), body text, public boolean default false); \
create table pages (id int primary key, note_id int references notes (id), text text); \
alter table notes enable row level security; alter table pages enable row level security; \
create policy own on notes to authenticated using (owner = uid()) with check (owner = uid()); \
create policy open on notes for select to anon using (public); \
create policy own on pages to authenticated using (exists (select 1 from notes n where n.id = note_id)); \
grant select, insert, update, delete on notes, pages to authenticated; grant select on notes to anon; \
create function all_notes() returns setof notes stable language sql as 'select * from notes'; \
create function whoami() returns text stable language sql as 'select current_user || '':'' || coalesce(uid(), ''-'')'; \
create view everything with (security_invoker = on) as select * from notes; \
grant select on everything to authenticated; \
insert into notes select n, case when n % 2 = 0 then 'ann' else 'bob' end, 'n' || n, n = 1 from generate_series(1, 20) n; \
insert into pages select n, n, 'p' || n from generate_series(1, 20) n";

fn token(claims: &Value) -> String {
    let header = B64.encode(json!({"alg": "HS256", "typ": "JWT"}).to_string());
    let message = format!("{header}.{}", B64.encode(claims.to_string()));
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    format!("{message}.{}", B64.encode(hmac::sign(&key, message.as_bytes())))
}

fn user(name: &str, role: &str) -> String {
    token(&json!({"sub": name, "role": role, "aud": "authenticated", "exp": 4_000_000_000_i64}))
}

fn app(store: Arc<dyn StorageAdapter>, clients: bool) -> Router {
    let args = GateArgs {
        jwt_secret: Some(SECRET.into()),
        service_role_key: Some(SERVICE.into()),
        supabase_clients: clients,
        ..GateArgs::default()
    };
    let gate = Gate::new(&args, [127, 0, 0, 1].into()).unwrap();
    with_gate(mount("wrappedsupabase", router(State::new(store))), gate)
}

async fn ask(app: &Router, token: &str, links: &Value) -> Value {
    let body = Body::from(chain(links).to_string());
    let request = Request::post(AT).header("authorization", format!("Bearer {token}"));
    let answer = send(app, request.body(body).unwrap()).await;
    let mut value = answer.json();
    value["http"] = answer.status.as_u16().into();
    value
}

async fn start() -> (Server, Database, Arc<dyn StorageAdapter>, Router) {
    let server = Server::obtain().unwrap();
    let database = server.database().await.unwrap();
    let store = tasker_store::connect(database.url()).await.unwrap();
    store.script(TABLES).await.unwrap();
    let app = app(store.clone(), true);
    (server, database, store, app)
}

/// Reads of what is another's, `n` being one of its rows.
fn reads(n: i64) -> Vec<Value> {
    let notes = json!(["from", "notes"]);
    vec![
        json!([notes, ["select"], ["eq", "id", n]]),
        json!([notes, ["select"], ["eq", "owner", "bob"]]),
        json!([notes, ["select", "id"], ["or", format!("id.eq.{n},owner.eq.bob")]]),
        json!([notes, ["select", "id, pages(text)"], ["eq", "id", n]]),
        json!([["from", "pages"], ["select", "text, notes(body)"], ["eq", "id", n]]),
        json!([["from", "everything"], ["select"], ["eq", "id", n]]),
        json!([["rpc", "all_notes"], ["eq", "owner", "bob"]]),
        json!([["rpc", "all_notes", {}, {"get": true}], ["eq", "id", n]]),
        json!([notes, ["select", "*", {"count": "exact", "head": true}], ["eq", "owner", "bob"]]),
        json!([notes, ["select", "id.count()"], ["eq", "owner", "bob"], ["maybeSingle"]]),
    ]
}

/// Changes of what is another's.
fn writes(n: i64) -> Vec<Value> {
    let notes = json!(["from", "notes"]);
    vec![
        json!([notes, ["update", {"body": "mine"}], ["eq", "id", n], ["select"]]),
        json!([notes, ["update", {"owner": "ann"}], ["eq", "owner", "bob"], ["select"]]),
        json!([notes, ["update", {"owner": "bob"}], ["eq", "id", n + 1], ["select"]]),
        json!([notes, ["delete"], ["eq", "id", n], ["select"]]),
        json!([notes, ["insert", {"id": 1000 + n, "owner": "bob"}], ["select"]]),
        json!([notes, ["upsert", {"id": n, "body": "mine"}], ["select"]]),
        json!([notes, ["upsert", {"id": n, "owner": "ann", "body": "x"}, {"onConflict": "id"}], ["select"]]),
        json!([["from", "pages"], ["update", {"text": "mine"}], ["eq", "note_id", n], ["select"]]),
        json!([["from", "pages"], ["delete"], ["eq", "id", n], ["select"]]),
        json!([["from", "pages"], ["insert", {"id": 2000 + n, "note_id": n}], ["select"]]),
    ]
}

/// Rows that an answer shows.
fn rows(result: &Value) -> u64 {
    let data = match &result["data"] {
        Value::Array(rows) => rows.len() as u64,
        Value::Object(row) => row.get("count").and_then(Value::as_u64).unwrap_or(1),
        _ => 0,
    };
    data + result["count"].as_u64().unwrap_or(0)
}

#[tokio::test]
async fn a_tenant_reaches_its_own_rows_and_no_others() {
    let (_server, _database, store, app) = start().await;
    let ann = user("ann", "authenticated");
    let before = ask(&app, SERVICE, &json!([["from", "notes"], ["select"], ["order", "id"]])).await;
    let (mut tried, mut seen) = (0, Vec::new());
    for n in [1, 3, 5, 7, 9] {
        for links in reads(n).into_iter().chain(writes(n)) {
            let result = ask(&app, &ann, &links).await;
            tried += 1;
            if rows(&result) != 0 {
                seen.push(format!("{links}: {result}"));
            }
        }
    }
    assert_eq!(tried, 100);
    assert!(seen.is_empty(), "{} of {tried}:\n{}", seen.len(), seen.join("\n"));
    let after = ask(&app, SERVICE, &json!([["from", "notes"], ["select"], ["order", "id"]])).await;
    assert_eq!(before["data"], after["data"], "nothing was changed");
    eprintln!("{tried} reads and writes across tenants: 0 rows");

    // Its own rows are there, and the service sees all: the role ends with the request.
    for links in reads(2).into_iter().take(1).chain(writes(2).into_iter().take(1)) {
        let result = ask(&app, &ann, &links).await;
        assert_eq!(rows(&result), 1, "{links}: {result}");
    }
    let own = ask(&app, &ann, &json!([["from", "notes"], ["select", "id, pages(text)"]])).await;
    assert_eq!(rows(&own), 10, "{own}");
    let who = ask(&app, &ann, &json!([["rpc", "whoami"]])).await;
    assert_eq!(who["data"], "authenticated:ann");
    let made = ask(
        &app,
        &ann,
        &json!([["from", "notes"], ["insert", {"id": 50}], ["select", "owner"], ["single"]]),
    )
    .await;
    assert_eq!(made["data"], json!({"owner": "ann"}));
    let all = ask(&app, SERVICE, &json!([["from", "notes"], ["select"]])).await;
    assert_eq!(rows(&all), 21);

    // Without the policy the same reads see rows: the test would notice.
    store.script("alter table notes disable row level security").await.unwrap();
    let open = ask(&app, &ann, &reads(1)[0]).await;
    assert_eq!(rows(&open), 1, "{open}");
}

#[tokio::test]
async fn roles_are_those_that_a_token_may_name() {
    let (_server, database, store, app) = start().await;
    let read = json!([["from", "notes"], ["select", "id"]]);
    let anon = token(&json!({"role": "anon", "exp": 4_000_000_000_i64}));
    let open = ask(&app, &anon, &read).await;
    assert_eq!(open["data"], json!([{"id": 1}]), "what the policy opens");
    let write = ask(&app, &anon, &json!([["from", "notes"], ["delete"], ["eq", "id", 1]])).await;
    assert_eq!((&write["error"]["code"], &write["status"]), (&json!("42501"), &json!(401)));
    // Owners, superusers, roles that see past policies, roles that are not there.
    let owner = database.url().split("://").nth(1).unwrap().split(['@', ':']).next().unwrap();
    for role in [owner, "postgres", "strong", "pg_read_all_data", "nobody_at_all", "member\"; --"] {
        let result = ask(&app, &user("ann", role), &read).await;
        assert_eq!(result["error"]["code"], "42501", "{role}: {result}");
        assert_eq!(result["status"], 403, "{role}");
    }
    // A role of the project's own is used; it was granted nothing.
    let own = ask(&app, &user("ann", "member"), &read).await;
    assert!(own["error"]["message"].as_str().unwrap().contains("notes"), "{own}");
    store.script("grant select on notes to member").await.unwrap();
    let own = ask(&app, &user("ann", "member"), &read).await;
    assert_eq!((&own["data"], &own["error"]), (&json!([]), &Value::Null), "{own}");
    // The engine's tables are closed to everybody.
    for table in ["keystore", "task_runs"] {
        let closed =
            ask(&app, &user("ann", "authenticated"), &json!([["from", table], ["delete"]])).await;
        assert_eq!(closed["error"]["code"], "42501", "{closed}");
    }
}

#[tokio::test]
async fn clients_are_let_in_only_if_a_setting_says_so() {
    let (_server, _database, store, _) = start().await;
    let closed = self::app(store, false);
    let read = json!([["from", "notes"], ["select", "id"]]);
    let refused = ask(&closed, &user("ann", "authenticated"), &read).await;
    assert_eq!(refused["http"], 403);
    assert_eq!(rows(&ask(&closed, SERVICE, &read).await), 20);
    // SQLite knows no roles.
    let lite = tasker_store::connect("sqlite::memory:").await.unwrap();
    let result = ask(
        &self::app(lite, true),
        &user("ann", "authenticated"),
        &json!([["from", "task_runs"], ["select"]]),
    )
    .await;
    assert_eq!(result["error"]["code"], "0A000", "{result}");
}
