"""Spells on each backend, as `[state]` in llmspell.toml chooses it; what costs nothing; what stays secret."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from llmspell.errors import StoreError
from llmspell.settings.values import Settings, without_passwords
from llmspell.state.opening import opened

Cast = Callable[..., Any]

SPELL = """
  const seen = [];
  await State.watch("jobs/", (change) => { seen.push(change.key); });
  await Async.all([1, 2, 3, 4].map(() => State.update("count", (count) => (count ?? 0) + 1)));
  await State.set("jobs/a", { n: 1 });
  await State.set("jobs/b", 2, { ttl: 60000 });
  while (seen.length < 2) await Async.sleep(1);
  return [await State.get("count"), await State.list(), seen];"""
EXPECTED = [4, ["count", "jobs/a", "jobs/b"], ["jobs/a", "jobs/b"]]


@pytest.mark.mission(92, 93)
async def test_sqlite_and_rocksdb_are_chosen_by_a_word(cast: Cast, tmp_path: Path) -> None:
    for backend, name in (("sqlite", "state.db"), ("rocksdb", "state.rocksdb")):
        (tmp_path / "llmspell.toml").write_text(f'[state]\nbackend = "{backend}"\n')
        assert (await cast(js=SPELL)).value == EXPECTED
        assert (tmp_path / ".llmspell" / name).exists()
    assert (await cast(lua='return { State.get("count"), #State.list() }')).value == [4, 3]


@pytest.mark.mission(92, 93, 94)
async def test_postgres_keeps_the_state_and_its_password_stays_secret(
    cast: Cast, postgres: Any, tmp_path: Path
) -> None:
    url = postgres.new_url().replace("spell@", "spell:hunter2-is-long@")
    (tmp_path / "llmspell.toml").write_text('[state]\nbackend = "postgres"\n')
    environ = {"LLMSPELL_STATE_URL": url}
    spell = await cast(js=SPELL, environ=environ)
    assert spell.value == EXPECTED
    assert (await cast(lua='return State.get("jobs/a")', environ=environ)).value == {"n": 1}
    refused = await cast(lua='State.get("x")', environ={"LLMSPELL_STATE_URL": url.replace("/postgres", "/none")})
    assert isinstance(refused.result.error, StoreError)
    assert "postgresql://spell@/none" in refused.result.error.message
    everything = [repr(spell.events), repr(refused.events), repr(refused.result.error.to_value())]
    everything += [path.read_bytes().decode("latin-1") for path in _files(tmp_path)]
    assert len(everything) > 5 and not [text for text in everything if "hunter2" in text]
    shown = _shown_settings(tmp_path, url)
    assert "postgresql://spell@/postgres" in shown and "hunter2" not in shown


def _shown_settings(project: Path, url: str) -> str:
    return subprocess.run(
        [sys.executable, "-m", "llmspell", "config", "show", str(project)],
        env={"LLMSPELL_STATE_URL": url, "HOME": str(project), "PATH": ""},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout


def _files(project: Path) -> list[Path]:
    return [path for path in project.rglob("*") if path.is_file()]


def test_no_text_keeps_a_password() -> None:
    for text, shown in (
        ("postgresql://u:p@h/db", "postgresql://u@h/db"),
        ("at postgres://u:p@w@h/db?password=x&a=1 now", "at postgres://u@h/db?password=***&a=1 now"),
        ("host=h password=abc user=u", "host=h password=*** user=u"),
        ("postgresql://u@h/db", "postgresql://u@h/db"),
        ("https://example.org/a:b", "https://example.org/a:b"),
    ):
        assert without_passwords(text) == shown


@pytest.mark.parametrize(
    ("backend", "package", "extra"), [("rocksdb", "rocksdict", "rocksdb"), ("postgres", "psycopg", "postgres")]
)
async def test_a_missing_extra_names_the_command_that_installs_it(
    backend: str, package: str, extra: str, settings_of: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_of(backend)
    monkeypatch.setitem(sys.modules, package, None)
    lease = await opened(settings)
    with pytest.raises(StoreError, match=f"backend = '{backend}' needs a package") as caught:
        await lease.store.get("a")
    assert caught.value.hint == f"pip install 'llmspell[{extra}]'"
    monkeypatch.undo()
    await lease.close()


COLD = """
import asyncio, sys
from pathlib import Path
from llmspell.runtime import Runtime
from llmspell.spell import Spell

async def main():
    async with Runtime() as runtime:
        spell = Spell.of('local a = Agent.new{ state = { n = 1 } } a.state.n = 2 print(a.state.n)', "lua")
        await runtime.run(spell, store=False)
        print(sorted(name for name in sys.modules if name in WATCHED))

WATCHED = {"llmspell.state.store", "llmspell.state.sqlite", "llmspell.library.state", "sqlite3", "psycopg", "rocksdict"}
asyncio.run(main())
"""


def test_a_spell_that_keeps_nothing_opens_and_imports_no_store(tmp_path: Path) -> None:
    environ = {"HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path), "PATH": ""}
    done = subprocess.run(
        [sys.executable, "-c", COLD], env=environ, cwd=tmp_path, capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.splitlines() == ["2", "[]"]
    assert not list(tmp_path.rglob("state*"))


@pytest.mark.parametrize("backend", ["sqlite", "rocksdb", "postgres"])
async def test_the_event_loop_never_waits_for_a_store(
    backend: str, settings_of: Callable[..., Settings], unblocked: None
) -> None:
    lease = await opened(settings_of(backend))
    await lease.store.set("a", 1)
    await lease.store.entries()
    await lease.close()
