"""The registry and the live engines agree: every name described is there, and nothing is there that is not described."""

from __future__ import annotations

from typing import Any

import pytest

from llmspell.api.names import camel
from llmspell.api.registry import registry

#: What the sandbox leaves of Lua itself.
LUA_ITSELF = set(
    "_G _VERSION assert error getmetatable io ipairs next pairs pcall print rawequal rawget rawlen rawset require select "
    "setmetatable tonumber tostring type xpcall warn coroutine math os string table utf8".split()
)
#: What JavaScript programs expect beside the language.
JAVASCRIPT_ITSELF = set(
    "console process setTimeout setInterval clearTimeout clearInterval queueMicrotask atob btoa DOMException InternalError "
    "structuredClone URL URLSearchParams TextEncoder TextDecoder performance globalThis".split()
)

LUA_GLOBALS = """
local names = {}
for name in pairs(_G) do names[#names + 1] = name end
return names
"""
JAVASCRIPT_GLOBALS = """
const language = new Set(Object.getOwnPropertyNames(globalThis));
return [...language];
"""


def described(language: str) -> set[str]:
    found = registry().described
    classes = {name for name, about in found["classes"].items() if language in about.get("languages", [language])}
    aliases = {alias for name in classes for alias in found["classes"][name]["aliases"]}
    errors = {error["name"] for error in found["errors"]}
    return classes | aliases | errors | set(found["globals"])


async def test_every_lua_global_is_described_and_there(cast: Any) -> None:
    live = set((await cast(lua=LUA_GLOBALS)).value)
    assert live - LUA_ITSELF == described("lua")


async def test_every_javascript_global_is_described_and_there(cast: Any) -> None:
    live = set((await cast(js=JAVASCRIPT_GLOBALS)).value)
    intrinsic = {name for name in live if name in ECMASCRIPT}
    assert live - intrinsic - JAVASCRIPT_ITSELF == described("javascript") - {"JSON"}


def members() -> list[tuple[str, str, bool]]:
    return [
        (name, method, kind == "statics")
        for name, about in registry().classes.items()
        if about["constructible"] or about["namespace"]
        for kind in ("methods", "statics")
        for method, more in about[kind].items()
        if "lua" in more.get("languages", ["lua"])
    ]


async def test_every_described_method_is_a_function_in_lua(cast: Any) -> None:
    lines = [f'["{name}.{method}"] = type({name}.{method})' for name, method, _ in members()]
    types: dict[str, str] = (await cast(lua=f"return {{ {', '.join(lines)} }}")).value
    assert {key for key, kind in types.items() if kind not in ("function", "table")} == set()
    assert len(types) == len({f"{name}.{method}" for name, method, _ in members()})


async def test_every_described_method_is_a_function_in_javascript(cast: Any) -> None:
    lines: list[str] = []
    for name, method, static in members():
        about = registry().classes[name]
        if "javascript" not in about.get("languages", ["javascript"]):
            continue
        more = about["statics" if static else "methods"][method]
        if "javascript" not in more.get("languages", ["javascript"]):
            continue
        holder = name if static or about["namespace"] else f"{name}.prototype"
        lines.append(f'"{holder}.{method}": typeof {holder}.{camel(method)}')
    types: dict[str, str] = (await cast(js=f"return {{ {', '.join(lines)} }}")).value
    assert {key for key, kind in types.items() if kind != "function"} == set()
    assert len(types) == len(lines)


@pytest.mark.parametrize("language", ["lua", "javascript"])
async def test_an_undescribed_name_is_nothing(cast: Any, language: str) -> None:
    source = (
        {"lua": "return { a = Agent.nonsense == nil, b = nonsense == nil, c = Hooks.nonsense == nil }"}
        if language == "lua"
        else {
            "js": "return { a: Agent.nonsense === undefined, b: typeof nonsense === 'undefined', c: Hooks.nonsense === undefined }"
        }
    )
    assert (await cast(**source)).value == {"a": True, "b": True, "c": True}


#: Global names of ES2025 and of explicit resource management (ES2026), from the standard's own list of global object properties.
ECMASCRIPT = set(
    "globalThis Infinity NaN undefined eval isFinite isNaN parseFloat parseInt decodeURI decodeURIComponent encodeURI "
    "encodeURIComponent AggregateError Array ArrayBuffer Atomics BigInt BigInt64Array BigUint64Array Boolean DataView "
    "Date Error EvalError FinalizationRegistry Float16Array Float32Array Float64Array Function Int8Array Int16Array "
    "Int32Array Iterator Map Number Object Promise Proxy RangeError ReferenceError RegExp Set SharedArrayBuffer String "
    "Symbol SyntaxError TypeError Uint8Array Uint8ClampedArray Uint16Array Uint32Array URIError WeakMap WeakRef WeakSet "
    "JSON Math Reflect escape unescape DisposableStack AsyncDisposableStack SuppressedError".split()
)
