"""What the adapter can do, as it tells a client first of all."""

from __future__ import annotations

from typing import Any, Final

from llmspell.serve.dap.breaks import FILTERS

CAPABILITIES: Final[dict[str, Any]] = {
    "supportsConfigurationDoneRequest": True,
    "supportsFunctionBreakpoints": True,
    "supportsConditionalBreakpoints": True,
    "supportsHitConditionalBreakpoints": True,
    "supportsLogPoints": True,
    "supportsEvaluateForHovers": True,
    "supportsSetVariable": True,
    "supportsSetExpression": True,
    "supportsCompletionsRequest": True,
    "completionTriggerCharacters": [".", ":"],
    "supportsRestartRequest": True,
    "supportsExceptionInfoRequest": True,
    "supportsExceptionFilterOptions": True,
    "exceptionBreakpointFilters": FILTERS,
    "supportsTerminateRequest": True,
    "supportsBreakpointLocationsRequest": True,
    "supportsLoadedSourcesRequest": True,
    "supportsModulesRequest": True,
    "supportsClipboardContext": True,
    "supportsCancelRequest": True,
    "supportsDelayedStackTraceLoading": True,
}
