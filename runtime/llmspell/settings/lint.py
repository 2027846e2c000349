"""The codes that the checks of spells have, each with how much it matters unless `[lint]` says otherwise.

A plain table: `llmspell validate` and the language server find what the codes stand for, `llmspell help CODE` explains
them. An error is what a run would refuse; a warning is hardly meant so; information and hints are for whoever looks.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal

Severity = Literal["error", "warning", "information", "hint"]

#: What `[lint]` may say of a code.
LEVELS: Final = ("off", "hint", "information", "warning", "error")

SEVERITIES: Final[Mapping[str, Severity]] = MappingProxyType(
    {
        "syntax": "error",
        "unknown-option": "error",
        "missing-option": "error",
        "wrong-type": "error",
        "unknown-member": "error",
        "unknown-field": "warning",
        "method-call": "error",
        "missing-await": "warning",
        "wrong-spelling": "hint",
        "unknown-name": "information",
        "unused-local": "hint",
        "unknown-hook-point": "error",
        "unknown-event": "hint",
        "unknown-tool": "error",
        "unknown-provider": "error",
        "unknown-agent": "warning",
        "tool-arguments": "error",
        "json-schema": "error",
        "reference-syntax": "error",
        "reference-unknown": "error",
        "reference-early": "error",
        "output-unused": "hint",
        "parallel-reads-sibling": "error",
        "output-shared": "error",
        "output-reserved": "error",
        "step-cycle": "error",
        "step-fields": "error",
        "model-unknown": "warning",
        "max-tokens": "warning",
        "prompt-size": "warning",
        "missing-key": "information",
        "secret-in-source": "warning",
        "permission-needed": "hint",
        "deprecated": "hint",
        "last-run-error": "warning",
        "settings": "error",
        "replies": "error",
        "unknown-code": "warning",
    }
)
