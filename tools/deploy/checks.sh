# shellcheck shell=bash
# What test-compose looks at. Sourced by it: uses its functions and variables.
# shellcheck disable=SC2154  # project, port, work, network are test-compose's
services=(tasks simple-stack-processor deno-executor wrappedgapi wrappedfetch wrappedkeystore wrappedsupabase)

fail() {
  echo "FAILED: $*" >&2
  return 1
}

tasker() { "$binaries/tasker" "$@"; }

# status METHOD PATH [KEY]: the HTTP status through the gateway
status() {
  local key=()
  [ -z "${3:-}" ] || key=(-H "apikey: $3")
  curl -s -o "$work/body" -w '%{http_code}' -X "$1" "${key[@]}" -H 'content-type: application/json' \
    -d '{}' "http://127.0.0.1:$port/functions/v1/$2"
}

expect() { # expect STATUS METHOD PATH [KEY]
  local want=$1 got
  shift
  got=$(status "$@")
  [ "$got" = "$want" ] || fail "$1 $2 answered $got instead of $want: $(cat "$work/body")" || return
  echo "ok: $1 $2 $([ -n "${3:-}" ] && echo 'with a key' || echo 'without a key'): $got"
}

# let_in METHOD PATH KEY: the key opens; what the service says to an empty request is its own affair
let_in() {
  local got
  got=$(status "$@")
  case $got in
    401 | 403 | 404 | 5*) fail "$1 $2 with the service key answered $got: $(cat "$work/body")" || return ;;
  esac
  echo "ok: $1 $2 with the service key: let in ($got)"
}

check_keys() {
  expect 200 GET tasks/health &&
    expect 401 POST tasks/execute &&
    expect 400 POST tasks/execute "$SUPABASE_PUBLISHABLE_KEY" &&
    expect 403 POST tasks/publish "$SUPABASE_PUBLISHABLE_KEY" &&
    expect 404 POST no-such-function "$SUPABASE_SECRET_KEY" || return
  local name
  for name in "${services[@]:1}"; do
    expect 401 POST "$name" &&
      expect 401 POST "$name" sb_secret_of_somebody_else_entirely &&
      expect 403 POST "$name" "$SUPABASE_PUBLISHABLE_KEY" &&
      let_in POST "$name" "$SUPABASE_SECRET_KEY" || return
  done
}

check_containers() {
  local name id limits inside
  for name in "${services[@]}" gateway; do
    id=$(compose ps -q "$name")
    limits=$(docker inspect -f '{{.HostConfig.ReadonlyRootfs}} {{.HostConfig.CapDrop}} {{.HostConfig.SecurityOpt}} {{gt .HostConfig.Memory 0}}' "$id")
    [ "$limits" = "true [ALL] [no-new-privileges:true] true" ] || fail "$name runs with $limits" || return
    inside=$(docker exec "$id" bash -c 'id -u; grep -E "^(CapEff|NoNewPrivs)" /proc/1/status | tr -d "\t"; (touch /usr/x) 2>&1 | grep -o "Read-only file system"')
    [ "$inside" = $'65532\nCapEff:0000000000000000\nNoNewPrivs:1\nRead-only file system' ] || fail "inside $name: $inside" || return
  done
  echo "ok: ${#services[@]} services and the gateway: uid 65532, no capability, no new privileges, read-only, limited"
  # A key must be in no image, and in no log line.
  ! docker history --no-trunc "$TASKER_IMAGE" | grep -qF "$SUPABASE_SECRET_KEY" || fail "the image holds a key" || return
  ! compose logs 2>&1 | grep -qF -e "$SUPABASE_SECRET_KEY" -e "$POSTGRES_PASSWORD" -e "$TASKER_MASTER_KEY" || fail "a log holds a secret" || return
  echo "ok: no secret in the logs"
}

# environment SERVICE: what its container is told
environment() { docker inspect -f '{{range .Config.Env}}{{println .}}{{end}}' "$(compose ps -q "$1")"; }

# told SECRET SERVICE...: these are told it, and no other
told() {
  local value=$1 name has want
  shift
  for name in "${services[@]}" gateway emulator; do
    has=no want=no
    ! environment "$name" | grep -qF -- "$value" || has=yes
    [[ " $* " != *" $name "* ]] || want=yes
    [ $has = $want ] || fail "$name is told a secret: $has instead of $want" || return
  done
}

check_secrets() {
  told "$TASKER_MASTER_KEY" tasks simple-stack-processor deno-executor wrappedkeystore || return
  told "$POSTGRES_PASSWORD" tasks simple-stack-processor deno-executor wrappedkeystore wrappedsupabase || return
  echo "ok: the master key is known to four services, the database's password to five"
  local clear sealed
  clear=$(sql "select count(*) from keystore where key_value not like 'tasker:v1:%'")
  sealed=$(sql "select count(*) from keystore where key_value like 'tasker:v1:%'")
  [ "$clear $sealed" = "0 2" ] || fail "$clear secrets in clear, $sealed sealed" || return
  postgres pg_dump -U postgres >"$work/dump" && grep -q 'tasker:v1:' "$work/dump" || fail "no dump" || return
  ! grep -q 'PRIVATE KEY' "$work/dump" || fail "a dump holds the private key" || return
  echo "ok: the keystore holds $sealed secrets, all sealed; a dump holds no private key"
  # Without a master key a service that keeps secrets does not start, and says what to do.
  if compose run --rm --no-deps -e TASKER_MASTER_KEY= wrappedkeystore >"$work/refused" 2>&1; then
    fail "wrappedkeystore starts without a master key" || return
  fi
  grep -q 'set TASKER_MASTER_KEY' "$work/refused" || fail "$(cat "$work/refused")" || return
  echo "ok: without a master key: $(grep -o 'no master key is set.*one)' "$work/refused")"
}

# postgres COMMAND...: in the database's container
postgres() { compose exec -T -e PGPASSWORD="$POSTGRES_PASSWORD" postgres "$@"; }
# sql STATEMENT: on the installation's own database
sql() { postgres psql -U postgres -Atc "$1"; }

# Clients submit, and see their own runs alone.
check_owners() {
  local ours theirs
  ours=$(SUPABASE_SERVICE_ROLE_KEY=$SUPABASE_PUBLISHABLE_KEY tasker submit hello-task --input '{"name":"anon"}' --watch 2>&1 | grep -oE 'Run [0-9]+' | head -n 1)
  theirs=$(tasker submit hello-task --input '{"name":"service"}' --watch 2>&1 | grep -oE 'Run [0-9]+' | head -n 1)
  [ -n "$ours" ] && [ -n "$theirs" ] || fail "nothing was submitted" || return
  expect 200 GET "tasks/status/${ours#Run }" "$SUPABASE_PUBLISHABLE_KEY" &&
    expect 404 GET "tasks/status/${theirs#Run }" "$SUPABASE_PUBLISHABLE_KEY" &&
    expect 200 GET "tasks/status/${theirs#Run }" "$SUPABASE_SECRET_KEY" || return
  [ "$(sql "select count(*) from task_runs where owner = ''")" = 1 ] || fail "the owner is not recorded"
}

calls() { tasker status "$1" 2>/dev/null | grep -oE '"calls": *[0-9]+' | head -n 1 | grep -oE '[0-9]+' || echo 0; }

# crash SERVICE: kill -9 from outside, so that its restart policy brings it back
crash() {
  local id pid
  id=$(compose ps -q "$1")
  pid=$(docker inspect -f '{{.State.Pid}}' "$id")
  if kill -9 "$pid" 2>/dev/null; then
    echo "killed $1 (its main process)"
  else
    docker kill "$id" >/dev/null && docker start "$id" >/dev/null && echo "killed $1, started it again"
  fi
}

search_and_kill() {
  local run at=0 victim
  "$binaries/workspace-emulator" truth --seed 42 --max-users 98 --max-results 10 >"$work/truth.json"
  tasker gmail-search --check-truth "$work/truth.json" >"$work/search" 2>&1 &
  local search=$!
  for _ in $(seq 100); do
    run=$(grep -oE 'Task Run ID: [0-9]+' "$work/search" | grep -oE '[0-9]+$' || true)
    [ -n "$run" ] && break
    sleep 0.1
  done
  [ -n "${run:-}" ] || fail "the search was not submitted: $(cat "$work/search")" || return
  for victim in deno-executor simple-stack-processor; do
    at=$((at + 150))
    for _ in $(seq 600); do
      [ "$(calls "$run")" -ge $at ] && break
      sleep 0.05
    done
    echo "after $(calls "$run") calls:"
    crash "$victim" || return
  done
  wait "$search" || { tail -n 40 "$work/search" && return 1; }
  grep -A 60 'Ground truth' "$work/search"
  for victim in deno-executor simple-stack-processor; do
    echo "restarts of $victim: $(docker inspect -f '{{.RestartCount}}' "$(compose ps -q "$victim")")"
  done
  echo "$run" >"$work/run"
}

check_stop() {
  local id name code began
  began=$(date +%s)
  compose stop
  for name in "${services[@]}" gateway postgres emulator; do
    id=$(compose ps -aq "$name")
    code=$(docker inspect -f '{{.State.ExitCode}}' "$id")
    [ "$code" = 0 ] || fail "$name ended with $code" || return
  done
  [ $(($(date +%s) - began)) -lt 25 ] || fail "stopping took $(($(date +%s) - began)) s" || return
  echo "ok: all ended with 0"
}

up_again() {
  up || return
  tasker status "$(cat "$work/run")" | grep -qE '"status": *"completed"' || fail "the run is gone" || return
  echo "ok: run $(cat "$work/run") is there and completed"
}

pretend_supabase() {
  docker network create "$network" >/dev/null
  docker run -d --name "$project-db" --network "$network" --network-alias db -e POSTGRES_PASSWORD=postgres "$POSTGRES_IMAGE" >/dev/null
  for _ in $(seq 100); do
    docker exec "$project-db" pg_isready -q -h 127.0.0.1 -U postgres && return 0
    sleep 0.2
  done
  fail "no database"
}

# kong ARGUMENTS: the CLI from inside the network; Kong strips /functions/v1 before it forwards.
kong() {
  docker run --rm --network "$network" -e SUPABASE_SERVICE_ROLE_KEY \
    -e "TASKER_FUNCTIONS_URL=http://supabase_edge_runtime_$project:8081" "$TASKER_IMAGE" tasker "$@"
}

check_joined() {
  kong publish /usr/share/tasker/taskcode/endpoints/hello-task.js || return
  kong submit hello-task --input '{"name":"Kong"}' --watch | tail -n 5 || return
  # shellcheck disable=SC2097,SC2098
  if SUPABASE_SERVICE_ROLE_KEY='' kong list >"$work/refused" 2>&1; then
    fail "the list is shown without a key" || return
  fi
  grep -q 401 "$work/refused" || fail "$(cat "$work/refused")" || return
  echo "ok: without a key 401"
  check_users || return
  [ -z "$(docker ps -q --filter "publish=$port")" ] || fail "a port is published in joined mode" || return
}

# user NAME: a token of a signed-in user, as the project's auth server signs them
user() {
  python3 - "$1" <<'END'
import base64, hashlib, hmac, json, os, sys, time
part = lambda raw: base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
claims = {"sub": sys.argv[1], "role": "authenticated", "aud": "authenticated", "exp": int(time.time()) + 600}
signed = ".".join(part(json.dumps(p).encode()) for p in ({"alg": "HS256", "typ": "JWT"}, claims))
print(f"{signed}.{part(hmac.digest(os.environ['SUPABASE_JWT_SECRET'].encode(), signed.encode(), hashlib.sha256))}")
END
}

# Two users of the project: each sees the own run, and the other's does not exist.
check_users() {
  local ann bob run
  ann=$(user 11111111-1111-4111-8111-111111111111)
  bob=$(user 22222222-2222-4222-8222-222222222222)
  run=$(SUPABASE_SERVICE_ROLE_KEY=$ann kong submit hello-task --input '{"name":"Ann"}' --watch 2>&1 | grep -oE 'Run [0-9]+' | head -n 1)
  [ -n "$run" ] || fail "a user could not submit" || return
  SUPABASE_SERVICE_ROLE_KEY=$ann kong status "${run#Run }" 2>&1 | grep -qE '"status": *"completed"' || fail "a user cannot read the own run" || return
  if SUPABASE_SERVICE_ROLE_KEY=$bob kong status "${run#Run }" >"$work/refused" 2>&1; then
    fail "a user reads another's run" || return
  fi
  grep -q 404 "$work/refused" || fail "$(cat "$work/refused")" || return
  echo "ok: a user submits and reads the own run; another's is 404"
}

down_joined() {
  down || return
  docker rm -fv "$project-db" >/dev/null
  docker network rm "$network" >/dev/null
  echo "ok: the network could be removed, as supabase stop does"
}
