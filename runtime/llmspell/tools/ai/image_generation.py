"""The image generation tool: asks a service that speaks OpenAI's `POST /images/generations`, and keeps its pictures.

What comes back is looked at before it is kept: a picture of a known kind, whole, of a bearable size. The protocol is
that of OpenAI's API reference.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Annotated, Any, Final, Literal, NotRequired, TypedDict

from llmspell.api.bounds import Bounds, FilePath, FilePaths
from llmspell.api.describe import Example, ToolMark, exposed
from llmspell.errors import ToolError
from llmspell.security import files
from llmspell.security.network import Resolver, system_resolver
from llmspell.security.permissions import Permissions
from llmspell.tools.ai import pictures
from llmspell.tools.ai.openai_service import service_of, usage_of
from llmspell.tools.ai.pictures import Format, Picture
from llmspell.tools.base import ToolContext, ToolOutput
from llmspell.tools.builtin import BuiltinTool
from llmspell.tools.web.download import Downloader

_BY_ENDING: Final[dict[str, Format]] = {"png": "png", "jpg": "jpeg", "jpeg": "jpeg", "webp": "webp"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageGenerationOptions:
    model: Annotated[str, Bounds(min_length=1, max_length=200)] = "gpt-image-1"
    """The model where a call names none."""

    base_url: Annotated[str, Bounds(min_length=1, max_length=500)] | None = None
    """The service's address. None: OPENAI_BASE_URL, else OpenAI's own. What the environment holds as a key is sent to
    those only."""

    api_key: Annotated[str, Bounds(max_length=1000)] | None = None
    """The service's key. None: OPENAI_API_KEY of the host's environment."""

    allowed_paths: FilePaths | None = None
    """Folders that pictures may be written to, within what the run may. None: all that the run may."""

    max_image_size: Annotated[int, Bounds(ge=1000, le=50_000_000)] = 20_000_000
    """Bytes of one picture at most."""

    timeout: Annotated[float, Bounds(ge=1, le=600_000)] = 180_000
    """Milliseconds for the pictures of a call."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageGenerationParams:
    prompt: Annotated[str, Bounds(min_length=1, max_length=32_000)]
    """What the picture shows: subject, style, light, mood, what must be in it and where."""

    path: FilePath | None = None
    """The file to write; of several pictures the second is `name-2.png`. Without it the pictures are given as
    Base64."""

    n: Annotated[int, Bounds(ge=1, le=10)] = 1
    """How many pictures."""

    size: Annotated[str, Bounds(pattern="^(auto|[1-9][0-9]{1,3}x[1-9][0-9]{1,3})$")] | None = None
    """Width and height in pixels that the model knows, such as `1024x1024`, `1536x1024` or `auto`."""

    quality: Literal["auto", "low", "medium", "high", "standard", "hd"] | None = None
    """How much work goes into it: low, medium, high (gpt-image), standard, hd (dall-e-3)."""

    background: Literal["auto", "transparent", "opaque"] | None = None
    """gpt-image: what is behind; transparent for PNG and WebP."""

    format: Format | None = None
    """gpt-image: the kind of file; else as the path ends."""

    style: Literal["vivid", "natural"] | None = None
    """dall-e-3: more dramatic or less."""

    model: Annotated[str, Bounds(min_length=1, max_length=200)] | None = None
    """Another model than the tool's own."""


class GeneratedImage(TypedDict):
    format: Format
    """The kind of picture that came."""
    width: int
    """Pixels from left to right."""
    height: int
    """Pixels from top to bottom."""
    size: int
    """Bytes."""
    path: NotRequired[str]
    """The file that was written; its ending is that of the kind that came."""
    base64: NotRequired[str]
    """The picture, without a path."""
    revised_prompt: NotRequired[str]
    """What the model made of the prompt, where it tells."""


class ImageUsage(TypedDict):
    input_tokens: int
    """Tokens read."""
    output_tokens: int
    """Tokens that the pictures count as."""
    cost: float | None
    """US dollars; null, for services do not tell."""


class ImageGenerationResult(TypedDict):
    images: list[GeneratedImage]
    """The pictures."""
    model: str
    """The model that was asked."""
    usage: NotRequired[ImageUsage]
    """What the service counted, where it does."""


@exposed(
    aliases=("ImageGeneration",),
    options=ImageGenerationOptions,
    tool=ToolMark(
        name="image_generation",
        category="ai",
        params=ImageGenerationParams,
        result=ImageGenerationResult,
        examples=(
            Example(
                {
                    "prompt": "A lighthouse on a cliff at dusk, watercolour, calm sea, no people",
                    "path": "output/lighthouse.png",
                    "size": "1024x1024",
                },
                note="a file",
            ),
            Example(
                {"prompt": "A round logo of a fox, flat, two colours", "n": 2, "quality": "low"}, note="two drafts"
            ),
        ),
        permissions=("net", "write"),
        timeout=610_000,
        max_output=700_000_000,
    ),
)
class ImageGenerationTool(BuiltinTool[ImageGenerationOptions]):
    """Makes pictures from a description, by a service that the person configured, and writes them to files.

    Describe what is to be seen rather than what it is for. Give a path: a picture in the answer is of no use to you.
    Pictures cost money; ask for several only when they are wanted.
    """

    def __init__(self, options: ImageGenerationOptions, resolver: Resolver = system_resolver) -> None:
        super().__init__(options)
        self.resolver = resolver

    async def perform(self, params: dict[str, Any], context: ToolContext) -> ToolOutput:
        asked, options = ImageGenerationParams(**params), self.options
        model = asked.model or options.model
        permissions = context.permissions
        if options.allowed_paths is not None:
            permissions = permissions.narrow(self.name, write=options.allowed_paths)
        if asked.path is not None:  # what may not be written need not be paid for
            await asyncio.to_thread(_check, asked, permissions)
        largest = asked.n * (options.max_image_size * 4 // 3) + 1_000_000
        key, base = options.api_key, options.base_url
        service = service_of(self.name, base, key, context, options.timeout, self.resolver, largest)
        answer = await service.ask("POST", "/images/generations", json=_body(asked, model))
        rows = answer.table.get("data")
        if not isinstance(rows, list) or not 1 <= len(rows) <= asked.n:
            raise ToolError(f"{self.name}: the service's answer holds no pictures", hint="check the address")
        images: list[dict[str, Any]] = []
        for number, row in enumerate(rows, 1):
            data = await self._picture(row if isinstance(row, dict) else {}, context)
            found = await asyncio.to_thread(pictures.look, data)
            shown: dict[str, Any] = {"format": found.format, "width": found.width, "height": found.height}
            shown["size"] = len(data)
            if isinstance(row.get("revised_prompt"), str):
                shown["revised_prompt"] = row["revised_prompt"]
            if asked.path is None:
                shown["base64"] = base64.b64encode(data).decode()
            else:
                shown["path"] = _named(asked.path, number, found)
                await asyncio.to_thread(_write, shown["path"], data, permissions)
            images.append(shown)
        usage = usage_of(answer.table)
        counted = {"usage": usage} if usage else {}
        artifacts = tuple(
            {"type": f"image/{each['format']}", "path": each["path"]} for each in images if "path" in each
        )
        return ToolOutput({"images": images, "model": model, **counted}, {"model": model, **counted}, artifacts)

    async def _picture(self, row: dict[str, Any], context: ToolContext) -> bytes:
        """The bytes, from the answer itself or from where it says they lie."""
        most = self.options.max_image_size
        given, url = row.get("b64_json"), row.get("url")
        if isinstance(given, str):
            if len(given) > most * 4 // 3 + 4:
                raise ToolError(f"the picture has more than {most} bytes", hint="raise max_image_size")
            try:
                return base64.b64decode(given, validate=True)
            except (binascii.Error, ValueError):
                raise ToolError(f"{self.name}: the service's picture is no Base64", hint="try again") from None
        if isinstance(url, str):
            loader = Downloader(
                context.permissions, self.resolver, "llmspell", most, "image/png, image/jpeg, image/webp"
            )
            return (await loader.good(url, self.options.timeout)).data
        raise ToolError(f"{self.name}: the service's answer holds no picture", hint="check the address")


def _body(asked: ImageGenerationParams, model: str) -> dict[str, Any]:
    """gpt-image always answers in Base64 and refuses to be told so; every other model must be."""
    ours = model.startswith("gpt-image") or model == "chatgpt-image-latest"
    ending = PurePosixPath(asked.path or "").suffix[1:].lower()
    given = {
        "model": model,
        "prompt": asked.prompt,
        "n": asked.n,
        "size": asked.size,
        "quality": asked.quality,
        "background": asked.background,
        "style": asked.style,
        "output_format": (asked.format or _BY_ENDING.get(ending)) if ours else None,
        "response_format": None if ours else "b64_json",
    }
    return {name: value for name, value in given.items() if value is not None}


def _named(path: str, number: int, found: Picture) -> str:
    """The path of a picture: its number, unless it is the first, and the ending of what it is."""
    place = PurePosixPath(path)
    ending = place.suffix[1:].lower()
    suffix = place.suffix if _BY_ENDING.get(ending) == found.format else f".{pictures.ENDINGS[found.format]}"
    stem = place.stem if ending in _BY_ENDING else place.name
    return str(place.with_name(f"{stem}{f'-{number}' if number > 1 else ''}{suffix}"))


def _check(asked: ImageGenerationParams, permissions: Permissions) -> None:
    form = asked.format or _BY_ENDING.get(PurePosixPath(asked.path or "").suffix[1:].lower(), "png")
    for number in range(1, asked.n + 1):
        path = _named(asked.path or "", number, Picture(form, 1, 1))
        try:
            with files.place(path, permissions, "write") as found:
                if found.kind not in {"missing", "file"}:
                    raise ToolError(f"{path!r} is a {found.kind}, not a file", hint="give the path of a file")
        except files.MissingFile:  # its folder is made when the picture is written
            pass


def _write(path: str, data: bytes, permissions: Permissions) -> None:
    try:
        with files.place(path, permissions, "write", make_folders=True) as found:
            files.write_bytes(found, data)
    except OSError as error:
        raise files.refused(path, error) from None
