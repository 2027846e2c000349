"""The Kubernetes tool: what it is asked and what it gives. `kube_config` finds the cluster, `kube_calls` asks it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal, NotRequired, TypedDict

from llmspell import errors
from llmspell.api.bounds import Bounds, FilePath
from llmspell.api.describe import Example, ToolMark, exposed
from llmspell.errors import PermissionDenied
from llmspell.security.network import Resolver, system_resolver
from llmspell.tools.base import ToolContext, ToolOutput
from llmspell.tools.builtin import BuiltinTool

_WRITES: Final = frozenset({"create", "apply", "scale", "delete"})

Label = Annotated[str, Bounds(pattern=r"^[a-z0-9]([a-z0-9\-]{0,61}[a-z0-9])?$")]
Selector = Annotated[str, Bounds(min_length=1, max_length=2000)]


@dataclass(frozen=True, slots=True, kw_only=True)
class KubernetesOptions:
    kubeconfig: FilePath | None = None
    """A kubeconfig file that the spell may read. None: KUBECONFIG of the host's environment. Its `exec` commands run
    only where the run may run them."""

    context: Annotated[str, Bounds(min_length=1, max_length=500)] | None = None
    """The context. None: the file's current one; for another one, the spell must be able to read the file."""

    namespace: Label | None = None
    """The namespace that is used where a call names none. None: the context's."""

    allowed_namespaces: Annotated[list[Label], Bounds(max_items=500)] | None = None
    """The namespaces that it may be used on; things that belong to none are then left out. None: all that the
    credentials may."""

    read_only: bool = True
    """Whether nothing may be written. Things can be made, changed, scaled and deleted only where this is false."""

    show_secrets: bool = False
    """Whether a call may ask for the values of Secrets. Else they are `***`."""

    max_size: Annotated[int, Bounds(ge=1, le=50_000_000)] = 10_000_000
    """Bytes of the largest answer."""

    timeout: Annotated[float, Bounds(ge=1, le=120_000)] = 30_000
    """Milliseconds for a call."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KubernetesParams:
    operation: Literal["list", "get", "describe", "logs", "create", "apply", "scale", "delete"]
    """list: things of a kind, in short. get: one, whole. describe: one, in short and whole, and what happened to it.
    logs: what a pod printed. create: makes one from a manifest. apply: makes it, or changes it to the manifest. scale:
    to a number of replicas. delete: takes one away."""

    kind: Annotated[str, Bounds(pattern=r"^[A-Za-z][A-Za-z0-9\-.]{0,62}$")] | None = None
    """list, get, describe, scale, delete: what kind of thing, such as `pods`, `Deployment` or `svc`."""

    name: Annotated[str, Bounds(pattern=r"^[A-Za-z0-9][A-Za-z0-9.:_\-]{0,252}$")] | None = None
    """get, describe, logs, scale, delete: its name."""

    namespace: Label | None = None
    """Its namespace. None: the tool's, else the context's."""

    all_namespaces: bool = False
    """list: those of all namespaces."""

    api_version: Annotated[str, Bounds(pattern=r"^([a-z0-9.\-]{1,253}/)?v[a-z0-9]{1,20}$")] | None = None
    """The API version, such as `example.org/v1`, for kinds that not every cluster has."""

    labels: Selector | None = None
    """list: only those with these labels, such as `app=web,tier!=cache`."""

    fields: Selector | None = None
    """list: only those with these fields, such as `status.phase=Running`."""

    limit: Annotated[int, Bounds(ge=1, le=500)] = 100
    """list: how many at most."""

    cursor: Annotated[str, Bounds(max_length=8192)] = ""
    """list: `next` of the page before."""

    show_values: bool = False
    """get, describe, create, apply: whether a Secret's values are shown, where the tool's `show_secrets` allows it."""

    container: Label | None = None
    """logs: which container, where a pod has several."""

    tail_lines: Annotated[int, Bounds(ge=1, le=100_000)] | None = 500
    """logs: only the last lines. None: all, up to a megabyte from the first."""

    since_seconds: Annotated[int, Bounds(ge=1, le=31_536_000)] | None = None
    """logs: only of the last seconds."""

    previous: bool = False
    """logs: those of the container before its last restart."""

    timestamps: bool = False
    """logs: whether each line begins with its time."""

    manifest: Annotated[dict[str, Any], Bounds(max_properties=100)] | None = None
    """create, apply: the thing as a table: apiVersion, kind, metadata, spec. Give this or `yaml`."""

    yaml: Annotated[str, Bounds(min_length=1, max_length=200_000)] | None = None
    """create, apply: the thing as YAML of one document."""

    force: bool = False
    """apply: whether fields that somebody else set are taken over."""

    replicas: Annotated[int, Bounds(ge=0, le=10_000)] | None = None
    """scale: how many."""

    propagation: Literal["Background", "Foreground", "Orphan"] = "Background"
    """delete: what becomes of the things that belong to it. Background: they go after it. Foreground: before it.
    Orphan: they stay."""

    dry_run: bool = False
    """create, apply, scale, delete: whether the cluster only says what it would do."""


class KubernetesResult(TypedDict):
    items: NotRequired[list[dict[str, Any]]]
    """list: name, namespace, labels, created, and what tells how such a thing is: of a pod its status, ready, restarts,
    node, ip, containers, images; of a deployment its replicas, ready, updated, available, images …"""
    next: NotRequired[str]
    """list: the `cursor` of the next page, or "" where there is none."""
    object: NotRequired[dict[str, Any]]
    """get, describe, create, apply: the thing, named as in the cluster's API. A Secret's values, and those of variables
    that are named like secrets, are `***`."""
    summary: NotRequired[dict[str, Any]]
    """describe: the thing in short, as `list` gives it."""
    events: NotRequired[list[dict[str, Any]]]
    """describe: type, reason, message, count, last; the newest at the end."""
    log: NotRequired[str]
    """logs: the lines."""
    truncated: NotRequired[bool]
    """logs: whether there is more than a megabyte."""
    replicas: NotRequired[int]
    """scale: how many there are to be now."""
    deleted: NotRequired[bool]
    """delete: true. It may take a while until it is gone."""


@exposed(
    aliases=("Kubernetes",),
    options=KubernetesOptions,
    tool=ToolMark(
        name="kubernetes",
        category="integration",
        params=KubernetesParams,
        result=KubernetesResult,
        examples=(
            Example({"operation": "list", "kind": "pods", "labels": "app=web"}, note="how the pods are"),
            Example({"operation": "logs", "name": "web-0", "tail_lines": 50}, note="what one printed"),
            Example(
                {"operation": "scale", "kind": "deployment", "name": "web", "replicas": 3},
                note="where the tool may write",
            ),
        ),
        permissions=("net", "read", "exec"),
        timeout=150_000,
        max_output=60_000_000,
    ),
)
class KubernetesTool(BuiltinTool[KubernetesOptions]):
    """Looks into a Kubernetes cluster: pods, deployments, services, nodes, events, logs and every other kind of thing.
    Makes, changes, scales and deletes them where that is allowed (`read_only = false`).

    Use list to find names, describe to see why something does not work, logs for what a pod printed. Secrets' values
    are hidden.
    """

    def __init__(self, options: KubernetesOptions, resolver: Resolver = system_resolver) -> None:
        super().__init__(options)
        self.resolver = resolver

    async def perform(self, params: dict[str, Any], context: ToolContext) -> ToolOutput:
        from llmspell.tools.integration import kube_calls, kube_config, wire

        asked, options = KubernetesParams(**params), self.options
        if asked.operation in _WRITES and options.read_only:
            raise PermissionDenied(
                f"kubernetes may not {asked.operation}: it is read-only",
                hint="make the tool with `read_only = false`",
                data={"permission": "write", "needed": asked.operation},
            )
        if asked.show_values and not options.show_secrets:
            raise PermissionDenied(
                "kubernetes may not show the values of Secrets",
                hint="make the tool with `show_secrets = true`, or leave `show_values` out",
                data={"permission": "secrets", "needed": "show_values"},
            )
        try:
            async with asyncio.timeout(options.timeout / 1000):
                cluster = await kube_config.cluster_of(options, context)
                reach = wire.Reach(
                    context.permissions,
                    self.resolver,
                    options.max_size,
                    cluster.tls,
                    cluster.server_name,
                    private=cluster.token is not None,
                )
                content = await kube_calls.Calls(cluster, reach, options).perform(asked)
        except TimeoutError:
            raise errors.TimeoutError(
                f"kubernetes: the cluster did not answer within {options.timeout:g} ms",
                hint="raise `timeout`, or try later",
                retryable=True,
            ) from None
        return ToolOutput(content, {"operation": asked.operation})
