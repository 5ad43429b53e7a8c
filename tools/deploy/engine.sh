# shellcheck shell=bash disable=SC2034
# A Docker Engine with Compose v2 and the base images, for the tests that need them. Sourced.
#   engine_start   uses the engine that runs, or starts one of its own; returns 1 with $why if it cannot
#   engine_images  makes debian:bookworm-slim and a postgres image where none can be pulled
#   engine_stop    stops the engine it started, by its id
# What is downloaded is kept in $TASKER_DOCKER_DIR (~/.cache/tasker-docker).
docker_dir=${TASKER_DOCKER_DIR:-$HOME/.cache/tasker-docker}
engine_pid=
why=

engine_start() {
  if ! docker info >/dev/null 2>&1; then
    own_engine || return 1
  fi
  docker compose version >/dev/null 2>&1 || compose_plugin || {
    why="Compose v2 (docker compose) is not installed and could not be fetched"
    return 1
  }
}

own_engine() {
  if [ "$(id -u)" != 0 ]; then
    why="no Docker Engine answers, and only root can start one here"
    return 1
  fi
  if ! command -v dockerd >/dev/null; then
    echo "installing docker.io"
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends docker.io >/dev/null 2>&1 || {
      why="no Docker Engine answers, and docker.io could not be installed"
      return 1
    }
  fi
  mkdir -p "$docker_dir/data" "$docker_dir/exec"
  # Published ports go through docker's own proxy: the host's firewall stays as it is.
  dockerd --data-root "$docker_dir/data" --exec-root "$docker_dir/exec" \
    --pidfile "$docker_dir/dockerd.pid" -H "unix://$docker_dir/docker.sock" \
    --iptables=false --ip6tables=false --ip-forward=false --ip-masq=false \
    --bip 172.30.78.1/24 --default-address-pool base=172.29.0.0/16,size=24 \
    >"$docker_dir/dockerd.log" 2>&1 &
  engine_pid=$!
  export DOCKER_HOST="unix://$docker_dir/docker.sock"
  for _ in $(seq 100); do
    docker info >/dev/null 2>&1 && return 0
    kill -0 "$engine_pid" 2>/dev/null || break
    sleep 0.2
  done
  why="dockerd does not start here: $(tail -n 1 "$docker_dir/dockerd.log")"
  engine_stop
  return 1
}

engine_stop() {
  [ -n "$engine_pid" ] || return 0
  kill "$engine_pid" 2>/dev/null || true
  wait "$engine_pid" 2>/dev/null || true
  # It leaves this one mounted, and the folder could not be removed.
  umount "$docker_dir/exec/netns/default" 2>/dev/null || true
  engine_pid=
}

# Debian has it from its release 13 on; the program needs nothing but the C library.
compose_plugin() {
  local folder="$docker_dir/config/cli-plugins" apt="$docker_dir/apt"
  export DOCKER_CONFIG="$docker_dir/config"
  if [ ! -x "$folder/docker-compose" ]; then
    echo "fetching Compose v2"
    mkdir -p "$folder" "$apt/lists/partial" "$apt/cache/archives/partial"
    chmod 755 "$docker_dir"
    local mirror
    mirror=$(grep -hoE 'https?://[^ ]+/debian/?( |$)' /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null | head -n 1)
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] ${mirror:-http://deb.debian.org/debian} trixie main" >"$apt/sources.list"
    local options=(-o "Dir::Etc::sourcelist=$apt/sources.list" -o Dir::Etc::sourceparts=-
      -o "Dir::State::lists=$apt/lists" -o "Dir::Cache=$apt/cache")
    (cd "$apt" && apt-get -qq "${options[@]}" update && apt-get -qq "${options[@]}" download docker-compose) >/dev/null 2>&1 || return 1
    dpkg-deb -x "$apt"/docker-compose_*.deb "$apt/x"
    find "$apt/x" -path '*cli-plugins/docker-compose' -exec cp -L {} "$folder/" \;
  fi
  docker compose version >/dev/null 2>&1
}

engine_images() {
  base_image debian:bookworm-slim || return 1
  if ! docker image inspect "$1" >/dev/null 2>&1 && ! timeout 60 docker pull -q "$1" >/dev/null 2>&1; then
    echo "$1 cannot be pulled: making a stand-in"
    docker build -q --network host -t "$1" tools/deploy/postgres >/dev/null
  fi
}

base_image() {
  docker image inspect "$1" >/dev/null 2>&1 && return 0
  timeout 60 docker pull -q "$1" >/dev/null 2>&1 && return 0
  echo "$1 cannot be pulled: making it with debootstrap"
  command -v debootstrap >/dev/null ||
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends debootstrap >/dev/null 2>&1
  local root
  root=$(mktemp -d "$docker_dir/root.XXXX")
  debootstrap --variant=minbase --include=ca-certificates bookworm "$root" >"$docker_dir/debootstrap.log" 2>&1 || {
    why="$1 can neither be pulled nor made with debootstrap"
    return 1
  }
  tar -C "$root" --exclude='./var/cache/apt/*' --exclude='./dev/*' --exclude='./proc/*' -c . | docker import - "$1" >/dev/null
  rm -rf "$root"
}
