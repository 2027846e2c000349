"""`sentence_model`: small models made on the spot, and what they must give, worked out without numpy: a number at a
time, in 64 bits, from the equations of the paper."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "a", "spell", "is", "small", "program", "##s", "the", "moon", "query"]
CONFIG: dict[str, Any] = {
    "model_type": "bert",
    "hidden_size": 8,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 12,
    "hidden_act": "gelu",
    "layer_norm_eps": 1e-12,
    "max_position_embeddings": 16,
    "type_vocab_size": 2,
    "pad_token_id": 0,
}
MODULES = [
    {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
    {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
    {"idx": 2, "name": "2", "path": "2_Normalize", "type": "sentence_transformers.models.Normalize"},
]


def weights(config: dict[str, Any], prefix: str = "", seed: int = 7) -> dict[str, Any]:
    width, inner = config["hidden_size"], config["intermediate_size"]
    shapes = {
        "embeddings.word_embeddings.weight": (len(WORDS), width),
        "embeddings.position_embeddings.weight": (config["max_position_embeddings"], width),
        "embeddings.token_type_embeddings.weight": (config["type_vocab_size"], width),
        "embeddings.LayerNorm.weight": (width,),
        "embeddings.LayerNorm.bias": (width,),
    }
    for number in range(config["num_hidden_layers"]):
        name = f"encoder.layer.{number}."
        for part in ("attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense"):
            shapes |= {f"{name}{part}.weight": (width, width), f"{name}{part}.bias": (width,)}
        shapes |= {f"{name}intermediate.dense.weight": (inner, width), f"{name}intermediate.dense.bias": (inner,)}
        shapes |= {f"{name}output.dense.weight": (width, inner), f"{name}output.dense.bias": (width,)}
        for part in ("attention.output.LayerNorm", "output.LayerNorm"):
            shapes |= {f"{name}{part}.weight": (width,), f"{name}{part}.bias": (width,)}
    drawn = np.random.default_rng(seed)
    return {prefix + name: drawn.normal(0, 0.7, shape).astype(np.float32) for name, shape in shapes.items()}


def tokenizer() -> Tokenizer:
    made = Tokenizer(models.WordPiece({word: at for at, word in enumerate(WORDS)}, unk_token="[UNK]"))
    made.normalizer = normalizers.BertNormalizer()
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    made.post_processor = processors.TemplateProcessing("[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    return made


def build(
    folder: Path,
    *,
    config: dict[str, Any] | None = None,
    pooling: str = "mean",
    normalise: bool = True,
    prompts: dict[str, str] | None = None,
    length: int = 10,
    prefix: str = "",
) -> dict[str, Any]:
    """Writes the folder and gives the tensors."""
    config = CONFIG | (config or {})
    (folder / "1_Pooling").mkdir(parents=True)
    tensors = weights(config)
    save_file({prefix + name: tensor for name, tensor in tensors.items()}, folder / "model.safetensors")
    tokenizer().save(str(folder / "tokenizer.json"))
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "modules.json").write_text(json.dumps(MODULES if normalise else MODULES[:2]))
    (folder / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": length, "do_lower_case": False}))
    flags = {f"pooling_mode_{name}": name.startswith(pooling) for name in ("cls_token", "mean_tokens", "max_tokens")}
    (folder / "1_Pooling/config.json").write_text(json.dumps({"word_embedding_dimension": 8, **flags}))
    if prompts:
        (folder / "config_sentence_transformers.json").write_text(json.dumps({"prompts": prompts}))
    return {name: tensor.astype(float).tolist() for name, tensor in tensors.items()}


def expected(
    tensors: dict[str, Any], ids: list[int], config: dict[str, Any], pooling: str = "mean", normalise: bool = True
) -> list[float]:
    """The vector of one text by its tokens."""
    config = CONFIG | config
    width, heads = config["hidden_size"], config["num_attention_heads"]
    size = width // heads
    first = 0 if config["model_type"] == "bert" else config["pad_token_id"] + 1

    def linear(row: list[float], name: str) -> list[float]:
        matrix, bias = tensors[f"{name}.weight"], tensors[f"{name}.bias"]
        return [sum(w * x for w, x in zip(line, row, strict=True)) + b for line, b in zip(matrix, bias, strict=True)]

    def normed(row: list[float], name: str) -> list[float]:
        mean = sum(row) / len(row)
        spread = math.sqrt(sum((x - mean) ** 2 for x in row) / len(row) + config["layer_norm_eps"])
        scale, shift = tensors[f"{name}.weight"], tensors[f"{name}.bias"]
        return [(x - mean) / spread * w + b for x, w, b in zip(row, scale, shift, strict=True)]

    def added(one: list[float], two: list[float]) -> list[float]:
        return [x + y for x, y in zip(one, two, strict=True)]

    def gelu(x: float) -> float:
        return x / 2 * (1 + math.erf(x / math.sqrt(2)))

    words, places = tensors["embeddings.word_embeddings.weight"], tensors["embeddings.position_embeddings.weight"]
    kinds = tensors["embeddings.token_type_embeddings.weight"]
    state = [
        normed(added(added(words[token], places[first + at]), kinds[0]), "embeddings.LayerNorm")
        for at, token in enumerate(ids)
    ]
    for number in range(config["num_hidden_layers"]):
        name = f"encoder.layer.{number}."
        query, key, value = (
            [linear(row, f"{name}attention.self.{what}") for row in state] for what in ("query", "key", "value")
        )
        seen: list[list[float]] = []
        for asks in query:
            row: list[float] = []
            for head in range(heads):
                part = slice(head * size, (head + 1) * size)
                raw = [sum(x * y for x, y in zip(asks[part], k[part], strict=True)) / math.sqrt(size) for k in key]
                powers = [math.exp(x - max(raw)) for x in raw]
                share = [power / sum(powers) for power in powers]
                row += [sum(s * v[part][at] for s, v in zip(share, value, strict=True)) for at in range(size)]
            seen.append(row)
        state = [
            normed(added(old, linear(new, f"{name}attention.output.dense")), f"{name}attention.output.LayerNorm")
            for old, new in zip(state, seen, strict=True)
        ]
        inner = [[gelu(x) for x in linear(row, f"{name}intermediate.dense")] for row in state]
        state = [
            normed(added(old, linear(new, f"{name}output.dense")), f"{name}output.LayerNorm")
            for old, new in zip(state, inner, strict=True)
        ]
    if pooling == "cls":
        found = state[0]
    elif pooling == "max":
        found = [max(column) for column in zip(*state, strict=True)]
    else:
        found = [sum(column) / len(state) for column in zip(*state, strict=True)]
    norm = math.hypot(*found) if normalise else 1.0
    return [x / norm for x in found]


class SentenceModel:
    """A folder with a model. options: as `build` takes them."""

    def __init__(self, folder: Path, **options: Any) -> None:
        self.folder = folder
        self.options = options
        self.tensors = build(folder, **options)
        self.tokenizer = tokenizer()

    def vector(self, text: str) -> list[float]:
        self.tokenizer.enable_truncation(self.options.get("length", 10))
        ids = self.tokenizer.encode(text).ids
        how = {name: self.options[name] for name in ("pooling", "normalise") if name in self.options}
        return expected(self.tensors, ids, self.options.get("config") or {}, **how)


@pytest.fixture
def sentence_model(project: Path) -> Any:
    """`sentence_model("name", pooling="cls")` makes one in the project."""
    return lambda name="model", **options: SentenceModel(project / name, **options)
