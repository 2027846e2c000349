"""`llmspell trace list|show|follow|export|diff|rm|audit`: stored and live runs. `pause`, `step` and so on control one.

RUN is the beginning of a run's id, `last`, or a file. Reads through `llmspell.traces`; starts no run.
"""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from llmspell.cli import trace_control
from llmspell.errors import StoreError, UsageError

if TYPE_CHECKING:
    from llmspell.traces.reader import RunFile
    from llmspell.traces.runs import Runs

_RUN = "beginning of a run's id, `last`, or a file"
_CHAIN = (
    " Each record holds the hash of the one before: `verify` finds one that was changed, removed or put in between."
    " There is no key, so whoever can write the file can write all of it anew; a copy of the last hash, kept elsewhere,"
    " shows that."
)


def configure(parser: ArgumentParser) -> None:
    parts = parser.add_subparsers(dest="what", metavar="WHAT", required=True)

    def part(name: str, summary: str, more: str = "") -> ArgumentParser:
        one = parts.add_parser(name, help=summary, description=f"{summary[0].upper()}{summary[1:]}.{more}")
        one.add_argument("--data", metavar="DIR", help="folder of the runs; else that of the settings")
        return one

    one = part("list", "the stored runs, the newest last")
    one.add_argument("-n", "--number", type=int, default=20, metavar="N", help="how many (20; 0 for all)")
    one.add_argument("--json", action="store_true", help="for programs")
    one = part("show", "one run as a tree of its spans")
    one.add_argument("run", nargs="?", default="last", metavar="RUN", help=_RUN)
    one.add_argument("--events", action="store_true", help="a line for each event instead")
    one.add_argument("--json", action="store_true", help="for programs: what is known of the run, and its spans")
    one = part("follow", "a run's events while it runs; one that has ended is played back")
    one.add_argument("run", nargs="?", default="last", metavar="RUN", help=_RUN)
    one.add_argument("--from", dest="first", type=int, default=1, metavar="SEQ", help="the first event wanted (1)")
    one.add_argument("--json", action="store_true", help="a JSON line for each event")
    one = part("export", "a run for other programs")
    one.add_argument("run", nargs="?", default="last", metavar="RUN", help=_RUN)
    one.add_argument("--format", choices=("jsonl", "otlp", "chrome", "prometheus"), default="jsonl", help="(jsonl)")
    one.add_argument("-o", "--output", metavar="FILE", help="where to; else standard output")
    one = part("diff", "where two runs first differ, and what each took; exit 1 if they differ")
    one.add_argument("one", metavar="RUN", help=_RUN)
    one.add_argument("other", metavar="RUN")
    one.add_argument("--json", action="store_true", help="for programs")
    one = part("rm", "remove runs")
    one.add_argument("runs", nargs="*", metavar="RUN", help=_RUN)
    one.add_argument("--all", action="store_true", help="every run that has ended")
    one = part("audit", "a run's audit trail: what was done, by whom", _CHAIN)
    one.add_argument("action", choices=("show", "verify"))
    one.add_argument("run", nargs="?", default="last", metavar="RUN", help=f"{_RUN}; or a file of an AuditLogger")
    one.add_argument("--json", action="store_true", help="for programs")
    trace_control.configure(part, _RUN)


def run(args: Namespace) -> int:
    from llmspell.traces.runs import Runs  # sqlite3, 4 ms

    runs = Runs(_data_dir(args))
    match args.what:
        case "list":
            from llmspell.cli.trace_list import show_list

            show_list(runs.list(), args.number, as_json=args.json)
        case "show":
            with _opened(runs, args.run) as file:
                _show(file, events=args.events, as_json=args.json)
        case "follow":
            return _follow(runs.find(args.run), args.first, as_json=args.json)
        case "export":
            with _opened(runs, args.run) as file:
                _export(file, args.format, args.output)
        case "diff":
            from llmspell.cli.trace_diff import show_diff

            with _opened(runs, args.one) as one, _opened(runs, args.other) as other:
                return show_diff(one, other, as_json=args.json)
        case command if command in trace_control.COMMANDS:
            return trace_control.run(args, runs.find(args.run))
        case "rm":
            _remove(runs, args.runs, every=args.all)
        case _ if args.run.endswith((".log", ".jsonl")):
            _audit_file(Path(args.run), verify=args.action == "verify", as_json=args.json)
        case _:
            with _opened(runs, args.run) as file:
                _audit(file, verify=args.action == "verify", as_json=args.json)
    return 0


def _data_dir(args: Namespace) -> Path:
    if args.data:
        return Path(args.data)
    from llmspell.settings import load

    return load(Path.cwd(), os.environ).data_dir


def _opened(runs: Runs, name: str) -> RunFile:
    from llmspell.traces.reader import RunFile

    return RunFile(runs.find(name))


def _show(file: RunFile, *, events: bool, as_json: bool) -> None:
    if events:
        _lines(file, sys.stdout.write)
        return
    import dataclasses
    import json

    meta = file.meta()
    if as_json:
        known = {**dataclasses.asdict(meta), "status": meta.current_status}
        print(json.dumps({**known, "spans": [dataclasses.asdict(span) for span in file.spans()]}, indent=2))
        return
    from llmspell.cli.trace_list import headline
    from llmspell.traces.screen import look_of
    from llmspell.traces.tree import header, tree

    sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]  # a terminal without UTF-8
    look = look_of(sys.stdout, meta.label)
    print(headline(meta, look))
    print(header(look))
    for line in tree(file.events(), look):
        print(line)


def _lines(file: RunFile, write: object) -> None:
    from llmspell.traces.encode import Encoder

    assert callable(write)
    encoder = Encoder()
    for event in file.events():
        write(encoder.line(event))


def _follow(path: Path, first: int, *, as_json: bool) -> int:
    import asyncio

    from llmspell.traces.encode import Encoder
    from llmspell.traces.feed import feed_of
    from llmspell.traces.screen import look_of
    from llmspell.traces.tree import LiveTree

    live = LiveTree(sys.stdout.write, look_of(sys.stdout))
    encoder = Encoder()

    async def follow() -> None:
        async for events in feed_of(path).batches(first):
            for event in events:
                if as_json:
                    sys.stdout.write(encoder.line(event))
                else:
                    live.add(event)
            sys.stdout.flush()

    asyncio.run(follow())
    return 0


def _export(file: RunFile, form: str, output: str | None) -> None:
    import json
    from contextlib import ExitStack

    with ExitStack() as stack:
        try:
            out = stack.enter_context(Path(output).open("w", encoding="utf-8")) if output else sys.stdout
        except OSError as error:
            raise UsageError(f"cannot write {output!r}: {error.strerror}") from None
        match form:
            case "otlp":
                from llmspell.traces.otlp import otlp

                json.dump(otlp(file.meta(), file.events()), out, ensure_ascii=False)
            case "prometheus":
                from llmspell.traces.prometheus import of_run

                out.write(of_run(file.meta(), file.events()))
                return
            case "chrome":
                from llmspell.traces.chrome import chrome

                json.dump(chrome(file.meta(), file.events()), out, ensure_ascii=False)
            case _:
                _lines(file, out.write)
                return
        out.write("\n")


def _remove(runs: Runs, names: list[str], *, every: bool) -> None:
    if bool(names) == every:
        raise UsageError("trace rm: say which runs", hint="`llmspell trace rm RUN …`, or `--all`")
    if every:
        chosen = [meta.id for meta in runs.list() if meta.status != "running"]
    else:
        paths = [runs.find(name) for name in names]
        outside = [path for path in paths if path != runs.path(path.stem)]
        if outside:
            raise UsageError(f"{str(outside[0])!r} is not among the stored runs", hint="remove such a file with rm")
        chosen = [path.stem for path in paths]
        running = [meta.id for meta in runs.list() if meta.status == "running" and meta.id in chosen]
        if running:
            raise StoreError(f"run {running[0]} is under way", hint="wait for its end, or end it")
    count = runs.remove(chosen)
    print(f"removed {count} run{'' if count == 1 else 's'}")


def _audit(file: RunFile, *, verify: bool, as_json: bool) -> None:
    import json

    from llmspell.traces.audit import COLUMNS

    meta, rows = file.meta(), file.audit()
    if verify:
        count = file.verify_audit()
        noted = "" if meta.audit_head else "; the run has not noted its end, so records missing there would not show"
        if as_json:
            print(json.dumps({"run": meta.id, "records": count, "complete": bool(meta.audit_head)}))
        else:
            print(f"{count} record{'' if count == 1 else 's'} of run {meta.id}: the chain is whole{noted}")
        return
    for row in rows:
        record = {"number": row[0], **dict(zip(COLUMNS[1:-1], row[1:-1])), "hash": row[-1]}
        if as_json:
            record |= {"params": json.loads(row[5]), "result": json.loads(row[6])}
            print(json.dumps(record, ensure_ascii=False))
        else:
            from llmspell.traces.summary import plain

            who = " ".join(filter(None, (row[2], row[7], row[8]))) or "-"
            print(f"{row[0]:>4}  " + plain(f"{who}  {row[3]} {row[4]}  {row[5]} -> {row[6]}"))


def _audit_file(path: Path, *, verify: bool, as_json: bool) -> None:
    """What an AuditLogger wrote: shown as it is, or checked."""
    import json

    from llmspell.security import audit_file

    try:
        with path.open("rb") as lines:
            if not verify:
                for line in lines:
                    sys.stdout.write(line.decode("utf-8", "replace"))
                return
            count = audit_file.verify(lines, str(path))
    except OSError as error:
        raise StoreError(f"{str(path)!r} cannot be read: {error.strerror}") from None
    if as_json:
        print(json.dumps({"file": str(path), "records": count}))
    else:
        records = f"{count} record{'' if count == 1 else 's'} in {path}"
        print(f"{records}: the chain is whole; records missing at its end would not show")
