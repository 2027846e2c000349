"""The embedding tool: a provider's vectors over the real protocol, a folder's model, or letters that say so."""

from __future__ import annotations

import asyncio
import json
import math
import shutil
from pathlib import Path
from typing import Any

import openai
import pytest

from llmspell.errors import LlmspellError, PermissionDenied, ProviderError, SchemaError, ToolError
from llmspell.testing import embeddings
from llmspell.testing.answers import Answer
from llmspell.testing.server import ModelServer
from llmspell.tools.ai import embedders, lexical
from llmspell.tools.ai.embedding_tool import EmbeddingTool
from llmspell.tools.ai.kept import Kept

both = pytest.mark.parametrize("language", ["lua", "js"])


def reaching(server: ModelServer, **more: str) -> dict[str, str]:
    return {"OPENAI_BASE_URL": server.openai_url, "OPENAI_API_KEY": "the-hosts-key", **more}


# -- by a provider -------------------------------------------------------------------------------------------------


async def test_a_provider_is_asked_as_openai_documents_it(call: Any, model: ModelServer) -> None:
    found = await call(EmbeddingTool, {"texts": ["a red car", "blue sea"]}, environ=reaching(model))
    assert (found["method"], found["model"]) == ("provider", "openai/text-embedding-3-small")
    assert (found["dimensions"], found["count"]) == (1536, 2)
    assert found["embeddings"] == [embeddings.vector(text, 1536) for text in ("a red car", "blue sea")]
    (asked,) = model.requests
    assert (asked.method, asked.path) == ("POST", "/v1/embeddings")
    assert asked.headers["authorization"] == "Bearer the-hosts-key"
    assert asked.json == {
        "model": "text-embedding-3-small",
        "input": ["a red car", "blue sea"],
        "encoding_format": "float",
    }
    assert found["usage"] == {"input_tokens": 5, "cost": pytest.approx(5 * 0.02 / 1_000_000)}


async def test_openais_own_client_reads_the_same_server_alike(model: ModelServer) -> None:
    async with openai.AsyncOpenAI(api_key="k", base_url=model.openai_url, max_retries=0) as client:
        plain = await client.embeddings.create(
            model="text-embedding-3-small", input=["one text"], dimensions=32, encoding_format="float"
        )
        packed = await client.embeddings.create(model="text-embedding-3-small", input="one text", dimensions=32)
        with pytest.raises(openai.BadRequestError):
            await client.embeddings.create(model="text-embedding-3-small", input="")
        model.will(Answer(status=429))
        with pytest.raises(openai.RateLimitError):
            await client.embeddings.create(model="text-embedding-3-small", input="x")
    assert [request.json.get("encoding_format") for request in model.requests[:2]] == ["float", "base64"]
    assert plain.data[0].embedding == embeddings.vector("one text", 32)
    assert packed.data[0].embedding == pytest.approx(plain.data[0].embedding, abs=1e-7)
    assert plain.usage.prompt_tokens == 2


async def test_dimensions_and_the_models_name_are_passed_on(call: Any, model: ModelServer) -> None:
    options = {"model": "text-embedding-3-large", "dimensions": 256}
    found = await call(EmbeddingTool, {"text": "x"}, options=options, environ=reaching(model))
    assert (found["dimensions"], len(found["embedding"])) == (256, 256)
    assert found["usage"]["cost"] == pytest.approx(0.13 / 1_000_000)
    assert model.requests[0].json["dimensions"] == 256


async def test_many_texts_go_in_batches_and_come_back_in_order(call: Any, model: ModelServer) -> None:
    texts = [f"text number {at}" for at in range(300)]
    found = await call(EmbeddingTool, {"texts": texts}, options={"dimensions": 16}, environ=reaching(model))
    assert sorted(len(request.json["input"]) for request in model.requests) == [44, 128, 128]
    assert found["embeddings"] == [embeddings.vector(text, 16) for text in texts]


async def test_a_refusal_that_passes_is_waited_out_and_another_is_told(call: Any, model: ModelServer) -> None:
    model.will(
        Answer(status=429, headers=(("retry-after-ms", "1"),)), Answer(status=500, headers=(("retry-after-ms", "1"),))
    )
    found = await call(EmbeddingTool, {"text": "x"}, environ=reaching(model))
    assert found["count"] == 1
    assert len(model.requests) == 3
    model.will(Answer(status=401, message="bad key the-hosts-key"))
    with pytest.raises(ProviderError) as error:
        await call(EmbeddingTool, {"text": "x"}, environ=reaching(model))
    assert error.value.provider_kind == "auth"
    assert "the-hosts-key" not in error.value.message
    assert len(model.requests) == 4
    model.will(*[Answer(status=503, headers=(("retry-after-ms", "1"),))] * 3)
    with pytest.raises(ProviderError) as error:
        await call(EmbeddingTool, {"text": "x"}, environ=reaching(model))
    assert (error.value.provider_kind, len(model.requests)) == ("overloaded", 7)


@pytest.mark.parametrize("fault", ["close", "cut", "malformed"])
async def test_a_broken_answer_is_one_clear_error(call: Any, model: ModelServer, fault: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(embedders, "_FIRST_PAUSE", 1)
    model.will(*[Answer(fault=fault)] * 3)
    with pytest.raises(ProviderError) as error:
        await call(EmbeddingTool, {"text": "x"}, environ=reaching(model))
    assert error.value.provider_kind == "network"


async def test_who_is_asked_where_nobody_is_named(call: Any, model: ModelServer) -> None:
    other = reaching(model, LLMSPELL_EMBEDDING_MODEL="openai/my-own-model")
    assert (await call(EmbeddingTool, {"text": "x"}, environ=other))["model"] == "openai/my-own-model"
    claude = reaching(model, LLMSPELL_DEFAULT_MODEL="anthropic/claude-haiku-4-5", ANTHROPIC_API_KEY="k")
    assert (await call(EmbeddingTool, {"text": "x"}, environ=claude))["model"] == "openai/text-embedding-3-small"
    offline = reaching(model, LLMSPELL_DEFAULT_MODEL="offline")
    assert (await call(EmbeddingTool, {"text": "x"}, environ=offline))["method"] == "lexical"
    with pytest.raises(LlmspellError, match="anthropic has no embeddings"):
        await call(EmbeddingTool, {"text": "x"}, options={"model": "anthropic/claude-haiku-4-5"}, environ=claude)
    with pytest.raises(ToolError, match="no provider for embeddings"):
        await call(EmbeddingTool, {"text": "x"}, options={"method": "provider"}, environ={})
    with pytest.raises(ProviderError, match="OPENAI_API_KEY is not set"):
        await call(EmbeddingTool, {"text": "x"}, options={"model": "text-embedding-ada-002"}, environ={})


async def test_another_address_needs_its_permission_and_gets_no_key_of_the_host(call: Any, model: ModelServer) -> None:
    options = {"model": "openai/m", "base_url": model.openai_url}
    environ = {"OPENAI_API_KEY": "the-hosts-key"}
    with pytest.raises(PermissionDenied, match=str(model.port)):
        await call(EmbeddingTool, {"text": "x"}, options=options, environ=environ)
    assert model.requests == []
    net = [f"127.0.0.1:{model.port}"]
    await call(EmbeddingTool, {"text": "x"}, options=options, environ=environ, net=net)
    await call(EmbeddingTool, {"text": "x"}, options={**options, "api_key": "its-own"}, environ=environ, net=net)
    assert [request.headers.get("authorization") for request in model.requests] == [None, "Bearer its-own"]


async def test_litellm_embeds_for_the_providers_that_only_it_knows(call: Any, model: ModelServer) -> None:
    options = {"model": "litellm/openai/my-model", "base_url": model.openai_url, "api_key": "k"}
    net = [f"127.0.0.1:{model.port}"]
    found = await call(EmbeddingTool, {"text": "one text"}, options=options, net=net)
    assert found["method"] == "provider"
    assert found["embedding"] == pytest.approx(embeddings.vector("one text", embeddings.DIMENSIONS), abs=1e-6)
    assert (model.requests[0].path, model.requests[0].json["model"]) == ("/v1/embeddings", "my-model")


# -- by a model in a folder ----------------------------------------------------------------------------------------

TEXTS = ["A spell", "the moon is a small program", "spells", "a", "unknown words 123"]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"pooling": "cls"},
        {"pooling": "max", "normalise": False},
        {"normalise": False, "prefix": "bert."},
        {"config": {"model_type": "roberta", "pad_token_id": 1, "layer_norm_eps": 1e-5}},
    ],
    ids=lambda options: " ".join(map(str, options)) or "as MiniLM",
)
async def test_a_folders_model_gives_what_the_equations_say(call: Any, sentence_model: Any, options: Any) -> None:
    made = sentence_model(**options)
    found = await call(EmbeddingTool, {"texts": TEXTS}, options={"model_path": "model"})
    assert (found["method"], found["model"], found["dimensions"]) == ("local", "model", 8)
    for text, vector in zip(TEXTS, found["embeddings"], strict=True):
        assert vector == pytest.approx(made.vector(text), abs=2e-5), text
    assert "usage" not in found


async def test_a_text_longer_than_the_model_reads_is_cut_and_said(call: Any, sentence_model: Any) -> None:
    made = sentence_model(length=6)
    long = "the moon is a small program is a spell"
    found = await call(EmbeddingTool, {"texts": [long, "a"]}, options={"model_path": "model"})
    assert found["truncated"] == 1
    assert found["embeddings"][0] == pytest.approx(made.vector(long), abs=2e-5)


async def test_a_models_own_prompts_go_before_questions(call: Any, sentence_model: Any) -> None:
    made = sentence_model(prompts={"query": "query ", "passage": "the "})
    for purpose, said in (("query", "query moon"), ("document", "the moon")):
        found = await call(EmbeddingTool, {"text": "moon", "purpose": purpose}, options={"model_path": "model"})
        assert found["embedding"] == pytest.approx(made.vector(said), abs=2e-5)


def _json(name: str, **changes: Any) -> Any:
    def damage(folder: Path) -> None:
        value = json.loads((folder / name).read_text())
        (folder / name).write_text(json.dumps(value | changes))

    return damage


def _bytes(name: str, data: bytes) -> Any:
    return lambda folder: (folder / name).write_bytes(data)


DAMAGED = {
    "no configuration": (lambda folder: (folder / "config.json").unlink(), "does not exist"),
    "no weights": (lambda folder: (folder / "model.safetensors").unlink(), "does not exist"),
    "no JSON": (_bytes("config.json", b"{"), "not a JSON object"),
    "deep JSON": (_bytes("config.json", b"[" * 100_000), "not a JSON object"),
    "a list": (_bytes("config.json", b"[]"), "not a JSON object"),
    "a huge configuration": (_bytes("config.json", b" " * (2 << 20)), "larger than"),
    "another kind": (_json("config.json", model_type="t5"), "kind 't5'"),
    "relative positions": (_json("config.json", position_embedding_type="relative_key"), "not absolute"),
    "no heads": (_json("config.json", num_attention_heads=0), "num_attention_heads"),
    "heads that divide nothing": (_json("config.json", num_attention_heads=3), "do not divide"),
    "a million layers": (_json("config.json", num_hidden_layers=10**6), "num_hidden_layers"),
    "layers that are not there": (_json("config.json", num_hidden_layers=9), "no 'encoder.layer.2"),
    "an unknown activation": (_json("config.json", hidden_act="swish"), "'swish'"),
    "another module": (_bytes("modules.json", b'[{"type": "x.Dense"}]'), "'Dense'"),
    "modules of no shape": (_bytes("modules.json", b'{"a": 1}'), "modules.json"),
    "two poolings": (_json("1_Pooling/config.json", pooling_mode_cls_token=True), "pooling"),
    "no tokenizer": (_bytes("tokenizer.json", b"\xff\xfe"), "tokenizer.json"),
    "an empty tokenizer": (_bytes("tokenizer.json", b"{}"), "tokenizer.json"),
    "weights of noise": (_bytes("model.safetensors", b"\xff" * 200), "weights cannot be read"),
    "weights that promise much": (_bytes("model.safetensors", b"\xff\xff\xff\x7f\0\0\0\0{}"), "weights cannot be read"),
    "a folder for weights": (
        lambda folder: ((folder / "model.safetensors").unlink(), (folder / "model.safetensors").mkdir()),
        "is a folder",
    ),
}


@pytest.mark.parametrize("case", DAMAGED)
async def test_a_damaged_folder_is_one_clear_error(call: Any, sentence_model: Any, case: str) -> None:
    damage, said = DAMAGED[case]
    damage(sentence_model().folder)
    with pytest.raises(ToolError) as error:
        await call(EmbeddingTool, {"text": "a spell"}, options={"model_path": "model"})
    assert said in error.value.message
    assert "Traceback" not in error.value.message


async def test_a_model_is_read_only_where_the_run_may_read(call: Any, sentence_model: Any, project: Path) -> None:
    made = sentence_model()
    outside = project.parent / "secret"
    shutil.move(made.folder / "model.safetensors", outside)
    (made.folder / "model.safetensors").symlink_to(outside)
    with pytest.raises(PermissionDenied, match="may not read"):
        await call(EmbeddingTool, {"text": "a"}, options={"model_path": "model"})
    found = await call(EmbeddingTool, {"text": "a"}, options={"model_path": "model"}, read=[outside])
    assert found["method"] == "local"


async def test_the_process_keeps_its_model_and_dies_when_the_work_is_cut_off(tmp_path: Path) -> None:
    kept = Kept(str(tmp_path))
    pids = [await kept.ask("os:getpid") for _ in range(2)]
    assert pids[0] == pids[1]
    endless = asyncio.create_task(kept.ask("re:fullmatch", pattern="(a+)+b", string="a" * 60))
    behind = asyncio.create_task(kept.ask("os:getpid"))
    while not _computing(pids[0]):
        await asyncio.sleep(0)
    endless.cancel()
    with pytest.raises(asyncio.CancelledError):
        await endless
    assert await behind != pids[0]
    assert not _alive(pids[0])
    with pytest.raises(ToolError, match="ended in the middle"):
        await kept.ask("os:_exit", status=3)
    with pytest.raises(ToolError, match="JSONDecodeError"):
        await kept.ask("json:loads", s="{")
    await kept.close()


def _alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def _computing(pid: int) -> bool:
    """Whether a process has used 0.2 s of the processor since it started."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) > 20


# -- by letters ----------------------------------------------------------------------------------------------------


async def test_without_a_model_it_compares_letters_and_says_so(call: Any) -> None:
    texts = ["How to reset a password", "Opening hours of the museum", "RESETTING PASSWORDS", "…"]
    asked = {"operation": "compare", "text": "I want my password reset", "texts": texts}
    found = await call(EmbeddingTool, asked, environ={})
    assert (found["method"], found["model"], found["dimensions"]) == ("lexical", "lexical-1", 512)
    assert [each["index"] for each in found["similarities"]][:2] in ([0, 2], [2, 0])
    by_index = {each["index"]: each["similarity"] for each in found["similarities"]}
    assert by_index[0] > 0.3 > abs(by_index[1])
    assert by_index[3] == 0
    assert "embedding" not in found


def test_lexical_vectors_are_the_same_everywhere_and_of_length_one() -> None:
    (found,) = lexical.embed(["Spells are small programs."], 8)
    assert [round(number, 6) for number in found] == LEXICAL
    assert math.hypot(*found) == pytest.approx(1)
    one, two = lexical.embed(["Ｆull\u00a0WIDTH", "full width"])
    assert one == two


LEXICAL = [-0.284618, -0.143439, -0.069168, 0.895779, -0.163461, -0.194285, -0.098092, 0.130864]


async def test_what_is_missing_or_too_much_is_said(call: Any) -> None:
    for params in ({}, {"text": "a", "texts": ["b"]}, {"operation": "compare", "text": "a"}, {"text": ""}):
        with pytest.raises(SchemaError):
            await call(EmbeddingTool, params)
    with pytest.raises(SchemaError, match="4000000 characters"):
        await call(EmbeddingTool, {"texts": ["x" * 200_000] * 21})
    with pytest.raises(SchemaError, match="needs its folder"):
        await call(EmbeddingTool, {"text": "a"}, options={"method": "local"})
    with pytest.raises(SchemaError, match="the length that they have"):
        await call(EmbeddingTool, {"text": "a"}, options={"model_path": "m", "dimensions": 8})


# -- in spells -----------------------------------------------------------------------------------------------------

SPELL = {
    "lua": "local tool = EmbeddingTool.new{ model = 'text-embedding-3-small', dimensions = 32 }\n"
    "local found = tool:execute{ texts = { 'a', 'b' } }\n"
    "return { found.method, #found.embeddings, #found.embeddings[1], found.usage.input_tokens, tool.name }",
    "js": "const tool = new EmbeddingTool({ model: 'text-embedding-3-small', dimensions: 32 });\n"
    "const found = await tool.execute({ texts: ['a', 'b'] });\n"
    "return [found.method, found.embeddings.length, found.embeddings[0].length, found.usage.input_tokens, tool.name];",
}


@both
@pytest.mark.mission(100)
async def test_a_spell_embeds_and_its_replay_asks_nobody(cast: Any, model: ModelServer, language: str) -> None:
    spell = await cast(**{language: SPELL[language]}, model=model)
    assert spell.value == ["provider", 2, 32, 2, "embedding"]
    (called,) = spell.of("tool_completed")
    assert called.data["usage"] == {"input_tokens": 2, "cost": pytest.approx(4e-8)}
    (ended,) = spell.of("spell_completed")
    assert ended.data["usage"] == {"total": 2, "cost": pytest.approx(4e-8)}
    again = await cast(**{language: SPELL[language]}, replay=spell.recording)
    assert again.value == spell.value
    assert again.of("spell_completed")[0].data["usage"] == ended.data["usage"]
    assert len(model.requests) == 1


async def test_what_vectors_cost_counts_towards_the_runs_limit(cast: Any, model: ModelServer) -> None:
    lua = (
        "EmbeddingTool.new{ model = 'text-embedding-3-small' }:execute{ text = string.rep('word ', 1000) }\n"
        "return Agent.new{}:chat('hello')"
    )
    spell = await cast(lua=lua, model=model, flags={"limits.max_cost": 0.00001})
    assert spell.result.error is not None
    assert "has spent $0.0000" in spell.result.error.message
    assert [request.path for request in model.requests] == ["/v1/embeddings"]
