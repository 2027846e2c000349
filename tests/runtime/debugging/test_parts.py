"""The debugger's parts by themselves: hit counts, log messages, lines with code, messages; and that others do not pay."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import pytest
from lupa import lua54

from llmspell.engines.debugging.breakpoints import hit_rule, log_parts
from llmspell.engines.lua.debugging.lines import code_lines
from llmspell.errors import UsageError
from llmspell.serve.dap import messages
from llmspell.serve.dap.launching import Launch


@pytest.mark.parametrize(
    ("text", "stops"),
    [
        ("3", [3, 4, 5, 6]),
        (">= 5", [5, 6]),
        ("> 5", [6]),
        ("== 2", [2]),
        ("=2", [2]),
        ("< 3", [1, 2]),
        ("% 2", [2, 4, 6]),
    ],
)
def test_a_hit_count_says_which_hits_stop(text, stops):
    rule = hit_rule(text)
    assert rule is not None
    assert [hit for hit in range(1, 7) if rule(hit)] == stops


@pytest.mark.parametrize("text", ["", "often", "% 0", "3 or 4", "=> 2", "-1"])
def test_what_is_no_hit_count_is_none(text):
    assert hit_rule(text) is None


@pytest.mark.parametrize(
    ("message", "parts"),
    [
        ("plain", [(False, "plain")]),
        ("n={n} of {#list}", [(False, "n="), (True, "n"), (False, " of "), (True, "#list")]),
        ("{f({a=1})}!", [(True, "f({a=1})"), (False, "!")]),
        ("open { brace", [(False, "open { brace")]),
        ("", []),
    ],
)
def test_a_log_message_is_text_and_expressions(message, parts):
    assert list(log_parts(message)) == parts


_TEXT = (
    """#!shebang is no code
local a = 1

-- a comment
local function f(x, ...)
  local t = {
    x,
    ...,
  }
  if x > 1 then
    return t
  end
end
f(1, 2)
f(2)
for i = 1, 2 do
  a = a + i
end
local g = function() return a end
local s = [[
a long
text]]
g(
  s
)
"""
    + "\n" * 300
    + "return a\n"
)


def test_the_lines_with_code_are_those_at_which_a_hook_comes():
    runtime = lua54.LuaRuntime(encoding=None)
    trace = runtime.eval("""function(text)
      local seen, f = {}, assert(load(text, "@text"))
      local co = coroutine.create(f)
      debug.sethook(co, function(_, line)
        if debug.getinfo(2, "S").source == "@text" then seen[line] = true end
      end, "l")
      assert(coroutine.resume(co))
      return seen, string.dump(f)
    end""")
    text = _TEXT.replace("#!", "--", 1).encode()
    seen, dump = trace(text)
    lines = code_lines(dump)
    assert set(seen) == set(lines)
    assert max(lines) == text.count(b"\n")


async def test_messages_are_read_whatever_way_they_are_cut_and_refused_when_they_are_none():
    reader = asyncio.StreamReader()
    one, two = messages.write({"text": "ä€"}), messages.write({"n": 1})
    reader.feed_data(one[:7])
    reading = asyncio.create_task(messages.read(reader))
    reader.feed_data(one[7:] + two)
    assert await reading == {"text": "ä€"}
    assert await messages.read(reader) == {"n": 1}
    reader.feed_eof()
    assert await messages.read(reader) is None
    for broken in (b"Content-Length: x\r\n\r\n", b"Content-Length: 3\r\n\r\n{..", b"Length: 3\r\n\r\n"):
        reader = asyncio.StreamReader()
        reader.feed_data(broken)
        with pytest.raises(messages.Broken):
            await messages.read(reader)


def test_options_of_a_run_may_be_those_of_the_command(tmp_path):
    launch = Launch.of(
        {"program": "a.lua", "cwd": str(tmp_path), "args": ["n=1", "s=x"], "params": {"n": 0}, "model": "m"}
    )
    assert (launch.params, launch.flags) == ({"n": 1, "s": "x"}, {"defaults.model": "m"})
    with pytest.raises(UsageError, match="NAME=VALUE"):
        Launch.of({"program": "a.lua", "cwd": str(tmp_path), "args": ["n"]})


def test_no_other_run_imports_any_of_it():
    code = (
        "import sys, llmspell.runtime, llmspell.engines.zygote, llmspell.engines.lua, llmspell.engines.javascript\n"
        "import llmspell.serve.host, llmspell.bridge.hook_file\n"
        "print([name for name in sys.modules if 'debug' in name or 'instrumentation' in name])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
