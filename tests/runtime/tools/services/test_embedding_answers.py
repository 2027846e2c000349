"""What a service answers to a request for embeddings is checked before anyone gets it."""

from __future__ import annotations

import base64
import struct
from typing import Any

import pytest

from llmspell.errors import ProviderError
from llmspell.tools.ai import embedders
from llmspell.tools.ai.embedding_tool import EmbeddingTool

PATH = "/v1/embeddings"
TEXTS = {"texts": ["a", "b"]}


def reaching(service: Any) -> dict[str, Any]:
    return {"environ": {"OPENAI_BASE_URL": f"{service.url}/v1", "OPENAI_API_KEY": "k"}}


def rows(*pairs: tuple[Any, Any]) -> dict[str, Any]:
    return {"object": "list", "data": [{"index": index, "embedding": vector} for index, vector in pairs]}


async def test_vectors_are_ordered_by_their_index_and_may_be_packed(call: Any, service: Any) -> None:
    packed = base64.b64encode(struct.pack("<2f", 0.5, -2)).decode()
    service.on("POST", PATH, rows((1, packed), (0, [1, 0.25])))
    found = await call(EmbeddingTool, TEXTS, **reaching(service))
    assert found["embeddings"] == [[1.0, 0.25], [0.5, -2.0]]
    assert found["usage"] == {"input_tokens": 0, "cost": 0}


async def test_servers_that_count_no_index_answer_in_order(call: Any, service: Any) -> None:
    service.on("POST", PATH, {"data": [{"embedding": [1]}, {"embedding": [2]}], "usage": {"prompt_tokens": 4}})
    found = await call(EmbeddingTool, TEXTS, **reaching(service))
    assert (found["embeddings"], found["usage"]["input_tokens"]) == ([[1.0], [2.0]], 4)


WRONG = {
    "no data": {"object": "list"},
    "data of no list": {"data": {"0": [1]}},
    "one too few": rows((0, [1])),
    "one too many": rows((0, [1]), (1, [1]), (2, [1])),
    "an index twice": rows((0, [1]), (0, [1])),
    "an index too high": rows((0, [1]), (2, [1])),
    "an index below": rows((0, [1]), (-1, [1])),
    "an index of letters": rows((0, [1]), ("x", [1])),
    "rows of no shape": {"data": [[1], [2]]},
    "no vector": rows((0, None), (1, [1])),
    "an empty one": rows((0, []), (1, [])),
    "two lengths": rows((0, [1]), (1, [1, 2])),
    "texts": rows((0, ["1"]), (1, ["2"])),
    "truths": rows((0, [True]), (1, [False])),
    "no Base64": rows((0, "%%"), (1, "%%")),
    "half a number": rows((0, "AAAA"), (1, "AAAA")),
    "no number": rows((0, base64.b64encode(b"\0\0\xc0\x7f").decode()), (1, [1])),
    "a vector too long": rows((0, [0] * 20_000), (1, [0] * 20_000)),
}


@pytest.mark.parametrize("case", WRONG)
async def test_an_answer_of_another_shape_is_one_clear_error(
    call: Any, service: Any, case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedders, "_FIRST_PAUSE", 1)
    service.on("POST", PATH, WRONG[case])
    with pytest.raises(ProviderError, match=r"openai (sent|did not answer)") as error:
        await call(EmbeddingTool, TEXTS, **reaching(service))
    assert error.value.hint


async def test_dimensions_that_were_not_kept_to_are_told(
    call: Any, service: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedders, "_FIRST_PAUSE", 1)
    service.on("POST", PATH, rows((0, [1] * 9), (1, [1] * 9)))
    with pytest.raises(ProviderError, match="vectors of 9 numbers where 8"):
        await call(EmbeddingTool, TEXTS, options={"dimensions": 8}, **reaching(service))
