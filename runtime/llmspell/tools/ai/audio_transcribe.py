"""The transcription tool: sends a recording to a service that speaks OpenAI's `POST /audio/transcriptions`.

The protocol is that of OpenAI's API reference; `recordings` packs the file.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal, NotRequired, TypedDict

from llmspell.api.bounds import Bounds, FilePath, FilePaths
from llmspell.api.describe import Example, ToolMark, exposed
from llmspell.errors import SchemaError, ToolError
from llmspell.security import files
from llmspell.security.network import Resolver, system_resolver
from llmspell.security.permissions import Permissions
from llmspell.tools.ai import recordings
from llmspell.tools.ai.openai_service import service_of, usage_of
from llmspell.tools.base import ToolContext, ToolOutput
from llmspell.tools.builtin import BuiltinTool

Form = Literal["json", "text", "verbose_json", "srt", "vtt"]

#: Asked where nobody names a model: the newer ones know neither times nor subtitles, nor do they translate.
_PLAIN, _TIMED = "gpt-4o-mini-transcribe", "whisper-1"
_MAX_ANSWER: Final = 20_000_000
_CUE: Final = re.compile(r"^(\d+|WEBVTT.*|(NOTE|STYLE|REGION)\b.*|.*-->.*)$")


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioTranscribeOptions:
    model: Annotated[str, Bounds(min_length=1, max_length=200)] | None = None
    """The model. None: gpt-4o-mini-transcribe, or whisper-1 for times, subtitles and translations."""

    base_url: Annotated[str, Bounds(min_length=1, max_length=500)] | None = None
    """The service's address, such as one on your own machine. None: OPENAI_BASE_URL, else OpenAI's own. What the
    environment holds as a key is sent to those only."""

    api_key: Annotated[str, Bounds(max_length=1000)] | None = None
    """The service's key. None: OPENAI_API_KEY of the host's environment."""

    language: Annotated[str, Bounds(pattern="^[a-z]{2,3}$")] | None = None
    """The language that is spoken, as `en` or `de`, where a call names none."""

    allowed_paths: FilePaths | None = None
    """Folders and files that may be sent, within what the run may read. None: all that the run may."""

    max_file_size: Annotated[int, Bounds(ge=1000, le=25_000_000)] = 25_000_000
    """Bytes of a recording; OpenAI takes 25 MB."""

    timeout: Annotated[float, Bounds(ge=1, le=600_000)] = 300_000
    """Milliseconds for a recording."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioTranscribeParams:
    path: FilePath
    """The recording: flac, m4a, mp3, mp4, ogg, wav or webm. Relative paths start from the project."""

    operation: Literal["transcribe", "translate"] = "transcribe"
    """transcribe: what is said, in its language. translate: what is said, in English."""

    language: Annotated[str, Bounds(pattern="^[a-z]{2,3}$")] | None = None
    """transcribe: the language that is spoken, as `en` or `de`. It is recognised where it is not given."""

    prompt: Annotated[str, Bounds(min_length=1, max_length=4000)] | None = None
    """Names and words that occur, or what was said before: they are then written so."""

    format: Form = "json"
    """json: the text. text: the same, from services that know nothing else. verbose_json: the text with its language,
    length and segments. srt, vtt: subtitles."""

    timestamps: Annotated[list[Literal["word", "segment"]], Bounds(min_items=1, max_items=2)] | None = None
    """verbose_json: whether words, segments or both come with their times."""

    temperature: Annotated[float, Bounds(ge=0, le=1)] | None = None
    """How freely unclear words are guessed: 0 is least."""


class TimedText(TypedDict):
    start: float
    """Seconds from the beginning."""
    end: float
    """Seconds from the beginning."""
    text: str
    """What is said."""


class AudioUsage(TypedDict):
    input_tokens: int
    """Tokens that the recording counts as."""
    output_tokens: int
    """Tokens written."""
    cost: float | None
    """US dollars; null, for services do not tell."""


class AudioTranscribeResult(TypedDict):
    text: str
    """What is said."""
    model: str
    """The model that was asked."""
    language: NotRequired[str]
    """verbose_json: the language, as the service names it."""
    duration: NotRequired[float]
    """verbose_json: seconds."""
    segments: NotRequired[list[TimedText]]
    """verbose_json: the sentences with their times."""
    words: NotRequired[list[TimedText]]
    """verbose_json with the timestamps `word`: every word with its times."""
    subtitles: NotRequired[str]
    """srt, vtt: the file's text."""
    usage: NotRequired[AudioUsage]
    """What the service counted, where it does."""


@exposed(
    aliases=("AudioTranscribe",),
    options=AudioTranscribeOptions,
    tool=ToolMark(
        name="audio_transcribe",
        category="ai",
        params=AudioTranscribeParams,
        result=AudioTranscribeResult,
        examples=(
            Example({"path": "output/meeting.mp3", "language": "en"}, note="what is said"),
            Example(
                {"path": "output/talk.wav", "format": "verbose_json", "timestamps": ["segment"]}, note="with times"
            ),
            Example({"path": "output/interview.m4a", "operation": "translate", "format": "srt"}, note="subtitles"),
        ),
        permissions=("read", "net"),
        timeout=610_000,
        max_output=20_000_000,
    ),
)
class AudioTranscribeTool(BuiltinTool[AudioTranscribeOptions]):
    """Writes down what is said in a recording, with times or as subtitles if wanted, or translates it into English.

    The file is sent to the service that the person configured. Give names that occur in `prompt`, so that they are
    spelled right.
    """

    def __init__(self, options: AudioTranscribeOptions, resolver: Resolver = system_resolver) -> None:
        super().__init__(options)
        self.resolver = resolver

    async def perform(self, params: dict[str, Any], context: ToolContext) -> ToolOutput:
        asked, options = AudioTranscribeParams(**params), self.options
        if asked.timestamps is not None and asked.format != "verbose_json":
            raise SchemaError("`timestamps` come with verbose_json only", hint='give format = "verbose_json" too')
        if asked.operation == "translate" and (asked.language is not None or asked.timestamps is not None):
            raise SchemaError("`translate` takes neither `language` nor `timestamps`", hint="leave them out")
        timed = asked.operation == "translate" or asked.format not in ("json", "text")
        model = options.model or (_TIMED if timed else _PLAIN)
        permissions = context.permissions
        if options.allowed_paths is not None:
            permissions = permissions.narrow(self.name, read=options.allowed_paths)
        key, base = options.api_key, options.base_url
        service = service_of(self.name, base, key, context, options.timeout, self.resolver, _MAX_ANSWER)
        data = await asyncio.to_thread(_read, asked.path, permissions, options.max_file_size)
        body, kind = recordings.form(data, _fields(asked, model, options.language))
        path = "/audio/translations" if asked.operation == "translate" else "/audio/transcriptions"
        headers = {"content-type": kind, "accept": "application/json, text/plain, */*"}
        answer = await service.ask("POST", path, content=body, headers=headers)
        content = {**_content(asked.format, answer.value), "model": model}
        usage = usage_of(answer.table)
        counted = {"usage": usage} if usage else {}
        return ToolOutput(content | counted, {"model": model, **counted})


def _read(path: str, permissions: Permissions, limit: int) -> bytes:
    with files.place(path, permissions, "read") as found:
        return files.read_bytes(found, limit)


def _fields(asked: AudioTranscribeParams, model: str, usual: str | None) -> list[tuple[str, str]]:
    language = asked.language or (usual if asked.operation == "transcribe" else None)
    given = (
        ("model", model),
        ("language", language),
        ("prompt", asked.prompt),
        ("response_format", asked.format),
        ("temperature", None if asked.temperature is None else f"{asked.temperature:g}"),
    )
    found = [(name, value) for name, value in given if value is not None]
    return [*found, *(("timestamp_granularities[]", each) for each in asked.timestamps or ())]


def _content(form: Form, value: Any) -> dict[str, Any]:
    """What the service answered, in the shape that the result states. Raises ToolError for another shape."""
    if form in ("text", "srt", "vtt") and isinstance(value, str):
        if form == "text":
            return {"text": value.strip()}
        lines = (line.strip() for line in value.splitlines())
        return {"text": " ".join(line for line in lines if line and not _CUE.match(line)), "subtitles": value}
    if not isinstance(value, dict) or not isinstance(value.get("text"), str):
        raise ToolError(f"audio_transcribe: the service's answer is no {form}", hint="does the model know this format?")
    found: dict[str, Any] = {"text": value["text"].strip()}
    if form == "verbose_json":
        if isinstance(value.get("language"), str):
            found["language"] = value["language"]
        if (duration := _number(value.get("duration"))) is not None:
            found["duration"] = duration
        for name, key in (("segments", "text"), ("words", "word")):
            if isinstance(value.get(name), list):
                found[name] = [_timed(row, key) for row in value[name]]
    return found


def _timed(row: Any, key: str) -> dict[str, Any]:
    given: dict[str, Any] = row if isinstance(row, dict) else {}
    start, end, text = _number(given.get("start")), _number(given.get("end")), given.get(key)
    if start is None or end is None or not isinstance(text, str):
        raise ToolError("audio_transcribe: the service's answer has times of another shape", hint="check the address")
    return {"start": start, "end": end, "text": text.strip()}


def _number(value: Any) -> float | None:
    """Some servers send numbers as texts."""
    try:
        return float(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else None
    except ValueError:
        return None
