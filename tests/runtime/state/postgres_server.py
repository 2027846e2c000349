"""A PostgreSQL server for tests and benchmarks: on a unix socket, in a folder of its own, as a user without rights."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import time
import uuid
from pathlib import Path
from typing import Any


def binaries() -> Path | None:
    """The folder of the newest server's programs; Debian's package postgresql has them."""
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    found = shutil.which("initdb")
    return versions[-1].parent if versions else Path(found).parent if found else None


class Server:
    """Runs until `close`, which ends it for sure."""

    def __init__(self, programs: Path) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="llmspell-pg-", dir="/tmp"))
        self._as: dict[str, Any] = {}
        if os.getuid() == 0:  # PostgreSQL does not run as root
            user = pwd.getpwnam("postgres" if _has_user("postgres") else "nobody")
            os.chown(self.folder, user.pw_uid, user.pw_gid)
            self._as = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        self._environ = {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8", "HOME": str(self.folder)}
        data = self.folder / "data"
        self._run(programs / "initdb", "-D", data, "-A", "trust", "-U", "spell", "-E", "UTF8", "--no-sync")
        settings = (
            "listen_addresses=",
            f"unix_socket_directories={self.folder}",
            "fsync=off",
            "log_min_messages=fatal",
        )
        arguments = [argument for setting in settings for argument in ("-c", setting)]
        self._process = subprocess.Popen(
            [str(programs / "postgres"), "-D", str(data), *arguments],
            env=self._environ,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            **self._as,
        )
        self._ready(programs)

    def url(self, schema: str = "public") -> str:
        return f"postgresql://spell@/postgres?host={self.folder}&options=-csearch_path%3D{schema}"

    def new_url(self) -> str:
        """The address of an empty store."""
        import psycopg

        schema = f"s{uuid.uuid4().hex}"
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(f"CREATE SCHEMA {schema}".encode())
        return self.url(schema)

    def close(self) -> None:
        self._process.terminate()  # waits for no client: SIGTERM is a smart shutdown, so SIGKILL follows
        try:
            self._process.wait(3)
        except subprocess.TimeoutExpired:
            self._process.send_signal(3)  # SIGQUIT: at once, its children too
            self._process.wait(10)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _ready(self, programs: Path) -> None:
        deadline = time.monotonic() + 30
        command = [str(programs / "pg_isready"), "-q", "-h", str(self.folder)]
        while subprocess.run(command, env=self._environ, check=False).returncode:
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.close()
                raise RuntimeError("the PostgreSQL server of the tests did not start")

    def _run(self, *command: object) -> None:
        subprocess.run(
            [str(word) for word in command],
            check=True,
            env=self._environ,
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
            **self._as,
        )


def _has_user(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True
