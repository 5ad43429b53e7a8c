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

check_keys() {
  expect 200 GET tasks/health &&
    expect 401 POST tasks/execute &&
    expect 400 POST tasks/execute "$SUPABASE_PUBLISHABLE_KEY" &&
    expect 403 POST tasks/publish "$SUPABASE_PUBLISHABLE_KEY" &&
    expect 403 POST wrappedkeystore "$SUPABASE_PUBLISHABLE_KEY" &&
    expect 401 POST wrappedkeystore sb_secret_of_somebody_else_entirely &&
    expect 400 POST wrappedkeystore "$SUPABASE_SECRET_KEY" &&
    expect 404 POST no-such-function "$SUPABASE_SECRET_KEY"
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
  [ -z "$(docker ps -q --filter "publish=$port")" ] || fail "a port is published in joined mode" || return
}

down_joined() {
  down || return
  docker rm -fv "$project-db" >/dev/null
  docker network rm "$network" >/dev/null
  echo "ok: the network could be removed, as supabase stop does"
}
