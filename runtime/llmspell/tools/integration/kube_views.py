"""What is shown of a Kubernetes object: without noise, without secrets, and as the few facts that people look for.

Knows the fields of the common kinds; every other kind has its name, labels and age.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from llmspell.security.masking import MASK, is_secret_name
from llmspell.tools.integration.kube_resources import Resource

_LAST_APPLIED: Final = "kubectl.kubernetes.io/last-applied-configuration"
_DEPTH: Final = 100
Facts = dict[str, Any]


def shown(resource: Resource, found: Any, show_secrets: bool) -> dict[str, Any]:
    """The whole object without what only machines read. Values of a Secret, and of variables of containers that are
    named like secrets, are masked."""
    kept = {key: value for key, value in table(found).items() if key not in {"managedFields"}}
    about = {key: value for key, value in table(kept.get("metadata")).items() if key != "managedFields"}
    notes = {key: value for key, value in table(about.get("annotations")).items() if key != _LAST_APPLIED}
    if notes:
        about["annotations"] = notes
    else:
        about.pop("annotations", None)
    kept["metadata"] = about
    if show_secrets:
        return kept
    if resource.is_secret:
        for name in ("data", "stringData"):
            if name in kept:
                kept[name] = dict.fromkeys(table(kept[name]), MASK)
        return kept
    return _without_variables(kept, 0)


def summary(resource: Resource, found: Any) -> Facts:
    """Name, age, labels, and what tells how it is."""
    about = table(table(found).get("metadata"))
    facts: Facts = {"name": str(about.get("name", ""))}
    if about.get("namespace"):
        facts["namespace"] = about["namespace"]
    more = _VIEWS.get(resource.kind) if resource.group in _GROUPS else None
    facts |= more(table(found)) if more else {}
    return {**facts, "labels": about.get("labels") or {}, "created": str(about.get("creationTimestamp") or "")}


def table(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def rows(value: Any) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _without_variables(value: Any, depth: int) -> Any:
    """Environment variables with a secret's name have no value; references to a Secret stay as they are."""
    if depth > _DEPTH:
        return MASK
    if isinstance(value, dict):
        name = value.get("name")
        hidden = isinstance(name, str) and is_secret_name(name) and isinstance(value.get("value"), str)
        return {
            key: MASK if hidden and key == "value" else _without_variables(item, depth + 1)
            for key, item in value.items()
        }
    return [_without_variables(item, depth + 1) for item in value] if isinstance(value, list) else value


def _pod(found: Facts) -> Facts:
    spec, status = table(found.get("spec")), table(found.get("status"))
    containers = rows(status.get("containerStatuses"))
    waiting = [table(table(each.get("state")).get("waiting")).get("reason") for each in containers]
    deleted = table(found.get("metadata")).get("deletionTimestamp")
    phase = (
        "Terminating" if deleted else next(filter(None, waiting), None) or status.get("reason") or status.get("phase")
    )
    return {
        "status": str(phase or ""),
        "ready": f"{sum(bool(each.get('ready')) for each in containers)}/{len(rows(spec.get('containers')))}",
        "restarts": sum(int(each.get("restartCount") or 0) for each in containers),
        "node": str(spec.get("nodeName") or ""),
        "ip": str(status.get("podIP") or ""),
        "containers": [str(each.get("name", "")) for each in rows(spec.get("containers"))],
        "images": _images(spec),
    }


def _images(spec: Facts) -> list[str]:
    return [str(each.get("image", "")) for each in rows(spec.get("containers"))]


def _workload(found: Facts) -> Facts:
    """Deployment, ReplicaSet, StatefulSet, ReplicationController."""
    spec, status = table(found.get("spec")), table(found.get("status"))
    return {
        "replicas": spec.get("replicas", 1),
        "ready": status.get("readyReplicas") or 0,
        "updated": status.get("updatedReplicas") or 0,
        "available": status.get("availableReplicas") or 0,
        "images": _images(table(table(spec.get("template")).get("spec"))),
    }


def _daemon_set(found: Facts) -> Facts:
    status = table(found.get("status"))
    spec = table(table(table(found.get("spec")).get("template")).get("spec"))
    return {
        "replicas": status.get("desiredNumberScheduled") or 0,
        "ready": status.get("numberReady") or 0,
        "updated": status.get("updatedNumberScheduled") or 0,
        "available": status.get("numberAvailable") or 0,
        "images": _images(spec),
    }


def _job(found: Facts) -> Facts:
    spec, status = table(found.get("spec")), table(found.get("status"))
    return {
        "completions": spec.get("completions", 1),
        **{name: status.get(name) or 0 for name in ("active", "succeeded", "failed")},
        "started": str(status.get("startTime") or ""),
        "finished": str(status.get("completionTime") or ""),
    }


def _cron_job(found: Facts) -> Facts:
    spec, status = table(found.get("spec")), table(found.get("status"))
    return {
        "schedule": str(spec.get("schedule", "")),
        "suspended": bool(spec.get("suspend")),
        "active": len(rows(status.get("active"))),
        "last": str(status.get("lastScheduleTime") or ""),
    }


def _service(found: Facts) -> Facts:
    spec, status = table(found.get("spec")), table(found.get("status"))
    outside = rows(table(status.get("loadBalancer")).get("ingress"))
    return {
        "type": str(spec.get("type", "ClusterIP")),
        "cluster_ip": str(spec.get("clusterIP") or ""),
        "external": [str(each.get("hostname") or each.get("ip") or "") for each in outside],
        "ports": [
            {"port": each.get("port", 0), "target": each.get("targetPort"), "protocol": each.get("protocol", "TCP")}
            for each in rows(spec.get("ports"))
        ],
        "selector": spec.get("selector") or {},
    }


def _ingress(found: Facts) -> Facts:
    spec = table(found.get("spec"))
    return {
        "hosts": [str(each.get("host", "*")) for each in rows(spec.get("rules"))],
        "class": str(spec.get("ingressClassName") or ""),
    }


def _node(found: Facts) -> Facts:
    spec, status, about = (table(found.get(name)) for name in ("spec", "status", "metadata"))
    mark = "node-role.kubernetes.io/"
    conditions = {str(each.get("type")): str(each.get("status")) for each in rows(status.get("conditions"))}
    return {
        "ready": conditions.get("Ready") == "True",
        "schedulable": not spec.get("unschedulable"),
        "pressure": [name for name, value in conditions.items() if name != "Ready" and value == "True"],
        "roles": [name.removeprefix(mark) for name in table(about.get("labels")) if name.startswith(mark)],
        "version": str(table(status.get("nodeInfo")).get("kubeletVersion") or ""),
        "addresses": [str(each.get("address", "")) for each in rows(status.get("addresses"))],
        "allocatable": status.get("allocatable") or {},
    }


def _namespace(found: Facts) -> Facts:
    return {"status": str(table(found.get("status")).get("phase") or "")}


def _event(found: Facts) -> Facts:
    about = table(found.get("involvedObject"))
    last = found.get("lastTimestamp") or table(found.get("series")).get("lastObservedTime") or found.get("eventTime")
    return {
        "type": str(found.get("type") or ""),
        "reason": str(found.get("reason") or ""),
        "object": f"{about.get('kind', '')}/{about.get('name', '')}",
        "message": str(found.get("message") or ""),
        "count": found.get("count") or table(found.get("series")).get("count") or 1,
        "last": str(last or ""),
    }


def _keys(found: Facts) -> Facts:
    """ConfigMap, Secret: what is in them, not the values."""
    names = [*table(found.get("data")), *table(found.get("binaryData"))]
    return {"keys": sorted(names), **({"type": str(found["type"])} if found.get("type") else {})}


def _claim(found: Facts) -> Facts:
    spec, status = table(found.get("spec")), table(found.get("status"))
    return {
        "status": str(status.get("phase") or ""),
        "storage": str(table(status.get("capacity") or spec.get("capacity")).get("storage") or ""),
        "class": str(spec.get("storageClassName") or ""),
    }


_GROUPS: Final = frozenset({"", "apps", "batch", "networking.k8s.io"})
_VIEWS: Final[dict[str, Callable[[Facts], Facts]]] = {
    "Pod": _pod,
    "Deployment": _workload,
    "ReplicaSet": _workload,
    "StatefulSet": _workload,
    "ReplicationController": _workload,
    "DaemonSet": _daemon_set,
    "Job": _job,
    "CronJob": _cron_job,
    "Service": _service,
    "Ingress": _ingress,
    "Node": _node,
    "Namespace": _namespace,
    "Event": _event,
    "ConfigMap": _keys,
    "Secret": _keys,
    "PersistentVolumeClaim": _claim,
    "PersistentVolume": _claim,
}
