"""image_generation asks as OpenAI's own client does, and keeps only what is a picture, where it may."""

from __future__ import annotations

import base64
import io
import json
import zlib
from pathlib import Path
from typing import Any

import openai
import pytest
from PIL import Image

from llmspell.errors import PermissionDenied, RateLimitError, ToolError
from llmspell.tools.ai import pictures
from llmspell.tools.ai.image_generation import ImageGenerationTool

both = pytest.mark.parametrize("language", ["lua", "js"])
PATH = "/v1/images/generations"


def picture(kind: str = "png", size: tuple[int, int] = (40, 30), **more: Any) -> bytes:
    data = io.BytesIO()
    Image.effect_noise(size, 40).convert(more.pop("mode", "RGB")).save(data, kind, **more)
    return data.getvalue()


def answer(*rows: bytes, **more: Any) -> dict[str, Any]:
    return {"created": 1, "data": [{"b64_json": base64.b64encode(row).decode()} for row in rows], **more}


def reaching(service: Any, **more: Any) -> dict[str, Any]:
    environ = {"OPENAI_BASE_URL": f"{service.url}/v1", "OPENAI_API_KEY": "the-hosts-key"}
    return {"environ": environ, "net": service.net, **more}


async def test_a_picture_is_asked_for_and_written(call: Any, service: Any, project: Path) -> None:
    data = picture()
    usage = {"input_tokens": 12, "output_tokens": 272, "total_tokens": 284}
    service.on("POST", PATH, answer(data, usage=usage))
    asked = {"prompt": "a fox", "path": "output/new/fox.png", "size": "1024x1024", "quality": "low"}
    found = await call(ImageGenerationTool, asked, **reaching(service))
    shown = {"format": "png", "width": 40, "height": 30, "size": len(data), "path": "output/new/fox.png"}
    counted = {"input_tokens": 12, "output_tokens": 272, "cost": None}
    assert found == {"images": [shown], "model": "gpt-image-1", "usage": counted}
    assert (project / "output/new/fox.png").read_bytes() == data
    (sent,) = service.asked
    assert sent.headers["authorization"] == "Bearer the-hosts-key"
    assert sent.headers["content-type"] == "application/json"


ASKED = [
    (
        {
            "prompt": "a fox",
            "n": 2,
            "size": "1536x1024",
            "quality": "high",
            "background": "transparent",
            "format": "webp",
        },
        {"output_format": "webp"},
    ),
    ({"prompt": "a fox", "model": "dall-e-3", "style": "natural", "quality": "hd"}, {"response_format": "b64_json"}),
    ({"prompt": "a fox", "path": "output/a.jpg"}, {"output_format": "jpeg"}),
]


@pytest.mark.parametrize(("params", "more"), ASKED)
async def test_the_request_is_the_one_that_openais_client_sends(
    call: Any, service: Any, params: Any, more: Any
) -> None:
    service.on("POST", PATH, answer(picture()))
    await call(ImageGenerationTool, params, **reaching(service))
    given = {name: value for name, value in params.items() if name not in ("path", "format")} | more
    async with openai.AsyncOpenAI(api_key="k", base_url=f"{service.url}/v1", max_retries=0) as client:
        theirs = await client.images.generate(**({"model": "gpt-image-1", "n": 1} | given))
    assert theirs.data is not None and theirs.data[0].b64_json
    ours, official = service.asked
    assert (ours.method, ours.path) == (official.method, official.path) == ("POST", PATH)
    assert ours.json == official.json


async def test_pictures_may_lie_elsewhere_where_the_run_may_reach(call: Any, refused: Any, service: Any) -> None:
    data = picture("webp")
    service.on("GET", "/files/1", data)
    service.on("POST", PATH, {"data": [{"url": f"{service.url}/files/1", "revised_prompt": "a red fox"}]})
    found = await call(ImageGenerationTool, {"prompt": "fox"}, **reaching(service))
    (image,) = found["images"]
    assert (image["format"], image["revised_prompt"]) == ("webp", "a red fox")
    assert base64.b64decode(image["base64"]) == data
    assert "authorization" not in service.asked[-1].headers
    for url in ("http://169.254.169.254/latest", "file:///etc/passwd", "http://127.0.0.1:1/x"):
        service.answers.clear()
        service.on("POST", PATH, {"data": [{"url": url}]})
        error = await refused(ImageGenerationTool, {"prompt": "fox"}, **reaching(service))
        assert isinstance(error, PermissionDenied), url


async def test_several_pictures_have_numbers_and_the_ending_of_what_they_are(
    call: Any, service: Any, project: Path
) -> None:
    service.on("POST", PATH, answer(picture("jpeg"), picture("png")))
    found = await call(ImageGenerationTool, {"prompt": "x", "n": 2, "path": "output/a.b.png"}, **reaching(service))
    assert [image["path"] for image in found["images"]] == ["output/a.b.jpg", "output/a.b-2.png"]
    assert sorted(path.name for path in (project / "output").iterdir()) == ["a.b-2.png", "a.b.jpg"]


async def test_nothing_is_asked_for_that_could_not_be_kept(
    refused: Any, service: Any, tmp_path: Path, project: Path
) -> None:
    service.on("POST", PATH, answer(picture()))
    (project / "output/folder.png").mkdir()
    (project / "output/link.png").symlink_to(tmp_path / "outside.png")
    for path in ("elsewhere/a.png", "../a.png", "/etc/a.png", "output/link.png", "output/folder.png", ".env/a.png"):
        error = await refused(ImageGenerationTool, {"prompt": "x", "path": path}, **reaching(service))
        assert isinstance(error, PermissionDenied | ToolError), path
    narrow = {"options": {"allowed_paths": ["output/pictures"]}}
    error = await refused(ImageGenerationTool, {"prompt": "x", "path": "output/a.png"}, **reaching(service, **narrow))
    assert isinstance(error, PermissionDenied)
    assert service.asked == []
    assert not (tmp_path / "outside.png").exists()


def _png(width: int, height: int) -> bytes:
    """A small file that says it is large."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")

    head = width.to_bytes(4, "big") + height.to_bytes(4, "big") + b"\x08\x02\0\0\0"
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")
    )


NO_PICTURES = {
    "text": (b"<html>sorry</html>", "no PNG, JPEG or WebP"),
    "nothing": (b"", "no PNG, JPEG or WebP"),
    "a GIF": (picture("gif"), "no PNG, JPEG or WebP"),
    "half a PNG": (picture()[:-500], "damaged"),
    "half a JPEG": (picture("jpeg", (300, 300))[:2000], "damaged"),
    "half a WebP": (picture("webp", (300, 300))[:900], "damaged"),
    "a bomb": (_png(60_000, 60_000), "more than 100000000"),
    "no size": (_png(0, 10), "damaged"),
    "a chunk without end": (picture()[:33] + b"\xff\xff\xff\xffIDAT", "damaged"),
}


@pytest.mark.parametrize("case", NO_PICTURES)
async def test_what_is_no_picture_is_not_kept(refused: Any, service: Any, project: Path, case: str) -> None:
    data, said = NO_PICTURES[case]
    service.on("POST", PATH, answer(data))
    error = await refused(ImageGenerationTool, {"prompt": "x", "path": "output/a.png"}, **reaching(service))
    assert said in error.message
    assert list((project / "output").iterdir()) == []


@pytest.mark.parametrize(
    "value",
    [{}, {"data": []}, {"data": "x"}, {"data": [{}]}, {"data": ["x"]}, {"data": [{"b64_json": "%%%"}]}, [], "text"],
)
async def test_an_answer_of_another_shape_is_a_clear_error(refused: Any, service: Any, value: Any) -> None:
    service.on("POST", PATH, value)
    error = await refused(ImageGenerationTool, {"prompt": "x"}, **reaching(service))
    assert isinstance(error, ToolError)
    assert "image_generation" in error.message


async def test_a_picture_has_a_size(refused: Any, service: Any) -> None:
    service.on("POST", PATH, answer(picture("png", (200, 200))))
    options = {"options": {"max_image_size": 1000}}
    error = await refused(ImageGenerationTool, {"prompt": "x"}, **reaching(service, **options))
    assert "raise max_image_size" in error.hint


async def test_refusals_are_told_without_the_key(refused: Any, service: Any) -> None:
    said = {
        "error": {
            "message": "rejected by the safety system",
            "type": "invalid_request_error",
            "code": "moderation_blocked",
        }
    }
    service.on("POST", PATH, said, status=400)
    service.on("POST", PATH, {"error": {"message": "slow down"}}, status=429, headers={"Retry-After": "3"})
    service.on("POST", PATH, None, status=307, headers={"Location": "http://169.254.169.254/"})
    errors = [await refused(ImageGenerationTool, {"prompt": "x"}, **reaching(service)) for _ in range(3)]
    assert "rejected by the safety system" in errors[0].message
    assert isinstance(errors[1], RateLimitError) and errors[1].retry_after == 3000
    assert "307" in errors[2].message
    assert "the-hosts-key" not in json.dumps([[error.message, error.hint] for error in errors])


async def test_keys_go_only_where_they_belong(call: Any, refused: Any, service: Any) -> None:
    service.on("POST", PATH, answer(picture()))
    error = await refused(ImageGenerationTool, {"prompt": "x"}, environ={}, net=["api.openai.com"])
    assert "OPENAI_API_KEY" in error.hint
    error = await refused(ImageGenerationTool, {"prompt": "x"}, environ={"OPENAI_API_KEY": "k"})
    assert isinstance(error, PermissionDenied) and "api.openai.com:443" in error.message
    other = {"options": {"base_url": f"{service.url}/v1"}, "environ": {"OPENAI_API_KEY": "k"}, "net": service.net}
    await call(ImageGenerationTool, {"prompt": "x"}, **other)
    assert "authorization" not in service.asked[-1].headers


@pytest.mark.parametrize("size", [(1, 1), (17, 300), (640, 480)])
@pytest.mark.parametrize(
    ("kind", "more"),
    [
        ("png", {}),
        ("png", {"mode": "P"}),
        ("jpeg", {}),
        ("jpeg", {"progressive": True}),
        ("jpeg", {"mode": "L", "comment": b"x" * 60_000}),
        ("webp", {}),
        ("webp", {"lossless": True}),
        ("webp", {"mode": "RGBA", "exif": b"Exif\0\0" + b"x" * 20}),
    ],
)
def test_pictures_are_seen_as_pillow_sees_them(kind: str, more: dict[str, Any], size: tuple[int, int]) -> None:
    data = picture(kind, size, **more)
    with Image.open(io.BytesIO(data)) as theirs:
        assert (theirs.format or "").lower() == kind
        assert pictures.look(data) == pictures.Picture(kind, *theirs.size)  # type: ignore[arg-type]


SPELL = {
    "lua": "local tool = ImageGenerationTool.new{ base_url = params.url, api_key = 'k', allowed_paths = { 'output' } }\n"
    "local found = tool:execute_detailed{ prompt = 'a fox', path = 'output/fox.png' }\n"
    "return { found.content.images[1].width, found.artifacts[1].path, tool.name }",
    "js": "const tool = new ImageGenerationTool({ baseUrl: params.url, apiKey: 'k', allowedPaths: ['output'] });\n"
    "const found = await tool.executeDetailed({ prompt: 'a fox', path: 'output/fox.png' });\n"
    "return [found.content.images[0].width, found.artifacts[0].path, tool.name];",
}


@both
@pytest.mark.mission(100)
async def test_a_spell_makes_a_picture_and_its_replay_asks_nobody(
    cast: Any, service: Any, tmp_path: Path, language: str
) -> None:
    service.on("POST", PATH, answer(picture()))
    flags = {"permissions.net": service.net, "permissions.write": ["output"]}
    given = {"params": {"url": f"{service.url}/v1"}, "flags": flags}
    spell = await cast(**{language: SPELL[language]}, **given)
    assert spell.value == [40, "output/fox.png", "image_generation"]
    (tmp_path / "output/fox.png").unlink()
    again = await cast(**{language: SPELL[language]}, replay=spell.recording, **given)
    assert again.value == spell.value
    assert len(service.asked) == 1
    assert not (tmp_path / "output/fox.png").exists()
