"""The one list of what spells can see: every class, namespace and global, and where it is written.

Nothing is imported until a spell first uses it. `api.gen` reads the whole list; the bridge asks by name.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Any, Final

from llmspell.tools import catalog

#: Registry name -> "module:attribute".
CLASSES: Final[dict[str, str]] = {
    "BaseAgent": "llmspell.agents.base:BaseAgent",
    "Agent": "llmspell.agents.agent:Agent",
    "ChatAgent": "llmspell.agents.templates.chat:ChatAgent",
    "ResearchAgent": "llmspell.agents.templates.research:ResearchAgent",
    "CodeAgent": "llmspell.agents.templates.code:CodeAgent",
    "AnalysisAgent": "llmspell.agents.templates.analysis:AnalysisAgent",
    "DataAnalyst": "llmspell.agents.templates.analysis:DataAnalyst",
    "PlannerAgent": "llmspell.agents.templates.planner:PlannerAgent",
    "WriterAgent": "llmspell.agents.templates.writer:WriterAgent",
    "ReviewAgent": "llmspell.agents.templates.review:ReviewAgent",
    "OrchestratorAgent": "llmspell.agents.templates.orchestrator:OrchestratorAgent",
    "CompositeAgent": "llmspell.agents.composite:CompositeAgent",
    "SupervisorAgent": "llmspell.agents.supervisor:SupervisorAgent",
    "PipelineAgent": "llmspell.agents.pipeline_agent:PipelineAgent",
    "StateHandoff": "llmspell.agents.handoff:StateHandoff",
    "Tool": "llmspell.tools.tool:Tool",
    "AgentTool": "llmspell.agents.agent_tool:AgentTool",
    "Workflow": "llmspell.workflows.workflow:Workflow",
    "WorkflowContext": "llmspell.workflows.context:WorkflowContext",
    **{entry.class_name: entry.target for entry in catalog.TOOLS},
    "Hooks": "llmspell.library.hooks:Hooks",
    "HookHandle": "llmspell.library.hooks:HookHandle",
    "Hook": "llmspell.hooks.ready:Hook",
    "LoggingHook": "llmspell.library.ready_hooks.logging:LoggingHook",
    "MetricsHook": "llmspell.library.ready_hooks.metrics:MetricsHook",
    "TracingHook": "llmspell.library.ready_hooks.tracing:TracingHook",
    "RateLimitHook": "llmspell.library.ready_hooks.rate_limit:RateLimitHook",
    "CacheHook": "llmspell.library.ready_hooks.cache:CacheHook",
    "RetryHook": "llmspell.library.ready_hooks.retry:RetryHook",
    "CostHook": "llmspell.library.ready_hooks.cost:CostHook",
    "GuardHook": "llmspell.library.ready_hooks.guard:GuardHook",
    "eventBus": "llmspell.library.event_bus:EventBus",
    "EventSystem": "llmspell.library.event_system:EventSystem",
    "Subscription": "llmspell.events.bus:Subscription",
    "metrics": "llmspell.library.metrics:MetricsNamespace",
    "MetricsCollector": "llmspell.library.metrics:MetricsCollector",
    "MetricTimer": "llmspell.library.metrics:MetricTimer",
    "logger": "llmspell.library.logger:Logger",
    "Provider": "llmspell.library.provider:Provider",
    "Cache": "llmspell.library.cache:Cache",
    "RateLimiter": "llmspell.library.rate_limiter:RateLimiter",
    "ContentModerator": "llmspell.library.content_moderator:ContentModerator",
    "AuditLogger": "llmspell.library.audit_logger:AuditLogger",
    "Human": "llmspell.library.human:Human",
    "State": "llmspell.library.state:State",
    "StateScope": "llmspell.library.state:StateScope",
    "StateWatch": "llmspell.library.state:StateWatch",
    "Stream": "llmspell.library.stream:Stream",
    "Async": "llmspell.library.prelude:Async",
    "AsyncHandle": "llmspell.library.prelude:AsyncHandle",
    "JSON": "llmspell.library.prelude:JSON",
    "uuid": "llmspell.library.prelude:Uuid",
    "ErrorHandler": "llmspell.library.prelude:ErrorHandler",
    "EventEmitter": "llmspell.library.prelude:EventEmitter",
}

#: Global values that are neither class nor namespace.
GLOBALS: Final[dict[str, dict[str, str]]] = {
    "params": {"doc": "The spell's parameters: `--param name=value` and `--input JSON`."},
    "config": {"doc": "The `[config]` table of the settings."},
}


@cache
def load(name: str) -> type[Any]:
    """The class of a registry name. Raises KeyError for a name that is not in the list."""
    module, _, attribute = CLASSES[name].partition(":")
    return getattr(import_module(module), attribute)


def load_all() -> list[type[Any]]:
    """Every class, for generation and tests."""
    return [load(name) for name in CLASSES]


def extra_of(tool: str) -> str:
    """The extra that a built-in tool needs, by its name for models; "" where it needs none."""
    return next((entry.extra for entry in catalog.TOOLS if entry.name == tool), "")
