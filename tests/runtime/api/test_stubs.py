"""What editors read: the LuaLS stub and the TypeScript declarations say what the registry says, in words both servers
understand."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from lupa import lua54

from llmspell.api import hook_points
from llmspell.api.names import camel
from llmspell.api.registry import GENERATED
from llmspell.api.stubs import luals, typescript

EXAMPLES = Path(__file__).parents[3] / "examples"
BUILT_IN = {"any", "nil", "string", "number", "integer", "boolean", "table", "function", "fun", "self", "T"}

GOOD = """\
const agent = new Agent({
  systemPrompt: "You help", maxTurns: 3, tools: [new Calculator()], delegation: "skill_based",
  hooks: { beforeLLMCall: async (context) => { context.prompt = context.prompt.toUpperCase(); context.mine = 1; } },
});
const positional = new Agent("You help");
const text = await agent.chat("Hello");
for await (const chunk of agent.streamChat("x")) process.stdout.write(chunk);
agent.on("toolCalled", (event) => console.log(event.toolName.length));
agent.on("tool:called", (event) => console.log(event.toolName.length));
agent.on("llm_call_completed", (event) => console.log(event.usage.inputTokens + 1));
agent.on("tool:*", (event) => console.log(event.anything));
agent.on("*", (eventType, data) => console.log(eventType.length, data.x));
eventBus.on("agent:started", (event) => console.log(event.agentName.length));
EventBus.emit("my_own", { a: 1 });
Hooks.register("afterLLMCall", (context) => { console.log(context.tokenUsage.total + 1); context.response = "x"; });
Hooks.register("before*", (context) => { context.whatever = 1; }, { priority: 3 }).unregister();
class Mine extends BaseAgent { constructor(/** @type {AgentOptions} */ config) { super(config); this.extra = 1; } }
class Secure extends Calculator {}
try { await agent.execute({ message: "x" }); }
catch (e) { if (e instanceof RateLimitError) console.log(e.retryAfter, e.hint, e.message); }
const { result } = await new Calculator().execute({ expression: "1+1" });
result.toFixed(2);
(await BaseAgent.execute("name", "x")).content.length;
await State.update("a", (value) => value + 1);
await State.delete("a");
await Async.sleep(10);
Async.log(1, 2, "x");
setTimeout(() => {}, 10);
new URL("http://x").searchParams.get("a");
structuredClone({ a: 1 }).a;
agent.conversationHistory()[0].userMessage.length;
agent.state.x = 3;
params.topic;
throw new RateLimitError("Too many");
"""

#: Each line is one mistake, with what the checker must say of it.
BAD = {
    'new Agent({ systmPrompt: "x" });': "Did you mean to write 'systemPrompt'",
    'new Agent({ maxTurns: "many" });': "not assignable to type 'number'",
    'new Agent({ delegation: "x" });': '"round_robin" | "skill_based"',
    'Hooks.register("beforeLMCall", () => {});': "beforeLMCall",
    'new Calculator().execute({ expresion: "x" });': "Did you mean to write 'expression'",
    "new Agent({ hooks: { beforeLMCall: () => {} } });": "Did you mean to write 'beforeLLMCall'",
    'new BaseAgent().id = "x";': "read-only",
    'new Agent().on("toolCalled", (event) => event.toolName.nope);': "'nope' does not exist",
    "new HookHandle();": "only refers to a type",
    "new Agent().chat(3);": "not assignable to parameter of type 'string'",
    "Async.spawn(() => {});": "'spawn' does not exist",
}


@pytest.fixture(scope="module")
def lua_stub(described: dict[str, Any]) -> str:
    return luals.stub(described)


@pytest.fixture(scope="module")
def declarations(described: dict[str, Any]) -> str:
    return typescript.stub(described)


def lua_globals(text: str) -> Any:
    runtime = lua54.LuaRuntime(unpack_returned_tuples=True, register_eval=False, register_builtins=False)
    runtime.execute(text)
    return runtime.globals()


def test_the_lua_stub_is_lua_and_defines_every_global(lua_stub: str, described: dict[str, Any]) -> None:
    found = lua_globals(lua_stub)
    for name, owner in described["classes"].items():
        if name == "HookHandle":
            assert found[name] is None, "what only calls give is no global"
            continue
        for global_name in (name, *owner["aliases"]):
            assert found[global_name] is not None
        for member in (*owner["methods"], *owner["statics"]):
            assert found[name][member] is not None
    assert found["Agent"]["chat_async"] is not None
    assert found["Agent"]["stream_chat_async"] is None
    assert found["BaseAgent"]["extend"] is not None


def test_the_lua_stub_names_no_type_that_it_does_not_define(lua_stub: str) -> None:
    assert undefined_types(lua_stub) == set()


def test_the_committed_lua_stub_holds_too() -> None:
    text = (GENERATED / "llmspell.gen.lua").read_text(encoding="utf-8")
    assert undefined_types(text) == set()
    assert lua_globals(text)["Agent"] is not None


def undefined_types(stub: str) -> set[str]:
    """Names in types that are neither LuaLS's own nor a class or alias of the stub."""
    defined = set(re.findall(r"^---@(?:class|alias) (\w+)", stub, re.M)) | BUILT_IN
    used: set[str] = set()
    for kind, rest in re.findall(r"^---@(field|param|return|type|overload|class) (.*)$", stub, re.M):
        text = type_part(kind, rest)
        text = re.sub(r'"[^"]*"', "", text)
        text = re.sub(r"\w+\??:", "", text)  # names of parameters and fields
        used |= set(re.findall(r"[A-Za-z_]\w*", text))
    return used - defined


def type_part(kind: str, rest: str) -> str:
    """The type of an annotation without the name before and the words after it."""
    if kind in {"overload", "return", "type"}:
        return rest
    if kind == "class":
        return rest.partition(" : ")[2]
    text = rest.split(" ", 1)[1] if " " in rest else ""
    depth = 0
    for index, character in enumerate(text):
        depth += {"(": 1, "<": 1, "{": 1, ")": -1, ">": -1, "}": -1}.get(character, 0)
        joined = text[index + 1 : index + 3] in {"| ", ": "} or text[index - 1 : index] in {"|", ":", ","}
        if character == " " and depth == 0 and not joined:
            return text[:index]
    return text


def test_each_hook_point_has_a_typed_handler_in_both(lua_stub: str, declarations: str) -> None:
    for point in hook_points.POINTS:
        assert f'point: "{point.name}" | "{camel(point.name)}", handler: fun(context: ' in lua_stub
        assert f"  {camel(point.name)}: " in declarations
    assert (
        "---@class BeforeLLMCallContext : HookContext\n---@field prompt string The new user turn. (may be" in lua_stub
    )


def test_a_field_says_its_default_and_whether_it_may_be_left_out(lua_stub: str, declarations: str) -> None:
    assert "---@field max_turns? integer The most requests a chat may take. (default 10)" in lua_stub
    assert "/** The most requests a chat may take. (default 10) */\n  maxTurns?: number;" in declarations
    assert "---@field expression string What to work out." in lua_stub


def test_waiting_is_shown_as_each_language_waits(lua_stub: str, declarations: str) -> None:
    assert "---@return string | table<string, any>\nfunction Agent:chat(message, options) end" in lua_stub
    assert "---@return fun(): string?\nfunction Agent:stream_chat(message) end" in lua_stub
    assert "  chat(message: string, options?: ChatOptions): Promise<string | Record<string, any>>;" in declarations
    assert "  streamChat(message: string): AsyncIterableIterator<string>;" in declarations
    assert "  sleep(ms: number): Promise<void>;" in declarations


def test_two_shapes_cannot_share_a_name(described: dict[str, Any]) -> None:
    changed = json.loads(json.dumps(described))
    shape = {"x-name": "Turn", "type": "object", "properties": {"other": {"type": "string"}}}
    changed["classes"]["Agent"]["methods"]["chat"]["result"] = shape
    with pytest.raises(ValueError, match="two different shapes are called 'Turn'"):
        luals.stub(changed)


def tsc() -> str:
    found = os.environ.get("LLMSPELL_TSC") or shutil.which("tsc")
    if not found:
        pytest.skip("TypeScript is not here: put `tsc` on PATH or its path in LLMSPELL_TSC")
    return found


def type_errors(folder: Path, declarations: Path, files: list[Path]) -> list[str]:
    """What TypeScript says of plain JavaScript files, one line each, as `name(line,column): error …`."""
    options = {
        "noEmit": True,
        "strict": True,
        "allowJs": True,
        "checkJs": True,
        "target": "ES2023",
        "lib": ["ES2023"],
        "types": [],
        "module": "ESNext",
        "moduleDetection": "force",
    }
    config = {"compilerOptions": options, "files": [str(declarations), *map(str, files)]}
    (folder / "tsconfig.json").write_text(json.dumps(config))
    done = subprocess.run(
        [tsc(), "-p", str(folder), "--pretty", "false"], capture_output=True, text=True, timeout=120, cwd=folder
    )
    merged: list[str] = []
    for line in done.stdout.splitlines():
        if line.startswith(" ") and merged:
            merged[-1] += line
        else:
            merged.append(line)
    return merged


def test_typescript_accepts_what_is_right(tmp_path: Path, declarations: str) -> None:
    stub, good = tmp_path / "llmspell.d.ts", tmp_path / "good.js"
    stub.write_text(declarations)
    good.write_text(GOOD)
    assert type_errors(tmp_path, stub, [good]) == []


def test_typescript_tells_what_is_wrong(tmp_path: Path, declarations: str) -> None:
    stub, bad = tmp_path / "llmspell.d.ts", tmp_path / "bad.js"
    stub.write_text(declarations)
    bad.write_text("\n".join(BAD) + "\n")
    said = type_errors(tmp_path, stub, [bad])
    for number, words in enumerate(BAD.values(), 1):
        assert any(line.startswith(f"bad.js({number},") and words in line for line in said), (number, said)
    assert len(said) == len(BAD)


def test_typescript_finds_no_mistake_in_the_examples(tmp_path: Path) -> None:
    spells = sorted(EXAMPLES.rglob("*.js"))
    said = type_errors(tmp_path, GENERATED / "llmspell.gen.d.ts", spells)
    # A spell is the body of a function, which TypeScript cannot know: it may return.
    assert [line for line in said if "TS1108" not in line and "TS7006" not in line] == []
