"""The JavaScript that a rewritten text is mixed with. prelude/debugging.js says what each of these names is.

`$$l` is the statement a frame is at, `$$s3` what sees scope 3 (`evaluators`), `$$f` the frame; each function has its
own. A statement's test is a store and a look into a byte array, which doubles the time of a hot loop; to make a frame
and its evaluator takes two microseconds a call.
"""

from __future__ import annotations

from typing import Final

from llmspell.engines.javascript.instrumentation.evaluators import WHOLE

RESUMED: Final = "$$k($$f);"
STOP: Final = "$$d($$f);"
ERROR: Final = "$$g"
THROWN: Final = "$$t($$f,"
TELLS: Final = f"}}catch({ERROR}){{{THROWN}{ERROR});throw {ERROR}}}"
#: What goes before the whole and before the value that is waited for, or handed out.
AWAITS: Final = ("$$r($$f,", "$$s($$f")
YIELDS: Final = ("$$y($$f,", "$$w($$f")
#: What no scope shows.
HIDDEN: Final = ("$$", "$module", "$default")
#: Statements that modules.py has put there.
LINKAGE: Final = (b"$module.provide(", b"await $module.link(")


def test(place: int, lazy: int | None) -> str:
    """lazy: the scope whose evaluator is not made before it is wanted."""
    return f"$$l={place};$$b[{place}]&&{_hit(place, lazy)};"


def inline_test(place: int, lazy: int | None) -> str:
    """The same before an expression."""
    return f"$$l={place},$$b[{place}]&&{_hit(place, lazy)},"


def _hit(place: int, lazy: int | None) -> str:
    hit = f"$$h($$f,{place})"
    return hit if lazy is None else f"($$s{lazy}={WHOLE},{hit})"


def scope(number: int, evaluator: str) -> str:
    return f"$$s{number}={evaluator};"


def enter(function: int, first: int, scopes: list[int], evaluator: str, *, guarded: bool) -> str:
    """The beginning of a body. first: its first statement. scopes: those with an evaluator, the function's own first,
    whose evaluator is given. guarded: what fails is told and the end is noted, with a block around the body; else its
    last line notes it."""
    variables = "".join(f",$$s{number}" for number in scopes)
    frame = f"$$f=$$e({function},$$s{scopes[0]}={evaluator});"
    return f"var $$l={first}{variables},$$f;try{{{frame}" if guarded else f"var $$l={first}{variables},{frame}"


def leave(*, guarded: bool) -> str:
    return f"{TELLS}finally{{$$x($$f)}}" if guarded else ";$$x($$f);"
