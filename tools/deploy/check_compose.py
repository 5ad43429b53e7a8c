"""What no schema says: reads `docker compose config --format json` and checks that it hangs together.

  check_compose.py standalone|supabase PROJECT_ID < CONFIG

Nothing runs as root or is published that should not be; beside a local Supabase we are where its
Kong looks for the edge runtime, and nowhere else.
"""

import json
import sys

SEALING = {"tasks", "simple-stack-processor", "deno-executor", "wrappedkeystore"}
DATABASE = SEALING | {"wrappedsupabase", "migrate"}
SERVICES = SEALING | {"wrappedsupabase", "wrappedgapi", "wrappedfetch"}


def faults(config: dict, mode: str, project: str) -> list[str]:
    """What is wrong, in words."""
    found = []

    def check(holds: object, what: str) -> None:
        if not holds:
            found.append(what)

    services, network = config["services"], config["networks"]["tasker"]
    gateway = "gateway" if mode == "standalone" else "supabase-gateway"
    check(SERVICES | {"migrate", gateway} <= set(services), f"services are {sorted(services)}")
    # Supabase's containers carry the label of a Compose project that is called as their project_id.
    check(config["name"] != project, "our containers would be taken for Supabase's")

    for name, service in services.items():
        check(service.get("user", "0").split(":")[0] != "0", f"{name}: runs as root")
        check(service.get("read_only"), f"{name}: may write its image")
        check(service.get("cap_drop") == ["ALL"], f"{name}: keeps capabilities")
        check("no-new-privileges:true" in service.get("security_opt", []), f"{name}: may gain privileges")
        check(int(service.get("mem_limit", 0)) > 0, f"{name}: no memory limit")
        check("container_name" not in service, f"{name}: Supabase's CLI may remove a container by name")
        env = service.get("environment") or {}
        for variable, told in [("TASKER_MASTER_KEY", SEALING), ("DATABASE_URL", DATABASE)]:
            right = bool(env.get(variable)) if name in told else variable not in env
            check(right, f"{name}: {variable} is missing or none of its business")
        if name in SERVICES | {gateway}:
            check(any(env.get(k) for k in ["SUPABASE_SECRET_KEY", "SUPABASE_SERVICE_ROLE_KEY"]), f"{name}: no key")
            check("test" in service.get("healthcheck", {}), f"{name}: nobody sees how it is")

    published = {n: p for n, s in services.items() for p in s.get("ports", [])}
    if mode == "standalone":
        check(set(published) == {gateway}, f"published are {sorted(published)}")
        check(all(p.get("host_ip") == "127.0.0.1" for p in published.values()), "others reach the gateway")
        check("postgres" in services and not network.get("external"), "it does not stand alone")
        return found
    check(not published, f"published are {sorted(published)}, and Kong is the door")
    check("postgres" not in services, "a second database")
    check(network.get("external") and network["name"] == f"supabase_network_{project}", "another network")
    entry = services[gateway]
    aliases = entry["networks"]["tasker"].get("aliases", [])
    check(f"supabase_edge_runtime_{project}" in aliases, f"Kong does not find us: {aliases}")
    check(entry["environment"]["PORT"] == "8081", "Kong asks on port 8081")
    taken = {"db", "kong", "auth", "rest", "storage", "realtime", "studio"}
    ours = {a for s in services.values() for a in (s["networks"]["tasker"] or {}).get("aliases", [])}
    check(not taken & (ours | set(services)), "a name of Supabase's own is taken")
    url = services["tasks"]["environment"]
    check("@db:5432/" in url["DATABASE_URL"], "another database")
    check(url["SUPABASE_URL"] == "http://kong:8000", "tokens are checked against another project")
    return found


def main() -> None:
    found = faults(json.load(sys.stdin), sys.argv[1], sys.argv[2])
    print("\n".join(found) or f"ok: docker-compose.yml, {sys.argv[1]}")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
