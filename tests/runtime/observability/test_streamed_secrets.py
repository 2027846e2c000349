"""What becomes of secrets that a model tells in pieces: they are in no file, no stream and no export."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from llmspell.engines import values
from llmspell.security.masking import Masker
from llmspell.serve.events import Address, EventServer
from llmspell.testing.answers import Answer
from llmspell.traces.chrome import chrome
from llmspell.traces.encode import Encoder
from llmspell.traces.otlp import otlp
from llmspell.traces.prometheus import of_run
from llmspell.traces.reader import RunFile

PASSPHRASE = 'pa ss$w/ord@x: +1"é'
ENVIRON = {
    "LLMSPELL_SECRET_X": PASSPHRASE,
    "OPENAI_API_KEY": "key-of-the-provider-0001",
    "MY_KEY": "another-providers-0002",
    "TEA": "variable-by-any-name-0003",
}
SHAPED = "sk-abcdefghijklmnopqrstuvwxyz"
BLOCK = "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nIBAAKC\n-----END RSA PRIVATE KEY-----"
MASKER = Masker(ENVIRON, ["TEA"])
both = pytest.mark.parametrize("language", ["lua", "js"])


SPELL = {
    "lua": """
        local agent = Agent.new{ name = "ada" }
        local read = {}
        for piece in agent:stream_chat("hello") do read[#read + 1] = piece; io.write(piece) end
        local secret = os.getenv("LLMSPELL_SECRET_X")
        eventBus:emit("named " .. secret, { [secret] = 1, bytes = "\\xff" .. secret, odd = 0/0 })
        State.set("kept " .. secret, { [secret] = "\\xff" .. secret })
        AuditLogger.new{}:log("did " .. secret, {})
        return table.concat(read)
    """,
    "js": """
        const agent = new Agent({ name: "ada" });
        const read = [];
        for await (const piece of agent.streamChat("hello")) { read.push(piece); console.log(piece); }
        const secret = process.env.LLMSPELL_SECRET_X;
        const bytes = new Uint8Array([255, ...read.join("").split("").map((letter) => letter.charCodeAt(0) & 127)]);
        eventBus.emit(`named ${secret}`, { [secret]: 1, bytes, odd: NaN });
        await State.set(`kept ${secret}`, { [secret]: bytes });
        return read.join("");
    """,
}


def stored(folder: Path) -> tuple[Path, bytes]:
    """The one run's file, and the bytes of all files that have to do with runs."""
    files = [*folder.rglob("runs/*"), *folder.rglob("runs.db*")]
    (file,) = [path for path in files if path.parent.name == "runs" and path.suffix == ".db"]
    return file, b"".join(path.read_bytes() for path in files)


def joined(lines: list[dict[str, Any]]) -> list[str]:
    """What a reader of events can put together: each as it is, and all texts of a kind one after the other."""
    texts: dict[str, str] = {}
    for line in lines:
        for text in line.get("data", {}).values():
            if isinstance(text, str):
                texts[line["kind"]] = texts.get(line["kind"], "") + text.rstrip("\n")
    return [json.dumps(lines, ensure_ascii=False), *texts.values()]


@both
@pytest.mark.parametrize("size", [1, 3])
@pytest.mark.parametrize(
    "secret", [PASSPHRASE, ENVIRON["OPENAI_API_KEY"], ENVIRON["MY_KEY"], ENVIRON["TEA"], SHAPED, BLOCK]
)
@pytest.mark.mission(110)
async def test_a_streamed_secret_is_in_no_sink(
    cast: Any, model: Any, collector: Any, tmp_path: Path, language: str, size: int, secret: str
) -> None:
    (tmp_path / "llmspell.toml").write_text('[providers.anthropic]\napi_key_env = "TEA"\n')
    text = f"well, the key is {secret}, so there"
    model.will(Answer(text=text, chunks=tuple(text[place : place + size] for place in range(0, len(text), size))))
    spell = await cast(
        **{language: SPELL[language]},
        model=model,
        environ=ENVIRON,
        flags={
            "permissions.env": ("LLMSPELL_SECRET_X",),
            "otel.endpoint": collector.url,
        },
    )
    assert spell.value == text, "the spell has it all"
    assert len(spell.of("llm_chunk")) > 4, "it still comes in pieces"
    file, raw = stored(tmp_path)
    encoder = Encoder(mask=MASKER.text)
    found = [*joined([json.loads(encoder.line(event)) for event in spell.events])]
    found += joined(await streamed(spell.events))
    with RunFile(file) as run:
        found += joined([json.loads(encoder.line(event)) for event in run.events()])
        for form in (otlp, chrome):
            found.append(json.dumps(form(run.meta(), run.events()), ensure_ascii=False))
        found.append(of_run(run.meta(), run.events()))
        answers = [values.unpack(row[7]) for row in run.answer_rows()]
    found += [
        "".join(map(str, each[1]["pieces"])) for each in answers if isinstance(each[1], dict) and "pieces" in each[1]
    ]
    found += [str(collector.spans)]
    for held in {secret, PASSPHRASE, ENVIRON["OPENAI_API_KEY"]}:
        for spelled in (held, json.dumps(held)[1:-1], base64.b64encode(held.encode()).decode().rstrip("=")):
            assert spelled.encode() not in raw
            assert [each for each in found if spelled in each] == []
    assert any("***" in each for each in found) and b"***" in raw


async def streamed(events: Any) -> list[dict[str, Any]]:
    """What a client of `--events` is told."""
    server = EventServer(Address("127.0.0.1", 0), "a token of some length")
    try:
        stream = server.begin(content=True, mask=MASKER.text)
        for event in events:
            stream.add(event)
        stream.end()
        async with (
            aiohttp.ClientSession() as http,
            http.ws_connect(f"{server.url}/?token=a%20token%20of%20some%20length") as socket,
        ):
            return [json.loads(message.data) async for message in socket]
    finally:
        server.close()


@both
async def test_a_replay_of_a_masked_stream_tells_the_same(cast: Any, model: Any, language: str) -> None:
    """What was hidden stays hidden, and everything else is as it was."""
    text = f"well, the key is {SHAPED}, so there"
    model.will(Answer(text=text, chunks=tuple(text)))
    code = SPELL[language].partition("local secret" if language == "lua" else "const secret")[0]
    ends = "return table.concat(read)" if language == "lua" else 'return read.join("")'
    spell = await cast(**{language: code + ends}, model=model)
    again = await cast(**{language: code + ends}, replay=spell.recording)
    assert again.value == text.replace(SHAPED, "***")
    shown = Masker({}).text
    first, second = ([json.loads(Encoder(mask=shown).line(event)) for event in each.events] for each in (spell, again))
    assert first == second
