"""What no schema says: reads `kubectl kustomize` output and checks that it hangs together.

Every service has replicas, a Service, a disruption budget, probes, limits and no privilege; every
selector finds its pods; every name that the configuration mentions exists.
"""

import re
import sys

import yaml

SERVICES = {
    "tasks",
    "simple-stack-processor",
    "deno-executor",
    "wrappedgapi",
    "wrappedfetch",
    "wrappedkeystore",
    "wrappedsupabase",
}
# Who is told which secret: nobody else is.
TOLD = {
    "DATABASE_URL": SERVICES - {"wrappedgapi", "wrappedfetch"},
    "TASKER_MASTER_KEY": {"tasks", "simple-stack-processor", "deno-executor", "wrappedkeystore"},
    "TASKER_SERVICE_TOKENS": {"simple-stack-processor", "gateway"},
}
PROBES = ["startupProbe", "readinessProbe", "livenessProbe"]


def faults(objects: list[dict]) -> list[str]:
    """What is wrong, in words."""
    found = []

    def check(holds: object, what: str) -> None:
        if not holds:
            found.append(what)

    kind = lambda name: {o["metadata"]["name"]: o for o in objects if o["kind"] == name}  # noqa: E731
    workloads = {**kind("Deployment"), **kind("StatefulSet")}
    services, budgets = kind("Service"), kind("PodDisruptionBudget")
    check(set(workloads) == SERVICES | {"gateway"}, f"workloads are {sorted(workloads)}")
    check("simple-stack-processor" in kind("StatefulSet"), "processors need names that stay")

    for name, workload in workloads.items():
        spec = workload["spec"]
        labels = spec["template"]["metadata"]["labels"]
        selects = lambda s: s.items() <= labels.items()  # noqa: B023,E731
        check(spec.get("replicas", 1) >= 2, f"{name}: one replica only")
        check(selects(spec["selector"]["matchLabels"]), f"{name}: selects other pods")
        check(name in services and selects(services[name]["spec"]["selector"]), f"{name}: no Service")
        budget = budgets.get(name, {"spec": {"selector": {"matchLabels": {"": ""}}}})
        check(selects(budget["spec"]["selector"]["matchLabels"]), f"{name}: no disruption budget")
        pod = spec["template"]["spec"]
        check(pod["terminationGracePeriodSeconds"] > 30, f"{name}: too little time to drain")
        for container in pod["containers"]:
            check(all(p in container for p in PROBES), f"{name}: a probe is missing")
            sources = [next(iter(s.items()))[0] for s in container.get("envFrom", [])]
            check(sources == ["configMapRef", "secretRef"], f"{name}: takes its settings from {sources}")
            env = {e["name"]: e for e in container.get("env", [])}
            for variable, told in TOLD.items():
                source = env.get(variable, {}).get("valueFrom", {}).get("secretKeyRef", {})
                right = variable not in env if name not in told else source.get("key") == variable
                check(right, f"{name}: {variable} is missing, not from a Secret, or none of its business")

    for job_or_workload in [*workloads.values(), *kind("Job").values()]:
        name, pod = job_or_workload["metadata"]["name"], job_or_workload["spec"]["template"]["spec"]
        check(pod["securityContext"].get("runAsNonRoot"), f"{name}: may run as root")
        check(pod.get("automountServiceAccountToken") is False, f"{name}: is given a cluster token")
        for container in pod["containers"]:
            safe = container["securityContext"]
            check(safe["readOnlyRootFilesystem"], f"{name}: may write its image")
            check(not safe["allowPrivilegeEscalation"], f"{name}: may gain privileges")
            check(safe["capabilities"]["drop"] == ["ALL"], f"{name}: keeps capabilities")
            check("memory" in container["resources"]["limits"], f"{name}: no memory limit")
            check("cpu" in container["resources"]["requests"], f"{name}: no cpu request")

    slot = kind("StatefulSet")["simple-stack-processor"]["spec"]["template"]["spec"]["containers"][0]
    env = {e["name"]: e for e in slot["env"]}
    path = env["TASKER_SLOT"].get("valueFrom", {}).get("fieldRef", {}).get("fieldPath")
    check(path == "metadata.name", "TASKER_SLOT is not the pod's name")
    for config in kind("ConfigMap").values():
        check(not TOLD.keys() & config["data"].keys(), "a secret is in the ConfigMap")
        pairs = re.findall(r"([a-z-]+)=http://([a-z-]+):(\d+)", config["data"]["TASKER_SERVICE_URLS"])
        check({p[0] for p in pairs} == SERVICES, "TASKER_SERVICE_URLS lacks a service")
        for _, host, port in pairs:
            ports = [p["port"] for p in services.get(host, {"spec": {"ports": []}})["spec"]["ports"]]
            check(int(port) in ports, f"nobody answers at {host}:{port}")
    return found


def main() -> None:
    found = faults([o for o in yaml.safe_load_all(sys.stdin) if o])
    print("\n".join(found) or "ok: every service has replicas, probes, a budget, limits and no privilege")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
