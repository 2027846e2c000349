"""What `make seed SEED=FILE` runs: the scripts of a copy of the design document, each in its surroundings, for real.

Every script is run by `llmspell run` against a loopback server that speaks the models' protocols. One line a script:
its line in the document, its language, and whether it works. Exit code 1 when one that should work does not.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from extract import Script, scripts
from surroundings import Surroundings, compose, parse

from llmspell.providers.replies import load
from llmspell.testing.server import ModelServer, ServerThread

HERE = Path(__file__).parent
SURROUNDINGS = HERE / "surroundings"
#: The script at 2540 leaves timers of 30 s behind, and a spell lives as long as its timers.
SECONDS = 100


def main(arguments: list[str]) -> int:
    if len(arguments) != 1 or not Path(arguments[0]).is_file():
        print("seed: name a copy of the document: make seed SEED=path/to/architecture-v2.md", file=sys.stderr)
        return 2
    found = scripts(Path(arguments[0]).read_text(encoding="utf-8"))
    wanted = {int(path.stem): path for path in SURROUNDINGS.iterdir()}
    for line, path in sorted(wanted.items()):
        if line not in found or found[line].language != path.suffix[1:]:
            print(f"seed: there is no {path.suffix[1:]} script at line {line} of {arguments[0]}", file=sys.stderr)
            return 2
    arounds = {line: parse(path.read_text(encoding="utf-8")) for line, path in sorted(wanted.items())}
    failed = 0
    with ThreadPoolExecutor(2) as pool:
        for line, wrong in zip(
            arounds, pool.map(lambda line: attempt(found[line], arounds[line]), arounds), strict=True
        ):
            print(row(found[line], arounds[line], wrong), flush=True)
            failed += bool(wrong)
    waiting = sum(bool(around.waits_for) for around in arounds.values())
    print(f"{len(arounds) - waiting - failed} work, {failed} failed, {waiting} wait")
    return 1 if failed else 0


def row(script: Script, around: Surroundings, wrong: str) -> str:
    name = f"{script.line:>5}  {script.language:<4}"
    if around.waits_for:
        return f"{name} waits for {around.waits_for}"
    notes = "".join(f"\n{'':12}without {cut.first}-{cut.last}: {cut.reason}" for cut in around.cuts)
    return f"{name} {'FAILED: ' + wrong if wrong else 'ok'}{notes}"


def attempt(script: Script, around: Surroundings) -> str:
    """Runs the script unless it waits; what is wrong, or ""."""
    if around.waits_for:
        return ""
    service = ServerThread(script=load(HERE / "replies.json"))
    with tempfile.TemporaryDirectory(prefix="seed-") as folder, service as server:
        spell = Path(folder) / f"line-{script.line}.{script.language}"
        spell.write_text(compose(script, around), encoding="utf-8")
        try:
            done = subprocess.run(
                [Path(sys.executable).with_name("llmspell"), "run", *around.flags, spell.name],
                cwd=folder,
                env=environment(folder, server),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return f"not done after {SECONDS} s"
        sent = "\n".join(request.body.decode() for request in server.requests)
    if done.returncode != 0:
        return f"exit code {done.returncode}\n{done.stderr.strip()}"
    missing = [text for text in around.prints if text not in done.stdout]
    missing += [text for text in around.sends if text not in sent]
    return f"no {missing[0]!r} in\n{done.stdout}" if missing else ""


def environment(folder: str, server: ModelServer) -> dict[str, str]:
    """Nothing of the developer's own settings, and the two providers at the loopback server."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": folder,
        "LLMSPELL_DEFAULT_MODEL": "openai/gpt-4o-mini",
        "OPENAI_API_BASE": server.openai_url,
        "OPENAI_API_KEY": "none needed",
        "ANTHROPIC_BASE_URL": server.url,
        "ANTHROPIC_API_KEY": "none needed",
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
