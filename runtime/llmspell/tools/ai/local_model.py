"""A sentence model in a folder, in sentence-transformers' layout: tokenizer, transformer, pooling, normalising.

Runs in the process of `kept`, where the model loaded last stays loaded. The files were opened and permitted by the
host; they are opened here by their true paths and must be the same ones. Knows no permission.
"""

from __future__ import annotations

import json
import os
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from tokenizers import Encoding, Tokenizer

from llmspell.errors import ToolError
from llmspell.tools.ai.transformer import Floats, Transformer

#: True path, device, inode, changed (ns), bytes.
File = list[Any]

#: Tokens of one batch, padding counted: 4096 with 12 heads need 100 MB for scores at worst.
_BATCH: Final = 4096
_MAX_TOKENIZER: Final = 64 << 20
_MODULES: Final = frozenset({"Transformer", "Pooling", "Normalize"})
#: What a prompt is called in config_sentence_transformers.json, by what a text is for.
_PROMPTS: Final = {"query": ("query",), "document": ("document", "passage", "corpus")}


def embed(configs: dict[str, str], files: dict[str, File], texts: list[str], purpose: str) -> dict[str, Any]:
    """`vectors` (32-bit floats, one text after the other), `dimensions`, `truncated` (texts longer than the model
    reads) and `tokens`. configs: JSON texts by name. files: tokenizer.json and model.safetensors."""
    return _loaded(configs, files).embed(texts, purpose)


class SentenceModel:
    def __init__(self, configs: Mapping[str, str], files: Mapping[str, File]) -> None:
        modules = _modules(configs)
        self._transformer = Transformer(_config(configs, "config.json"), _tensors(files["model.safetensors"]))
        self._tokenizer = _tokenizer(files["tokenizer.json"])
        self._pool = _pooling(_config(configs, "pooling")) if "Pooling" in modules else "mean"
        self._normalise = "Normalize" in modules
        sentence = _config(configs, "sentence_bert_config.json")
        self._lower = bool(sentence.get("do_lower_case", False))
        given = sentence.get("max_seq_length")
        longest = self._transformer.longest
        self._length = min(given, longest) if isinstance(given, int) and given > 2 else longest
        more = _config(configs, "config_sentence_transformers.json")
        prompts = more.get("prompts")
        self._prompts: dict[str, Any] = prompts if isinstance(prompts, dict) else {}
        self._default = more.get("default_prompt_name")
        self._tokenizer.enable_truncation(self._length)
        self._tokenizer.no_padding()

    def embed(self, texts: list[str], purpose: str) -> dict[str, Any]:
        prompt = self._prompt(purpose)
        found = self._tokenizer.encode_batch([prompt + (text.lower() if self._lower else text) for text in texts])
        order = sorted(range(len(found)), key=lambda at: len(found[at].ids))
        vectors = np.empty((len(texts), self._transformer.dimensions), np.float32)
        for batch in _batches(order, found):
            vectors[batch] = self._vectors([found[at] for at in batch])
        if not np.isfinite(vectors).all():
            raise ToolError("the model gives numbers that are not finite", hint="are its weights damaged?")
        return {
            "vectors": vectors.tobytes(),
            "dimensions": self._transformer.dimensions,
            "truncated": sum(bool(each.overflowing) for each in found),
            "tokens": sum(len(each.ids) for each in found),
        }

    def _prompt(self, purpose: str) -> str:
        names = (*_PROMPTS.get(purpose, ()), *([self._default] if isinstance(self._default, str) else ()))
        return next((text for name in names if isinstance(text := self._prompts.get(name), str)), "")

    def _vectors(self, batch: list[Encoding]) -> Floats:
        length = max(1, max(len(each.ids) for each in batch))
        ids = np.zeros((len(batch), length), np.int64)
        mask = np.zeros((len(batch), length), np.bool_)
        for row, each in enumerate(batch):
            ids[row, : len(each.ids)] = each.ids
            mask[row, : len(each.ids)] = True
        found = self._pooled(self._transformer.states(ids, mask), mask)
        if self._normalise:
            found = found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), np.float32(1e-12))
        return found

    def _pooled(self, states: Floats, mask: NDArray[np.bool_]) -> Floats:
        match self._pool:
            case "cls":
                return states[:, 0]
            case "max":
                return np.where(mask[:, :, None], states, np.float32(-1e9)).max(1)
            case _:
                count = np.maximum(mask.sum(1, keepdims=True), 1).astype(np.float32)
                total = (states * mask[:, :, None]).sum(1)
                return total / (np.sqrt(count) if self._pool == "mean_sqrt_len_tokens" else count)


_kept: tuple[Any, SentenceModel] | None = None


def _loaded(configs: dict[str, str], files: dict[str, File]) -> SentenceModel:
    global _kept
    key = (configs, files)
    if _kept is None or _kept[0] != key:
        _kept = None  # before the next one takes its memory
        _kept = (key, SentenceModel(configs, files))
    return _kept[1]


def _batches(order: list[int], found: list[Encoding]) -> Generator[list[int]]:
    """Texts of like length together; the last of a batch is its longest."""
    batch: list[int] = []
    for at in order:
        if batch and (len(batch) + 1) * max(1, len(found[at].ids)) > _BATCH:
            yield batch
            batch = []
        batch.append(at)
    if batch:
        yield batch


def _config(configs: Mapping[str, str], name: str) -> dict[str, Any]:
    text = configs.get(name)
    if text is None:
        return {}
    try:
        value: Any = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise ToolError(f"the model's {name} is not a JSON object", hint="is the folder whole?")
    return value


def _modules(configs: Mapping[str, str]) -> set[str]:
    """The last words of the modules' types. A folder without modules.json is a bare transformer, pooled by mean."""
    text = configs.get("modules.json")
    if text is None:
        return {"Transformer"}
    try:
        found = {str(each["type"]).rpartition(".")[2] for each in json.loads(text)}
    except (ValueError, RecursionError, TypeError, KeyError):
        raise ToolError("the model's modules.json cannot be read", hint="is the folder whole?") from None
    if odd := sorted(found - _MODULES):
        raise ToolError(
            f"the model has the module {odd[0]!r}, which cannot be run here",
            hint="it may have Transformer, Pooling and Normalize",
        )
    return found


def _pooling(config: Mapping[str, Any]) -> str:
    named = config.get("pooling_mode")  # newer folders name it, older ones have a flag for each
    flags = [name.removeprefix("pooling_mode_") for name, value in config.items() if value is True]
    chosen = (
        [named]
        if isinstance(named, str)
        else [name.removesuffix("_tokens") for name in flags if name != "include_prompt"]
    )
    names = {"mean": "mean", "cls": "cls", "cls_token": "cls", "max": "max", "mean_sqrt_len": "mean_sqrt_len_tokens"}
    names["mean_sqrt_len_tokens"] = "mean_sqrt_len_tokens"
    if len(chosen) != 1 or chosen[0] not in names:
        raise ToolError(f"the model's pooling {chosen!r} cannot be done here", hint="mean, cls, max or mean_sqrt_len")
    return names[chosen[0]]


@contextmanager
def _opened(file: File) -> Generator[int]:
    path, device, inode, *_ = file
    found = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        info = os.fstat(found)
        if (info.st_dev, info.st_ino) != (device, inode):
            raise ToolError(f"{path!r} changed while it was being opened", hint="try again")
        yield found
    finally:
        os.close(found)


def _tokenizer(file: File) -> Tokenizer:
    with _opened(file) as opened, os.fdopen(os.dup(opened), "rb") as reader:
        data = reader.read(_MAX_TOKENIZER + 1)
    if len(data) > _MAX_TOKENIZER:
        raise ToolError(f"the model's tokenizer.json is larger than {_MAX_TOKENIZER >> 20} MB", hint="take another")
    try:
        return Tokenizer.from_str(data.decode())
    except Exception as error:  # the library raises bare Exceptions
        raise ToolError(f"the model's tokenizer.json cannot be read: {str(error)[:200]}") from None


def _tensors(file: File) -> dict[str, Floats]:
    found: dict[str, Floats] = {}
    try:
        with _opened(file) as opened, safe_open(f"/proc/self/fd/{opened}", framework="numpy") as reader:
            for name in reader.keys():  # noqa: SIM118  it is no mapping
                tensor = reader.get_tensor(name)
                if tensor.dtype.kind == "f":
                    found[name] = np.ascontiguousarray(tensor, np.float32)
    except (SafetensorError, TypeError, ValueError, OSError) as error:
        raise ToolError(
            f"the model's weights cannot be read: {str(error)[:200]}", hint="they must be 16- or 32-bit floats"
        ) from None
    return found
