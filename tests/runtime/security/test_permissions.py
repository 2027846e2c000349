"""What is granted holds, what is closed stays closed, and narrowing never widens."""

from __future__ import annotations

import ipaddress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmspell.errors import ArgumentError, PermissionDenied
from llmspell.security.commands import command_matches
from llmspell.security.hosts import HostPattern
from llmspell.security.permissions import Permissions
from llmspell.settings.load import load


def granted(tmp_path: Path) -> Permissions:
    return Permissions.grant(
        tmp_path,
        read=["."],
        write=["output"],
        net=["*.example.org:443", "127.0.0.1:8080"],
        exec=["git", "python3 ./scripts/*.py"],
        env=["APP_*"],
    )


def test_defaults_of_the_settings(tmp_path: Path) -> None:
    (tmp_path / "llmspell.toml").write_text("")
    scratch = tmp_path.parent / "scratch"
    found = Permissions.from_settings(load(tmp_path, {}), scratch)
    project = tmp_path.resolve()
    assert found.allows_path(project / "a.txt", "read")
    assert not found.allows_path(project / "a.txt", "write")
    assert found.allows_path(project / "output/a.txt", "write")
    assert found.allows_path(scratch.resolve() / "a", "write")
    assert not found.allows_path(Path("/etc/hosts"), "read")
    assert not found.allows_env("PATH")
    for ask in (lambda: found.check_host("example.org", 443), lambda: found.check_command(["ls"])):
        with pytest.raises(PermissionDenied):
            ask()


@pytest.mark.parametrize(
    "name", [".env", ".ENV", ".env.local", "a/.git/config", ".llmspell/runs.db", "llmspell.toml", "sub/LLMSPELL.TOML"]
)
def test_closed_whatever_is_allowed(tmp_path: Path, name: str) -> None:
    everything = Permissions.grant(tmp_path, read=["/"], write=["/"])
    with pytest.raises(PermissionDenied, match="whatever is allowed"):
        everything.check_path(tmp_path / name, "read", name)
    assert not everything.allows_path(Path("/proc/self/environ"), "read")


def test_denial_names_flag_and_setting(tmp_path: Path) -> None:
    with pytest.raises(PermissionDenied) as caught:
        granted(tmp_path).check_path(Path("/etc/hosts"), "read", "/etc/hosts")
    assert '--allow-read "/etc/hosts"' in caught.value.hint
    assert '[permissions] read = ["/etc/hosts"]' in caught.value.hint
    assert caught.value.data == {"permission": "read", "needed": "/etc/hosts"}
    with pytest.raises(PermissionDenied) as caught:
        granted(tmp_path).narrow("http_request", net=["a.example.org"]).check_host("b.example.org", 443)
    assert "allowed_domains" in caught.value.hint


@given(st.lists(st.sampled_from(["/", "/etc", ".", "output", "..", "/tmp", "output/a"]), max_size=3))
def test_narrowing_never_widens(paths: list[str]) -> None:
    base = Permissions.grant(Path("/srv/project"), read=["."], write=["output"], exec=["git"], env=["A"])
    narrowed = base.narrow("tool", read=paths, write=paths, exec=["*"], env=["*"], net=["*"])
    for path in map(Path, ("/etc/hosts", "/srv/project/a", "/srv/project/output/a/b", "/tmp/x", "/srv")):
        for access in ("read", "write"):
            assert base.allows_path(path, access) or not narrowed.allows_path(path, access)
    assert not narrowed.allows_env("B")
    with pytest.raises(PermissionDenied):
        narrowed.check_command(["ls"])
    with pytest.raises(PermissionDenied):
        narrowed.check_host("example.org", 80)


def test_link_in_the_project_does_not_move_a_root(tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / "output").symlink_to("/etc")
    found = Permissions.grant(project, write=["output"])
    assert not found.allows_path(Path("/etc/passwd"), "write")


@pytest.mark.parametrize(
    ("pattern", "words", "covered"),
    [
        ("git", ["git", "push", "--force"], True),
        ("git", ["/tmp/git"], False),
        ("git status", ["git", "status"], True),
        ("git status", ["git", "status", "-v"], False),
        ("git log *", ["git", "log", "--oneline"], True),
        ("git log *", ["git", "push"], False),
        ("python3 ./scripts/*.py", ["python3", "./scripts/a.py"], True),
        ("python3 ./scripts/*.py", ["python3", "./scripts/../evil.py"], False),
        ("python3 ./scripts/*.py", ["python3", "./scripts/sub/a.py"], False),
        ("python3 ./scripts/*.py", ["python3", "-c", "1", "./scripts/a.py"], False),
        ("python3 *.py", ["python3", "-c.py"], False),
        ("python3 ./scripts/*.py", ["python3", "./scripts/a.py\n.py x"], False),
        ("python3 ./scripts/*.py", ["python3", "./scripts/a.py", "x"], False),
        ("*", ["anything", "at all"], True),
        ("", ["ls"], False),
        ('"', ["ls"], False),
        ("ls", [], False),
        ("ls", [""], False),
    ],
)
@pytest.mark.mission(109)
def test_command_patterns(pattern: str, words: list[str], covered: bool) -> None:
    assert command_matches(pattern, words) is covered


@pytest.mark.parametrize(
    ("pattern", "host", "port", "matched"),
    [
        ("example.org", "example.org", 80, True),
        ("Example.ORG.", "example.org", 80, True),
        ("example.org:443", "example.org", 80, False),
        ("*.example.org", "a.b.example.org", 80, True),
        ("*.example.org", "example.org", 80, False),
        ("*.example.org", "evilexample.org", 80, False),
        ("example.org", "example.org.evil.net", 80, False),
        ("https://example.org/", "example.org", 443, True),
        ("10.0.0.0/8", "10.1.2.3", 80, True),
        ("[::1]:8080", "::1", 8080, True),
        ("*", "anything.net", 1, True),
        ("bücher.example", "xn--bcher-kva.example", 80, True),
    ],
)
@pytest.mark.mission(108)
def test_host_patterns(pattern: str, host: str, port: int, matched: bool) -> None:
    assert HostPattern.parse(pattern).matches(host, port) is matched


@pytest.mark.parametrize("pattern", ["", "a b", "*.*.org", "host:99999", "host:x", "a@b", "ho*st"])
def test_bad_host_pattern_is_refused(tmp_path: Path, pattern: str) -> None:
    with pytest.raises(ArgumentError):
        Permissions.grant(tmp_path, net=[pattern])


def test_only_an_address_names_a_private_address(tmp_path: Path) -> None:
    address = ipaddress.ip_address("127.0.0.1")
    assert not Permissions.grant(tmp_path, net=["*", "evil.test"]).names_address(address, "evil.test", 80)
    assert Permissions.grant(tmp_path, net=["127.0.0.0/8"]).names_address(address, "evil.test", 80)
    assert Permissions.grant(tmp_path, net=["localhost"]).names_address(address, "localhost", 80)
    assert not Permissions.grant(tmp_path, net=["localhost"]).names_address(address, "evil.test", 80)
    layered = Permissions.grant(tmp_path, net=["*"]).narrow("http_request", net=["127.0.0.1"])
    assert not layered.names_address(address, "127.0.0.1", 80)
