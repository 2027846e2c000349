"""What all engines have in common holds for a JavaScript spell that is debugged, and stops at each of its statements."""

from __future__ import annotations

from typing import Any

import pytest
from cases import CASES, Case
from frame_host import EchoHost

from llmspell.engines.javascript import instrumentation, warm_debugged


class Passing:
    """A debugger that lets go on at once, to the next statement."""

    evaluating = False

    def __init__(self) -> None:
        self.stops = 0

    def late(self) -> bool:
        return False

    def reached(self, label: str, line: int, why: str) -> None:
        self.stops += 1

    def failed(self, label: str, line: int, thrown: Any) -> None:
        self.stops += 1

    def poll(self) -> None:
        pass


class SteppingHost(EchoHost):
    def __init__(self, source: str, **start: Any) -> None:
        self.debugger = Passing()
        super().__init__("javascript", instrumentation.instrument(source), **start)

    def warm(self, name: str, binding: Any) -> Any:
        engine = warm_debugged(binding)
        script = engine.debugged(self.debugger)
        script.step("in")
        script.errors(True, True)
        return engine


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_conformance_of_a_script_that_is_stepped_through(case: Case) -> None:
    host = SteppingHost(case.source("javascript"), params={"who": "tester"})
    host.run()
    assert (host.debugger.stops > 0) is ((case.error or {}).get("type") != "syntax")
    if case.error is None:
        assert host.error is None
        assert host.result == case.result
        assert host.text == case.printed
        return
    assert host.error is not None
    for key, expected in case.error.items():
        found = host.error[key]
        assert found.startswith(expected) if key == "message" else found == expected
    if "HERE" in case.source("javascript"):
        assert host.error["source"] == f"spell.js:{case.line('javascript')}"
