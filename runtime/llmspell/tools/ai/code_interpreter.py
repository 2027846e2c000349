"""The code interpreter tool: what it is asked and what it gives. `interpreter` runs the code in a spell's sandbox."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal, Self, TypedDict

from llmspell.api.bounds import Bounds
from llmspell.api.describe import Example, ToolMark, exposed
from llmspell.api.objects import ScriptClass
from llmspell.engines.process import Zygote
from llmspell.run import Run
from llmspell.tools.base import ToolContext, ToolOutput
from llmspell.tools.builtin import BuiltinTool

_ENDINGS: Final = {"lua": "lua", "javascript": "js"}


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeInterpreterOptions:
    language: Literal["lua", "javascript"] = "lua"
    """The language where a call names none."""

    timeout: Annotated[float, Bounds(ge=1, le=60_000)] = 10_000
    """Milliseconds that code may run."""

    memory_mb: Annotated[int, Bounds(ge=8, le=512)] = 64
    """Megabytes that code may use."""

    max_output_size: Annotated[int, Bounds(ge=1, le=1_000_000)] = 100_000
    """Characters kept of what code prints."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeInterpreterParams:
    code: Annotated[str, Bounds(min_length=1, max_length=200_000)]
    """The program. It sees `input`, the language's own library and `print` (`console.log`), and nothing else: no files,
    no network, no packages. It gives its value with `return`."""

    language: Literal["lua", "javascript"] | None = None
    """The language it is written in; the tool's own unless given."""

    input: Any = None
    """What the program sees as `input`: a number, text, list or object."""

    timeout: Annotated[float, Bounds(ge=1, le=60_000)] | None = None
    """Milliseconds for this program; the tool's own limit stays."""


class CodeInterpreterResult(TypedDict):
    result: Any
    """The program's value; null where it gave none."""
    output: str
    """What it printed."""
    truncated: bool
    """Whether it printed more than is kept."""


@exposed(
    aliases=("CodeInterpreter",),
    options=CodeInterpreterOptions,
    tool=ToolMark(
        name="code_interpreter",
        category="ai",
        params=CodeInterpreterParams,
        result=CodeInterpreterResult,
        examples=(
            Example(
                {"code": "local sum = 0 for i = 1, 10 do sum = sum + i end return sum"},
                {"result": 55, "output": "", "truncated": False},
            ),
            Example(
                {
                    "language": "javascript",
                    "code": "console.log('sorting'); return input.sort((a, b) => a - b)",
                    "input": [3, 1, 2],
                },
                {"result": [1, 2, 3], "output": "sorting\n", "truncated": False},
                "with an input",
            ),
        ),
        timeout=120_000,
        max_output=5_000_000,
    ),
)
class CodeInterpreterTool(BuiltinTool[CodeInterpreterOptions]):
    """Runs a small program in Lua or JavaScript, in a sandbox with no files, network or tools, and gives its value.

    Use it for what takes a program: algorithms, parsing, rearranging data, checking code. Give data as `input`. Every
    call starts afresh.
    """

    _run: Run | None = None

    def attach(self, run: Run, options: dict[str, Any], script_class: ScriptClass | None) -> Self:
        self._run = run
        return super().attach(run, options, script_class)

    async def perform(self, params: dict[str, Any], context: ToolContext) -> ToolOutput:
        from llmspell.tools.ai import interpreter

        asked = CodeInterpreterParams(**params)
        language = asked.language or self.options.language
        seed = 0 if self._run is None else self._run.seed
        code = interpreter.Code(
            language=language,
            text=asked.code,
            label=f"code.{_ENDINGS[language]}",
            input=asked.input,
            seed=random.Random(f"{seed} {asked.code}").getrandbits(128),
            milliseconds=min(asked.timeout or self.options.timeout, self.options.timeout),
            memory_mb=self.options.memory_mb,
            keep=self.options.max_output_size,
        )
        zygote = Zygote.spawn([language]) if self._run is None else self._run.service(Zygote, _of_run)
        try:
            found = await interpreter.run(code, zygote)
        finally:
            if self._run is None:
                zygote.close()
        content = {"result": found.value, "output": found.output, "truncated": found.truncated}
        return ToolOutput(content, {"language": language})


def _of_run(run: Run) -> Zygote:
    """One for the run, where its runtime has provided none. It starts in 60 ms, at the first program."""
    zygote = Zygote.spawn()

    async def close() -> None:
        zygote.close()

    run.at_end(close)
    return zygote
