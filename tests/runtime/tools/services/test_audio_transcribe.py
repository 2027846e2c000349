"""audio_transcribe sends what OpenAI's own client sends, only recordings, and reads every form of answer."""

from __future__ import annotations

import email.parser
import email.policy
import io
import wave
from pathlib import Path
from typing import Any

import openai
import pytest

from llmspell.errors import PermissionDenied, SchemaError, ToolError
from llmspell.tools.ai import recordings
from llmspell.tools.ai.audio_transcribe import AudioTranscribeTool

both = pytest.mark.parametrize("language", ["lua", "js"])
PATH, TRANSLATIONS = "/v1/audio/transcriptions", "/v1/audio/translations"


def sound(seconds: float = 0.1) -> bytes:
    data = io.BytesIO()
    with wave.open(data, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(b"\x01\x02" * int(8000 * seconds))
    return data.getvalue()


@pytest.fixture
def recording(project: Path) -> bytes:
    (project / "talk.wav").write_bytes(sound())
    return sound()


def reaching(service: Any, **more: Any) -> dict[str, Any]:
    environ = {"OPENAI_BASE_URL": f"{service.url}/v1", "OPENAI_API_KEY": "the-hosts-key"}
    return {"environ": environ, "net": service.net, **more}


def parts(asked: Any) -> list[tuple[str, str | None, str, bytes]]:
    """Name, file name, kind and bytes of each part, read by Python's parser of mail."""
    head = f"Content-Type: {asked.headers['content-type']}\r\n\r\n".encode()
    message = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + asked.body)
    assert message.is_multipart() and not message.defects
    return sorted(
        (
            str(part.get_param("name", header="content-disposition")),
            part.get_filename(),
            part.get_content_type() if part.get_filename() else "",
            part.get_payload(decode=True),
        )
        for part in message.iter_parts()
    )


VERBOSE = {
    "task": "transcribe",
    "language": "english",
    "duration": "1.5",
    "text": " Hello there.",
    "segments": [{"id": 0, "start": 0.0, "end": 1.5, "text": " Hello there.", "tokens": [1]}],
    "words": [{"word": "Hello", "start": 0.0, "end": 0.5}, {"word": "there", "start": 0.5, "end": 1.5}],
}
ASKED = [
    ({}, {"response_format": "json", "model": "gpt-4o-mini-transcribe"}),
    (
        {
            "format": "verbose_json",
            "timestamps": ["word", "segment"],
            "language": "en",
            "prompt": "Åse & Bø",
            "temperature": 0.2,
        },
        {"response_format": "verbose_json", "timestamp_granularities": ["word", "segment"], "model": "whisper-1"}
        | {"language": "en", "prompt": "Åse & Bø", "temperature": 0.2},
    ),
    ({"format": "srt"}, {"response_format": "srt", "model": "whisper-1"}),
]


@pytest.mark.parametrize(("params", "theirs"), ASKED)
async def test_the_form_is_the_one_that_openais_client_sends(
    call: Any, service: Any, recording: bytes, params: Any, theirs: Any
) -> None:
    service.on("POST", PATH, VERBOSE)
    if params.get("format") == "srt":
        service.answers.clear()
        service.on("POST", PATH, "1\n00:00:00,000 --> 00:00:01,000\nHello\n")
    await call(AudioTranscribeTool, {"path": "talk.wav", **params}, **reaching(service))
    async with openai.AsyncOpenAI(api_key="k", base_url=f"{service.url}/v1", max_retries=0) as client:
        await client.audio.transcriptions.create(file=("audio.wav", recording, "audio/wav"), **theirs)
    ours, official = service.asked
    assert (ours.method, ours.path) == (official.method, official.path) == ("POST", PATH)
    assert parts(ours) == parts(official)
    assert ("file", "audio.wav", "audio/wav", recording) in parts(ours)
    assert ours.headers["authorization"] == "Bearer the-hosts-key"


async def test_a_translation_is_asked_for_as_openais_client_does(call: Any, service: Any, recording: bytes) -> None:
    service.on("POST", TRANSLATIONS, {"text": "Hello."})
    asked = {"path": "talk.wav", "operation": "translate", "prompt": "names"}
    found = await call(AudioTranscribeTool, asked, options={"language": "de"}, **reaching(service))
    assert found == {"text": "Hello.", "model": "whisper-1"}
    async with openai.AsyncOpenAI(api_key="k", base_url=f"{service.url}/v1", max_retries=0) as client:
        file = ("audio.wav", recording, "audio/wav")
        await client.audio.translations.create(file=file, model="whisper-1", prompt="names", response_format="json")
    ours, official = service.asked
    assert parts(ours) == parts(official)


SRT = "1\n00:00:00,000 --> 00:00:01,000\nHello there.\n\n2\n00:00:01,000 --> 00:00:02,500\nHow are\nyou?\n"
VTT = "WEBVTT\n\n00:00.000 --> 00:01.000\nHello there.\n\n00:01.000 --> 00:02.500\nHow are\nyou?\n"
ANSWERS = [
    ("json", {"text": "Hello there.\n"}, {"text": "Hello there."}),
    ("text", "Hello there.\n", {"text": "Hello there."}),
    ("text", {"text": "Hello there."}, {"text": "Hello there."}),
    ("srt", SRT, {"text": "Hello there. How are you?", "subtitles": SRT}),
    ("vtt", VTT, {"text": "Hello there. How are you?", "subtitles": VTT}),
    (
        "verbose_json",
        VERBOSE,
        {
            "text": "Hello there.",
            "language": "english",
            "duration": 1.5,
            "segments": [{"start": 0.0, "end": 1.5, "text": "Hello there."}],
            "words": [{"start": 0.0, "end": 0.5, "text": "Hello"}, {"start": 0.5, "end": 1.5, "text": "there"}],
        },
    ),
    (
        "json",
        {"text": "Hi", "usage": {"type": "tokens", "input_tokens": 14, "output_tokens": 45, "total_tokens": 59}},
        {"text": "Hi", "usage": {"input_tokens": 14, "output_tokens": 45, "cost": None}},
    ),
    ("json", {"text": "Hi", "usage": {"type": "duration", "seconds": 3}}, {"text": "Hi"}),
]


@pytest.mark.parametrize(("form", "answer", "expected"), ANSWERS)
async def test_every_form_of_answer_is_read(
    call: Any, service: Any, recording: bytes, form: str, answer: Any, expected: Any
) -> None:
    service.on("POST", PATH, answer)
    found = await call(
        AudioTranscribeTool, {"path": "talk.wav", "format": form}, options={"model": "m"}, **reaching(service)
    )
    assert found == {**expected, "model": "m"}


@pytest.mark.parametrize(
    ("form", "answer"),
    [
        ("json", "plain"),
        ("json", {"texts": 1}),
        ("json", ["x"]),
        ("srt", {"error": 1}),
        ("verbose_json", {"text": "x", "segments": [{"start": "soon", "end": 1, "text": "x"}]}),
        ("verbose_json", {"text": "x", "words": [5]}),
    ],
)
async def test_an_answer_of_another_shape_is_a_clear_error(
    refused: Any, service: Any, recording: bytes, form: str, answer: Any
) -> None:
    service.on("POST", PATH, answer)
    error = await refused(AudioTranscribeTool, {"path": "talk.wav", "format": form}, **reaching(service))
    assert isinstance(error, ToolError)
    assert "audio_transcribe" in error.message


async def test_only_recordings_leave_the_machine(refused: Any, service: Any, project: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.wav").write_bytes(sound())
    (project / "link.wav").symlink_to(tmp_path / "secret.wav")
    (project / "keys.mp3").write_text("OPENAI_API_KEY=abc")
    (project / "empty.wav").write_bytes(b"")
    (project / "big.wav").write_bytes(sound(1))
    (project / "folder.wav").mkdir()
    narrow = {"options": {"allowed_paths": ["output"]}}
    cases: list[tuple[str, dict[str, Any], type[Exception], str]] = [
        ("link.wav", {}, PermissionDenied, "may not read"),
        ("../secret.wav", {}, PermissionDenied, "may not read"),
        ("/etc/passwd", {}, PermissionDenied, "may not read"),
        ("big.wav", narrow, PermissionDenied, "leave it out"),
        ("keys.mp3", {}, ToolError, "no recording"),
        ("empty.wav", {}, ToolError, "no recording"),
        ("folder.wav", {}, ToolError, "is a folder"),
        ("nothing.wav", {}, ToolError, "does not exist"),
        ("big.wav", {"options": {"max_file_size": 10_000}}, ToolError, "larger than 10000"),
    ]
    for path, more, kind, said in cases:
        error = await refused(AudioTranscribeTool, {"path": path}, **reaching(service, **more))
        assert isinstance(error, kind) and said in error.message, path
    assert service.asked == []


async def test_what_does_not_go_together_is_said(refused: Any, service: Any, recording: bytes) -> None:
    for params in (
        {"timestamps": ["word"]},
        {"operation": "translate", "language": "de"},
        {"operation": "translate", "format": "verbose_json", "timestamps": ["word"]},
        {"language": "English"},
    ):
        error = await refused(AudioTranscribeTool, {"path": "talk.wav", **params}, **reaching(service))
        assert isinstance(error, SchemaError), params
    assert service.asked == []


async def test_the_environments_key_goes_to_no_other_address(call: Any, service: Any, recording: bytes) -> None:
    service.on("POST", PATH, {"text": "x"})
    given = {"options": {"base_url": f"{service.url}/v1"}, "environ": {"OPENAI_API_KEY": "held-by-the-host"}}
    await call(AudioTranscribeTool, {"path": "talk.wav"}, **given, net=service.net)
    assert "authorization" not in service.asked[0].headers


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"fLaC....", "flac"),
        (b"OggS....", "ogg"),
        (b"RIFF\0\0\0\0WAVEfmt ", "wav"),
        (b"\0\0\0\x20ftypM4A ", "m4a"),
        (b"\x1a\x45\xdf\xa3....", "webm"),
        (b"ID3\x04....", "mp3"),
        (b"\xff\xfb\x90\x64", "mp3"),
        (b"\xff\xf3\x40\xc0", "mp3"),
    ],
)
def test_recordings_are_known_by_their_first_bytes(data: bytes, kind: str) -> None:
    assert recordings.kind_of(data) == kind


@pytest.mark.parametrize(
    "data", [b"", b"\xff\xfe\0\0", b"\xff\xff\xff\xff", b"RIFF\0\0\0\0WEBP", b"MZ", b"text of a kind"]
)
def test_anything_else_is_none(data: bytes) -> None:
    with pytest.raises(ToolError):
        recordings.kind_of(data)


SPELL = {
    "lua": "local tool = AudioTranscribeTool.new{ base_url = params.url, api_key = 'k', language = 'en' }\n"
    "local found = tool:execute{ path = 'talk.wav', format = 'verbose_json', timestamps = { 'word' } }\n"
    "return { found.text, found.words[2].text, found.duration, tool.name }",
    "js": "const tool = new AudioTranscribeTool({ baseUrl: params.url, apiKey: 'k', language: 'en' });\n"
    "const found = await tool.execute({ path: 'talk.wav', format: 'verbose_json', timestamps: ['word'] });\n"
    "return [found.text, found.words[1].text, found.duration, tool.name];",
}


@both
@pytest.mark.mission(100)
async def test_a_spell_transcribes_and_its_replay_asks_nobody(
    cast: Any, service: Any, tmp_path: Path, language: str
) -> None:
    (tmp_path / "talk.wav").write_bytes(sound())
    service.on("POST", PATH, VERBOSE)
    given = {"params": {"url": f"{service.url}/v1"}, "flags": {"permissions.net": service.net}}
    spell = await cast(**{language: SPELL[language]}, **given)
    assert spell.value == ["Hello there.", "there", 1.5, "audio_transcribe"]
    again = await cast(**{language: SPELL[language]}, replay=spell.recording, **given)
    assert again.value == spell.value
    assert len(service.asked) == 1
