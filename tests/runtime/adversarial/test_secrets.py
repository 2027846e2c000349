"""What a spell may not read stays unread on every way that leads past the tools, and secrets leave no trace."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from llmspell.testing.answers import Answer
from llmspell.testing.server import ModelServer

SECRET = "plainlooking-secret-value-777"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project somebody else made, with links to what a spell must not see."""
    outside = tmp_path.parent / f"{tmp_path.name}-outside"
    outside.mkdir()
    for name in ("o.lua", "o.js"):
        (outside / name).write_text(f"return '{SECRET}'" if name.endswith("lua") else f"export default '{SECRET}'")
    (tmp_path / ".env").write_text(f'{{"TOKEN": "{SECRET}"}}')
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "config.js").write_text(f"export default '{SECRET}'")
    (tmp_path / ".git" / "config.lua").write_text(f"return '{SECRET}'")
    for name, target in {
        "link.lua": outside / "o.lua", "link.js": outside / "o.js", "folder": outside, "env.json": tmp_path / ".env",
        "env.js": tmp_path / ".env", "env.lua": tmp_path / ".env", "passwd.lua": Path("/etc/passwd"),
        "environ.js": Path("/proc/self/environ"), "environ.lua": Path("/proc/self/environ"),
        "git.js": tmp_path / ".git" / "config.js", "git.lua": tmp_path / ".git" / "config.lua",
    }.items():  # fmt: skip
        (tmp_path / name).symlink_to(target)
    os.mkfifo(tmp_path / "fifo.js")
    os.mkfifo(tmp_path / "fifo.lua")
    return tmp_path


LUA_NAMES = ["link", "folder.o", "env", "passwd", "environ", "git", "fifo", "/etc/passwd", "..x", ".git.config",
             "folder/o", "folder/../folder/o", "a\\0b", "x" * 5000, "", ".", "..", "sub/../../x"]  # fmt: skip
JS_NAMES = ["./link.js", "./folder/o.js", "./env.json", "./env.js", "./environ.js", "./git.js", "./fifo.js",
            "./.git/config.js", "./.env", "./llmspell.toml", "/etc/passwd", "file:///etc/passwd", "data:text/javascript,1",
            "http://127.0.0.1/x.js", "node:fs", "../x.js", "%2e%2e/x.js", "./\\0", "./" + "x" * 5000, "."]  # fmt: skip


@pytest.mark.mission(139)
async def test_modules_are_files_of_the_project_wherever_links_lead(cast: Any, project: Path) -> None:
    lua = "local told = {} for i, name in ipairs(params.names) do local ok, e = pcall(require, name) told[i] = tostring(ok) .. ' ' .. tostring(e) end return told"
    js = "const told = []; for (const name of params.names) { try { const m = await import(name); told.push('true ' + JSON.stringify(m)) } catch (e) { told.push('false ' + e.message) } } return told"
    environ = {"OPENAI_API_KEY": SECRET}
    for told in (
        await cast(lua=lua, params={"names": [name.replace("\\0", "\0") for name in LUA_NAMES]}, environ=environ),
        await cast(js=js, params={"names": [name.replace("\\0", "\0") for name in JS_NAMES]}, environ=environ),
    ):
        for line in told.value:
            assert line.startswith("false "), line
            assert SECRET not in line and "root:" not in line and "internal" not in line


@pytest.mark.parametrize("path", [".env", "./.env", ".ENV", "llmspell.toml", ".git/config.lua", "link.lua", "folder/o.lua", "env.json", "environ.js", "/proc/self/environ", "fifo.lua", "../x"])  # fmt: skip
async def test_no_tool_reads_them_either(cast: Any, project: Path, path: str) -> None:
    text = """
      local told = {}
      for _, call in ipairs{
        { FileSystem, { operation = "read", path = params.path } }, { Csv, { operation = "parse", path = params.path } },
        { FileSystem, { operation = "copy", path = params.path, destination = "output/x" } },
        { FileSystem, { operation = "search", path = params.path, pattern = "*" } },
        { Hash, { operation = "hash", path = params.path } }, { Json, { operation = "parse", path = params.path } },
      } do
        local ok, e = pcall(function() return JSON.stringify(call[1].new():execute(call[2])) end)
        told[#told + 1] = tostring(ok) .. " " .. tostring(e)
      end
      return told"""
    for line in (await cast(lua=text, params={"path": path})).value:
        assert line.startswith("false "), line
        assert SECRET not in line and "internal" not in line


def stored(folder: Path) -> list[tuple[str, str, bytes]]:
    """Every value in every run's file: table, column, bytes."""
    found: list[tuple[str, str, bytes]] = []
    for path in folder.rglob("runs/*.db"):
        file = sqlite3.connect(path)
        for (table,) in file.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            rows = file.execute(f"SELECT * FROM {table}")
            names = [column[0] for column in rows.description]
            for row in rows:
                found += [
                    (table, name, value if isinstance(value, bytes) else str(value).encode())
                    for name, value in zip(names, row, strict=True)
                ]
        file.close()
    return found


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ('return Agent.new{ retries = 0 }:chat("hi")', Answer(status=401, message=f"bad key {SECRET}")),
        ('return Agent.new{ api_key = "of-the-scripts-own-0001", retries = 0 }:chat("hi")', Answer(status=401, message=f"not {SECRET}")),
        ('return Agent.new{}:chat("hi")', Answer(text=f"your key is {SECRET}")),
        ('print(params.secret) eventBus.emit("e", { secret = params.secret }) error("oops " .. params.secret)', Answer()),
        ('return Tool.define{ name = "t", description = "d", execute = function(p) error(p.note) end }:execute{ note = params.secret }', Answer()),
        ('local a = Agent.new{} a.state.key = params.secret Cache.set("k", params.secret) return a:chat(params.secret)', Answer(text="x")),
    ],
)  # fmt: skip
async def test_a_secret_of_the_host_is_in_no_trace(
    cast: Any, model: ModelServer, tmp_path: Path, text: str, answer: Answer
) -> None:
    model.will(answer)
    told = await cast(lua=text, model=model, environ={"OPENAI_API_KEY": SECRET}, params={"secret": SECRET})
    del told
    values = stored(tmp_path)
    assert len(values) > 50
    assert [(table, column) for table, column, value in values if SECRET.encode() in value] == []


async def test_passwords_are_masked_in_the_audit_trail(cast: Any, tmp_path: Path) -> None:
    text = """
      local tool = Tool.define{ name = "t", description = "d", execute = function(p) return 1 end }
      return tool:execute{ password = "hunter2hunter2", login = { api_key = "abc-def-ghi" }, note = "kept" }"""
    assert (await cast(lua=text)).value == 1
    (params,) = [value for table, column, value in stored(tmp_path) if (table, column) == ("audit", "params")]
    assert b"hunter2" not in params and b"abc-def" not in params
    assert b"kept" in params


@pytest.mark.parametrize(
    "address",
    ["http://127.0.0.1:{port}/v1", "http://localhost:{port}/v1", "HTTP://127.0.0.1:{port}/v1", "http://api.openai.com/v1",
     "https://api.openai.com:8443/v1", "https://api.openai.com@127.0.0.1:{port}/v1", "http://0x7f000001:{port}/v1",
     "//127.0.0.1:{port}/v1", "file:///etc/passwd", "http://127.0.0.1:99999/v1", "http://[::1]:{port}/v1", "x"],
)  # fmt: skip
async def test_a_key_goes_where_it_belongs(cast: Any, model: ModelServer, address: str) -> None:
    """A spell names another address of the service: it is not permitted, and the host's key does not go there."""
    port = model.url.rpartition(":")[2]
    text = 'return Agent.new{ model = "openai/x", base_url = params.address, retries = 0, timeout = 2000 }:chat("hi")'
    told = await cast(lua=text, params={"address": address.format(port=port)}, environ={"OPENAI_API_KEY": SECRET})
    assert told.result.error.type in ("permission", "invalid_argument"), told.result.error
    assert not model.requests


async def test_the_environment_is_what_is_allowed(cast: Any) -> None:
    environ = {"OPENAI_API_KEY": SECRET, "MY_TOKEN": SECRET, "PATH": "/bin"}
    lua = """
      local told = { os.getenv("OPENAI_API_KEY"), os.getenv("PATH") }
      for _, options in ipairs{ {}, { allowed_variables = { "*" } }, { allowed_variables = { "MY_TOKEN" } } } do
        local ok, e = pcall(function() return Environment.new(options):execute{ operation = "get", name = "MY_TOKEN" }.value end)
        told[#told + 1] = tostring(e)
      end
      return JSON.stringify(told) .. JSON.stringify(config)"""
    js = "return JSON.stringify([process.env, { ...process.env }, Object.keys(process.env), process.env.OPENAI_API_KEY, config])"
    for told in (await cast(lua=lua, environ=environ), await cast(js=js, environ=environ)):
        assert told.result.error is None
        assert SECRET not in told.value and "/bin" not in told.value


@pytest.mark.parametrize(
    "key",
    [
        "__proto__",
        "constructor",
        "prototype",
        "toString",
        "then",
        "toJSON",
        "__index",
        "__gc",
        "__class__",
        "\x00",
        "🦀",
    ],
)
async def test_a_key_of_data_is_only_a_key(cast: Any, key: str) -> None:
    js = """
      const given = JSON.parse(params.text);
      const tool = Tool.define({ name: "t", description: "d", execute: (p) => p });
      const back = await tool.execute(given);
      const agent = new Agent({ state: given, metadata: given });
      eventBus.emit("e", given);
      return [JSON.stringify(back) === params.text, ({}).polluted === undefined, [].polluted === undefined,
              Object.getPrototypeOf(back) === Object.prototype, typeof agent.metadata, JSON.stringify(agent.metadata().metadata) === params.text]"""
    import json

    text = json.dumps({key: {"polluted": 1}}, ensure_ascii=False, separators=(",", ":"))
    assert (await cast(js=js, params={"text": text})).value == [True, True, True, True, "function", True]
    lua = """
      local given = JSON.parse(params.text)
      local back = Tool.define{ name = "t", description = "d", execute = function(p) return p end }:execute(given)
      return { JSON.stringify(back) == JSON.stringify(given), getmetatable(back) == nil, ({}).polluted == nil }"""
    assert (await cast(lua=lua, params={"text": text})).value == [True, True, True]
