"""The two protocols as a service speaks them: requests read, answers written whole or as a stream of events.

`Wire` is the seam: one for OpenAI's chat completions, one for Anthropic's messages. Knows no sockets.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final, Literal, Protocol

from llmspell.providers.base import Image, Message, Request, ToolSpec
from llmspell.providers.calls import call_of, write_arguments
from llmspell.providers.offline import count, tokens, words
from llmspell.testing.answers import Answer

#: Characters of a tool call's arguments that one event of a stream carries.
_PIECE: Final = 5


class Wire(Protocol):
    def request(self, body: dict[str, Any]) -> Request: ...
    def whole(self, answer: Answer, request: Request, number: int) -> dict[str, Any]: ...
    def events(self, answer: Answer, request: Request, number: int, usage: bool) -> Iterator[bytes]: ...
    def error(self, answer: Answer) -> dict[str, Any]: ...
    def error_event(self) -> bytes: ...


def _written(answer: Answer) -> int:
    return tokens(answer.text) + sum(tokens(call.name + write_arguments(call.arguments)) for call in answer.tool_calls)


def _dump(value: object) -> bytes:
    # Text outside ASCII goes as UTF-8, so that splitting a stream splits characters too.
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")


class OpenAIWire:
    """Chat completions."""

    _FINISH: Final = {
        "stop": "stop",
        "tool_calls": "tool_calls",
        "length": "length",
        "content_filter": "content_filter",
    }
    _ERRORS: Final = {
        400: ("invalid_request_error", "invalid_request"),
        401: ("invalid_request_error", "invalid_api_key"),
        404: ("invalid_request_error", "model_not_found"),
        429: ("requests", "rate_limit_exceeded"),
    }

    def request(self, body: dict[str, Any]) -> Request:
        system: list[str] = []
        messages: list[Message] = []
        for message in body["messages"]:
            text, images = self._content(message.get("content"))
            if message["role"] in ("system", "developer"):
                system.append(text)
                continue
            calls = tuple(
                call_of(call["id"], call["function"]["name"], call["function"]["arguments"], n)
                for n, call in enumerate(message.get("tool_calls") or ())
            )
            identifier = message.get("tool_call_id", "")
            messages.append(Message(message["role"], text, images, calls, identifier))
        tools = tuple(
            ToolSpec(tool["function"]["name"], tool["function"].get("description", ""), tool["function"]["parameters"])
            for tool in body.get("tools") or ()
        )
        format_ = body.get("response_format") or {}
        choice: Any = body.get("tool_choice")
        if isinstance(choice, dict):
            tools = tuple(tool for tool in tools if tool.name == choice["function"]["name"])
            choice = "required"
        return Request(
            model=body["model"],
            messages=tuple(messages),
            system="\n".join(system),
            tools=tools,
            tool_choice=choice,
            schema=format_.get("json_schema", {}).get("schema") if format_.get("type") == "json_schema" else None,
        )

    def _content(self, content: Any) -> tuple[str, tuple[Image, ...]]:
        if not isinstance(content, list):
            return content or "", ()
        text = "".join(part["text"] for part in content if part["type"] == "text")
        return text, tuple(Image(url=part["image_url"]["url"]) for part in content if part["type"] == "image_url")

    def whole(self, answer: Answer, request: Request, number: int) -> dict[str, Any]:
        message: dict[str, Any] = {"role": "assistant", "content": answer.text or None, "refusal": None}
        if answer.tool_calls:
            message["tool_calls"] = [
                {
                    "id": call.id,
                    "type": "function",
                    "function": {"name": call.name, "arguments": write_arguments(call.arguments)},
                }
                for call in answer.tool_calls
            ]
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": self._finish(answer)}
        head = {"id": f"chatcmpl-{number}", "object": "chat.completion", "created": 1, "model": request.model}
        return {**head, "choices": [choice], "usage": self._usage(answer, request)}

    def events(self, answer: Answer, request: Request, number: int, usage: bool) -> Iterator[bytes]:
        head = {"id": f"chatcmpl-{number}", "object": "chat.completion.chunk", "created": 1, "model": request.model}

        def event(delta: dict[str, Any], finish: str | None = None) -> bytes:
            choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
            return b"data: " + _dump({**head, "choices": [choice]}) + b"\n\n"

        yield event({"role": "assistant", "content": "", "refusal": None})
        for chunk in answer.chunks or words(answer.text):
            yield event({"content": chunk})
        for index, call in enumerate(answer.tool_calls):
            start = {"name": call.name, "arguments": ""}
            yield event({"tool_calls": [{"index": index, "id": call.id, "type": "function", "function": start}]})
            text = write_arguments(call.arguments)
            for at in range(0, len(text), _PIECE):
                piece = {"index": index, "function": {"arguments": text[at : at + _PIECE]}}
                yield event({"tool_calls": [piece]})
        yield event({}, self._finish(answer))
        if usage:
            yield b"data: " + _dump({**head, "choices": [], "usage": self._usage(answer, request)}) + b"\n\n"
        yield b"data: [DONE]\n\n"

    def error(self, answer: Answer) -> dict[str, Any]:
        kind, code = self._ERRORS.get(answer.status, ("server_error", "server_error"))
        message = answer.message or f"The server was told to answer {answer.status}."
        return {"error": {"message": message, "type": kind, "param": None, "code": code}}

    def error_event(self) -> bytes:
        return b"data: " + _dump(self.error(Answer(status=500, message="The stream broke."))) + b"\n\n"

    def _finish(self, answer: Answer) -> str:
        return self._FINISH[answer.finish or ("tool_calls" if answer.tool_calls else "stop")]

    def _usage(self, answer: Answer, request: Request) -> dict[str, Any]:
        read, written = count(request), _written(answer)
        return {
            "prompt_tokens": read,
            "completion_tokens": written,
            "total_tokens": read + written,
            "prompt_tokens_details": {"cached_tokens": answer.cached},
        }


class AnthropicWire:
    """Messages."""

    _FINISH: Final = {"stop": "end_turn", "tool_calls": "tool_use", "length": "max_tokens", "content_filter": "refusal"}
    _ERRORS: Final = {
        400: "invalid_request_error",
        401: "authentication_error",
        403: "permission_error",
        404: "not_found_error",
        413: "request_too_large",
        429: "rate_limit_error",
        529: "overloaded_error",
    }

    def request(self, body: dict[str, Any]) -> Request:
        messages: list[Message] = []
        for message in body["messages"]:
            messages.extend(self._messages(message["role"], message["content"]))
        system = body.get("system") or ""
        tools = tuple(
            ToolSpec(tool["name"], tool.get("description", ""), tool["input_schema"])
            for tool in body.get("tools") or ()
        )
        wanted = body.get("tool_choice") or {}
        choice: Literal["auto", "none", "required"] | None = None
        match wanted.get("type"):
            case "tool":
                tools = tuple(tool for tool in tools if tool.name == wanted["name"])
                choice = "required"
            case "any":
                choice = "required"
            case "auto" | "none" as kind:
                choice = kind
            case _:
                pass
        format_ = (body.get("output_config") or {}).get("format") or body.get("output_format") or {}
        return Request(
            model=body["model"],
            messages=tuple(messages),
            system=system if isinstance(system, str) else "\n".join(block["text"] for block in system),
            tools=tools,
            tool_choice=choice,
            max_tokens=body["max_tokens"],
            schema=format_.get("schema"),
        )

    def _messages(self, role: Any, content: Any) -> Iterator[Message]:
        if isinstance(content, str):
            yield Message(role, content)
            return
        text, images, calls = "", [], []
        for block in content:
            match block["type"]:
                case "text":
                    text += block["text"]
                case "image":
                    source = block["source"]
                    kept = (source.get("media_type", ""), source.get("data", ""), source.get("url", ""))
                    images.append(Image(*kept))
                case "tool_use":
                    calls.append(call_of(block["id"], block["name"], block["input"], len(calls)))
                case "tool_result":
                    said = block.get("content") or ""
                    words_ = said if isinstance(said, str) else "".join(part.get("text", "") for part in said)
                    failed = bool(block.get("is_error"))
                    yield Message("tool", words_, tool_call_id=block["tool_use_id"], is_error=failed)
                case _:
                    pass
        if text or images or calls:
            yield Message(role, text, tuple(images), tuple(calls))

    def whole(self, answer: Answer, request: Request, number: int) -> dict[str, Any]:
        content: list[dict[str, Any]] = [{"type": "text", "text": answer.text}] if answer.text else []
        for call in answer.tool_calls:
            given = call.arguments if isinstance(call.arguments, dict) else {}
            content.append({"type": "tool_use", "id": call.id, "name": call.name, "input": given})
        usage = {**self._read(answer, request), "output_tokens": _written(answer)}
        return self._message(request, number, content, self._finish(answer), usage)

    def events(self, answer: Answer, request: Request, number: int, usage: bool) -> Iterator[bytes]:
        del usage  # always told
        start = {**self._read(answer, request), "output_tokens": 1}
        yield self._event("message_start", message=self._message(request, number, [], None, start))
        yield self._event("ping")
        first = 0
        if answer.text:
            yield self._event("content_block_start", index=0, content_block={"type": "text", "text": ""})
            for chunk in answer.chunks or words(answer.text):
                yield self._event("content_block_delta", index=0, delta={"type": "text_delta", "text": chunk})
            yield self._event("content_block_stop", index=0)
            first = 1
        for index, call in enumerate(answer.tool_calls, first):
            block = {"type": "tool_use", "id": call.id, "name": call.name, "input": {}}
            yield self._event("content_block_start", index=index, content_block=block)
            text = write_arguments(call.arguments)
            for at in range(0, len(text), _PIECE):
                delta = {"type": "input_json_delta", "partial_json": text[at : at + _PIECE]}
                yield self._event("content_block_delta", index=index, delta=delta)
            yield self._event("content_block_stop", index=index)
        ending = {"stop_reason": self._finish(answer), "stop_sequence": None}
        yield self._event("message_delta", delta=ending, usage={"output_tokens": _written(answer)})
        yield self._event("message_stop")

    def error(self, answer: Answer) -> dict[str, Any]:
        kind = self._ERRORS.get(answer.status, "api_error")
        message = answer.message or f"The server was told to answer {answer.status}."
        return {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_1"}

    def error_event(self) -> bytes:
        return self._event("error", error={"type": "overloaded_error", "message": "Overloaded"})

    def _event(self, kind: str, **fields: Any) -> bytes:
        return b"event: " + kind.encode() + b"\ndata: " + _dump({"type": kind, **fields}) + b"\n\n"

    def _message(
        self, request: Request, number: int, content: list[dict[str, Any]], finish: str | None, usage: dict[str, Any]
    ) -> dict[str, Any]:
        head = {"id": f"msg_{number}", "type": "message", "role": "assistant", "model": request.model}
        return {**head, "content": content, "stop_reason": finish, "stop_sequence": None, "usage": usage}

    def _finish(self, answer: Answer) -> str:
        return self._FINISH[answer.finish or ("tool_calls" if answer.tool_calls else "stop")]

    def _read(self, answer: Answer, request: Request) -> dict[str, Any]:
        cached = min(answer.cached, count(request))
        fresh = count(request) - cached
        return {"input_tokens": fresh, "cache_read_input_tokens": cached, "cache_creation_input_tokens": 0}


WIRES: Final[dict[Literal["openai", "anthropic"], Wire]] = {"openai": OpenAIWire(), "anthropic": AnthropicWire()}
