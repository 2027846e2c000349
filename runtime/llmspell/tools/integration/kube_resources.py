"""Which resources Kubernetes has, by every name people give them, and the addresses they have. Asks nobody."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final

from llmspell.api.names import near
from llmspell.errors import SchemaError
from llmspell.frozen import frozen
from llmspell.tools.web.service import segment

#: What every kind allows and more; none of it means anything in an address.
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9.:_\-]{0,252}")
_VERSION: Final = re.compile(r"(?:[a-z0-9][a-z0-9.\-]{0,252}/)?v[a-z0-9]{1,20}")
_DEPTH: Final = 100


@frozen
class Resource:
    """One kind of thing. group: "" for the core. short: what people type for it."""

    kind: str
    plural: str
    group: str
    version: str
    namespaced: bool = True
    short: tuple[str, ...] = ()

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def is_secret(self) -> bool:
        return self.kind == "Secret" and not self.group

    def path(self, namespace: str | None, name: str | None = None, part: str | None = None) -> str:
        """The address; without a namespace that of all of them. Raises SchemaError for a name that would leave it."""
        found = root(self.api_version)
        if self.namespaced and namespace is not None:
            found += f"/namespaces/{_checked(namespace, 'namespace')}"
        found += f"/{segment(self.plural, 'kind')}"
        if name is not None:
            found += f"/{_checked(name, 'name')}"
        return found + (f"/{part}" if part else "")


def _checked(name: object, what: str) -> str:
    """A name out of a manifest may be anything."""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise SchemaError(f"{name!r:.100} is no {what}", hint="text of letters, digits, `-`, `.` and `:`")
    return name


#: What every cluster has; the names are those of the API's description.
RESOURCES: Final = (
    Resource("Pod", "pods", "", "v1", short=("po",)),
    Resource("Service", "services", "", "v1", short=("svc",)),
    Resource("ConfigMap", "configmaps", "", "v1", short=("cm",)),
    Resource("Secret", "secrets", "", "v1"),
    Resource("Event", "events", "", "v1", short=("ev",)),
    Resource("Node", "nodes", "", "v1", False, ("no",)),
    Resource("Namespace", "namespaces", "", "v1", False, ("ns",)),
    Resource("PersistentVolume", "persistentvolumes", "", "v1", False, ("pv",)),
    Resource("PersistentVolumeClaim", "persistentvolumeclaims", "", "v1", short=("pvc",)),
    Resource("ServiceAccount", "serviceaccounts", "", "v1", short=("sa",)),
    Resource("Endpoints", "endpoints", "", "v1", short=("ep",)),
    Resource("ResourceQuota", "resourcequotas", "", "v1", short=("quota",)),
    Resource("LimitRange", "limitranges", "", "v1", short=("limits",)),
    Resource("ReplicationController", "replicationcontrollers", "", "v1", short=("rc",)),
    Resource("Deployment", "deployments", "apps", "v1", short=("deploy",)),
    Resource("ReplicaSet", "replicasets", "apps", "v1", short=("rs",)),
    Resource("StatefulSet", "statefulsets", "apps", "v1", short=("sts",)),
    Resource("DaemonSet", "daemonsets", "apps", "v1", short=("ds",)),
    Resource("Job", "jobs", "batch", "v1"),
    Resource("CronJob", "cronjobs", "batch", "v1", short=("cj",)),
    Resource("Ingress", "ingresses", "networking.k8s.io", "v1", short=("ing",)),
    Resource("IngressClass", "ingressclasses", "networking.k8s.io", "v1", False),
    Resource("NetworkPolicy", "networkpolicies", "networking.k8s.io", "v1", short=("netpol",)),
    Resource("HorizontalPodAutoscaler", "horizontalpodautoscalers", "autoscaling", "v2", short=("hpa",)),
    Resource("PodDisruptionBudget", "poddisruptionbudgets", "policy", "v1", short=("pdb",)),
    Resource("Role", "roles", "rbac.authorization.k8s.io", "v1"),
    Resource("RoleBinding", "rolebindings", "rbac.authorization.k8s.io", "v1"),
    Resource("ClusterRole", "clusterroles", "rbac.authorization.k8s.io", "v1", False),
    Resource("ClusterRoleBinding", "clusterrolebindings", "rbac.authorization.k8s.io", "v1", False),
    Resource("StorageClass", "storageclasses", "storage.k8s.io", "v1", False, ("sc",)),
    Resource("CustomResourceDefinition", "customresourcedefinitions", "apiextensions.k8s.io", "v1", False, ("crd",)),
)
#: What `scale` works on.
SCALED: Final = frozenset({"Deployment", "ReplicaSet", "StatefulSet", "ReplicationController"})
#: Fields that hold a table in every kind that has them. An empty table of Lua arrives as an empty list.
TABLES: Final = frozenset(
    {"affinity", "annotations", "binaryData", "configMap", "data", "emptyDir", "labelSelector", "labels", "matchLabels",
     "metadata", "namespaceSelector", "nodeAffinity", "nodeSelector", "objectSelector", "podAffinity",
     "podAntiAffinity", "podSelector", "rollingUpdate", "secret", "securityContext", "selector", "spec", "strategy",
     "stringData", "template", "updateStrategy"}
)  # fmt: skip


def with_tables(value: Any, depth: int = 0) -> Any:
    """A manifest in which those fields hold tables. Raises SchemaError where it nests too deep."""
    if depth > _DEPTH:
        raise SchemaError(f"the manifest nests deeper than {_DEPTH}", hint="check it")
    if isinstance(value, dict):
        return {
            key: {} if item == [] and key in TABLES else with_tables(item, depth + 1) for key, item in value.items()
        }
    return [with_tables(item, depth + 1) for item in value] if isinstance(value, list) else value


def known(name: str, api_version: str | None) -> Resource | None:
    """The resource of a name (`Pod`, `pods`, `po`), unless it is to be of another API version than the usual."""
    wanted = name.lower()
    for each in RESOURCES:
        if wanted in {each.kind.lower(), each.plural, *each.short} and api_version in {None, each.api_version}:
            return each
    return None


def unknown(name: str) -> SchemaError:
    names = [each.plural for each in RESOURCES]
    close = near(name.lower(), [*names, *(each.kind.lower() for each in RESOURCES)])
    return SchemaError(
        f"{name!r} is no kind that every cluster has",
        hint=f"did you mean {close[0]!r}?" if close else "give its `api_version` too, such as `example.org/v1`",
    )


def root(api_version: str) -> str:
    """Where an API version is served. Raises SchemaError for what is none."""
    if not _VERSION.fullmatch(api_version):
        raise SchemaError(f"{api_version!r:.100} is no API version", hint="such as `v1` or `apps/v1`")
    return f"/api/{api_version}" if "/" not in api_version else f"/apis/{api_version}"


def discovered(name: str, api_version: str, served: Iterable[Any]) -> Resource:
    """The resource of a name among those that the cluster says it serves. Raises SchemaError."""
    group, _, version = api_version.rpartition("/")
    rows = [each for each in served if isinstance(each, dict) and "/" not in str(each.get("name", "/"))]
    for each in rows:
        names = {str(each.get("kind")).lower(), str(each.get("name")).lower(), str(each.get("singularName")).lower()}
        if name.lower() in names | {str(short).lower() for short in each.get("shortNames") or []}:
            return Resource(str(each.get("kind")), str(each["name"]), group, version, bool(each.get("namespaced")))
    listed = ", ".join(str(each.get("name")) for each in rows[:10]) or "nothing"
    raise SchemaError(f"{api_version} has no kind {name!r}", hint=f"the cluster serves {listed}")
