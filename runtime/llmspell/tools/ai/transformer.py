"""BERT's forward pass in numpy, for sentence models: BERT, MiniLM, RoBERTa, XLM-RoBERTa, from safetensors.

The arithmetic is Devlin et al.'s, float32 throughout; it agrees with the libraries that trained the models to 1e-6.
Knows no tokenizer and no file: it is given tensors by name. Runs in the process of `kept`, for numpy starts threads.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from llmspell.errors import ToolError

Floats = NDArray[np.float32]
Tensors = Mapping[str, Floats]

KINDS: Final = ("bert", "roberta", "xlm-roberta")
_PREFIXES: Final = ("", "bert.", "roberta.", "model.")
_MASKED: Final = np.float32(-1e9)


class Transformer:
    """One model. config: of its config.json. Raises ToolError for one of another kind, and for tensors that do not
    fit together."""

    def __init__(self, config: Mapping[str, Any], tensors: Tensors) -> None:
        kind = config.get("model_type")
        if kind not in KINDS:
            raise ToolError(
                f"the model is of the kind {kind!r}, which cannot be run here", hint=f"it must be {', '.join(KINDS)}"
            )
        if config.get("position_embedding_type", "absolute") != "absolute":
            raise ToolError("the model's positions are not absolute, which cannot be run here", hint="take another")
        self._tensors = tensors
        self._prefix = next((each for each in _PREFIXES if f"{each}{_WORDS}" in tensors), "")
        self._heads = _whole(config, "num_attention_heads")
        self._epsilon = np.float32(float(config.get("layer_norm_eps", 1e-12)))
        self._act = _activation(str(config.get("hidden_act", "gelu")))
        self._words = self._get(_WORDS)
        self._positions = self._get("embeddings.position_embeddings.weight")
        self._types = self._get("embeddings.token_type_embeddings.weight")
        self._layers = _whole(config, "num_hidden_layers")
        # RoBERTa counts positions from behind its padding's own.
        self._first = 0 if kind == "bert" else _whole(config, "pad_token_id") + 1
        if self.dimensions % self._heads:
            raise ToolError("the model's heads do not divide its width", hint="is its config.json another model's?")

    @property
    def dimensions(self) -> int:
        return int(self._words.shape[1])

    @property
    def longest(self) -> int:
        """Tokens that it has positions for."""
        return int(self._positions.shape[0]) - self._first

    def states(self, ids: NDArray[np.int64], mask: NDArray[np.bool_]) -> Floats:
        """The last layer's states of a batch: texts x tokens x dimensions. mask: False where a text is padded."""
        if int(ids.max(initial=0)) >= len(self._words):
            raise ToolError("the tokenizer knows tokens that the model does not", hint="are both of one model?")
        length = ids.shape[1]
        state = self._words[ids] + self._positions[self._first : self._first + length] + self._types[0]
        state = self._normed(state, "embeddings.LayerNorm")
        bias = np.where(mask, np.float32(0), _MASKED)[:, None, None, :]
        for number in range(self._layers):
            state = self._layer(state, bias, f"encoder.layer.{number}.")
        return state

    def _layer(self, state: Floats, bias: Floats, name: str) -> Floats:
        texts, length, width = state.shape
        size = width // self._heads

        def heads(what: str) -> Floats:
            found = self._linear(state, f"{name}attention.self.{what}")
            return found.reshape(texts, length, self._heads, size).transpose(0, 2, 1, 3)

        query, key, value = heads("query"), heads("key"), heads("value")
        scores = query @ key.transpose(0, 1, 3, 2) / np.float32(np.sqrt(size)) + bias
        scores -= scores.max(-1, keepdims=True)
        np.exp(scores, out=scores)
        scores /= scores.sum(-1, keepdims=True)
        seen = (scores @ value).transpose(0, 2, 1, 3).reshape(texts, length, width)
        seen = self._linear(seen, f"{name}attention.output.dense")
        state = self._normed(state + seen, f"{name}attention.output.LayerNorm")
        inner = self._act(self._linear(state, f"{name}intermediate.dense"))
        return self._normed(state + self._linear(inner, f"{name}output.dense"), f"{name}output.LayerNorm")

    def _linear(self, state: Floats, name: str) -> Floats:
        weight = self._get(f"{name}.weight")
        # one product of two matrices; with three axes numpy would make one for each text
        found = state.reshape(-1, state.shape[-1]) @ weight.T + self._get(f"{name}.bias")
        return found.reshape(*state.shape[:-1], len(weight))

    def _normed(self, state: Floats, name: str) -> Floats:
        centred = state - state.mean(-1, keepdims=True)
        spread = np.sqrt((centred * centred).mean(-1, keepdims=True) + self._epsilon)
        return centred / spread * self._get(f"{name}.weight") + self._get(f"{name}.bias")

    def _get(self, name: str) -> Floats:
        found = self._tensors.get(self._prefix + name)
        if found is None:
            raise ToolError(f"the model's weights have no {name!r}", hint="is model.safetensors a sentence model's?")
        return found


_WORDS: Final = "embeddings.word_embeddings.weight"


def _activation(name: str) -> Callable[[Floats], Floats]:
    match name:
        case "gelu":
            return _gelu
        case "gelu_new" | "gelu_pytorch_tanh":
            return _gelu_tanh
        case "relu":
            return lambda state: np.maximum(state, np.float32(0))
        case _:
            raise ToolError(f"the model's activation {name!r} is not known here", hint="gelu, gelu_new or relu")


def _gelu(state: Floats) -> Floats:
    """x/2 (1 + erf(x/√2)), erf by Abramowitz and Stegun's 7.1.26: off by less than 1.5e-7, as float32 itself is."""
    scaled = np.abs(state) * np.float32(0.7071067811865476)
    part = 1 / (1 + np.float32(0.3275911) * scaled)
    series = np.zeros_like(part)
    for factor in (1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592):
        series = (series + np.float32(factor)) * part
    error = np.copysign(1 - series * np.exp(-scaled * scaled), state)
    return np.float32(0.5) * state * (1 + error)


def _gelu_tanh(state: Floats) -> Floats:
    inner = np.float32(0.7978845608028654) * (state + np.float32(0.044715) * state**3)
    return np.float32(0.5) * state * (1 + np.tanh(inner))


def _whole(config: Mapping[str, Any], name: str) -> int:
    found = config.get(name)
    if not isinstance(found, int) or not 0 <= found <= 10_000 or (found == 0 and name != "pad_token_id"):
        raise ToolError(f"the model's config.json has no {name} that can be used", hint="is the folder whole?")
    return found
