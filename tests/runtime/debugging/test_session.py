"""A run with a debugger as Python starts one: in a worker and in this process, in both languages."""

from __future__ import annotations

import asyncio

import pytest

from llmspell.engines.debugging.session import Debug
from llmspell.errors import UsageError
from llmspell.runtime import Asking, Runtime
from llmspell.spell import Spell

SPELLS = {"lua": "local a = 1\nlocal b = a + 1\nreturn b\n", "javascript": "const a = 1;\nlet b = a + 1;\nreturn b;\n"}


@pytest.mark.parametrize("trusted", [False, True], ids=["worker", "in process"])
@pytest.mark.parametrize("language", SPELLS)
async def test_a_script_stands_is_looked_at_changed_and_goes_on(language, trusted):
    spell = Spell.of(SPELLS[language], language)
    debug, stood = Debug(), asyncio.Event()
    debug.wanted["breakpoints"][spell.label] = [{"id": 7, "line": 3}]
    debug.stopped = lambda worker: stood.set()
    async with Runtime() as runtime:
        started = runtime.start(spell, Asking(trusted=trusted, debug=debug, store=False, say=lambda stream, text: None))
        async with asyncio.timeout(20):
            await stood.wait()
        (worker,) = debug.workers
        assert worker.stopped is not None and debug.standing
        assert (worker.stopped["line"], worker.stopped["ids"]) == (3, [7])
        assert [frame["line"] for frame in await worker.ask("frames")] == [3]
        await worker.ask("evaluate", text="b = 40", frame=0)
        with pytest.raises(UsageError, match="no command"):
            await worker.ask("brake")
        worker.go("go")
        assert (await started.result()).unwrap() == 40
        assert not debug.standing
        with pytest.raises(UsageError, match="ended"):
            await worker.ask("frames")
