"""The namespace `logger`: what a spell has to say to whoever runs it, as events and on stderr.

Every message is a `log` event, whatever its level: the trace is the whole truth, and the same with any setting.
`[log] level` says from which level on they are also shown, `[log] format` how.
"""

from __future__ import annotations

from typing import Any, Final, Literal

from llmspell.api.describe import exposed, method
from llmspell.errors import LlmspellError
from llmspell.run import Run
from llmspell.security.masking import Masker

#: In order; `off` is a setting and no level.
LEVELS: Final = ("debug", "info", "warn", "error", "off")
Level = Literal["debug", "info", "warn", "error"]
Message = Any
"""A text, or a table whose `message` is the text and whose other fields say more."""

#: Characters of one field in a line on stderr; the event has all of it.
_SHOWN: Final = 500


@exposed(name="logger", namespace=True)
class Logger:
    """Structured messages: in the run's trace as `log` events, and on stderr from `[log] level` on.

    `logger:error{ message = "…", agent_id = id }` and `logger:error("…", { agent_id = id })` say the same.
    """

    def __init__(self, run: Run) -> None:
        self._run = run

    @method(example='logger:debug("asking", { city = city })')
    def debug(self, message: Message, fields: dict[str, Any] | None = None) -> None:
        """For whoever looks for a mistake."""
        self._log("debug", message, fields)

    @method(example='logger:info("done", { pages = 3 })')
    def info(self, message: Message, fields: dict[str, Any] | None = None) -> None:
        """What has happened, in the normal course."""
        self._log("info", message, fields)

    @method()
    def warn(self, message: Message, fields: dict[str, Any] | None = None) -> None:
        """Something that may become a trouble."""
        self._log("warn", message, fields)

    @method(example='logger:error{ message = "no answer", agent_id = context.agent_id, error = context.error }')
    def error(self, message: Message, fields: dict[str, Any] | None = None) -> None:
        """Something that went wrong."""
        self._log("error", message, fields)

    def _log(self, level: Level, message: Message, fields: dict[str, Any] | None) -> None:
        from llmspell.traces.describe import describe

        text, more = _parts(message)
        told = {key: describe(_plain(value)) for key, value in {**more, **(fields or {})}.items()}
        self._run.emit("log", level, {"level": level, "message": text, "fields": told})
        log = self._run.settings.log
        if LEVELS.index(level) >= LEVELS.index(log.level):
            self._run.say("err", self._run.service(Masker).text(_line(log.format, level, text, told)))


def _parts(message: Message) -> tuple[str, dict[str, Any]]:
    match message:
        case dict():
            fields = {str(key): value for key, value in message.items()}
            text = fields.pop("message", "")
            return (text if isinstance(text, str) else _text(_plain(text))), fields
        case str():
            return message, {}
        case LlmspellError():
            return message.message, {"error": message}
        case None:
            return "", {}
        case _:
            return _text(_plain(message)), {}


def _plain(value: Any) -> Any:
    return value.to_value() if isinstance(value, LlmspellError) else value


def _line(form: str, level: Level, message: str, fields: dict[str, Any]) -> str:
    if form == "json":
        import json

        return json.dumps({"level": level, "message": message, **fields}) + "\n"
    from llmspell.traces.summary import plain

    more = "".join(f" {plain(key)}={_text(value)}" for key, value in fields.items())
    return f"{level}: {plain(message)}{more}\n"


def _text(value: Any) -> str:
    """A field's value in one line, quoted where it has spaces; an error by its message."""
    import json

    from llmspell.traces.describe import describe
    from llmspell.traces.summary import plain

    match value:
        case {"message": str(message), "type": str()}:
            return json.dumps(plain(message), ensure_ascii=False)
        case str() if value and not set(value) & set(" =\"'\t\n\r"):
            return plain(value)[:_SHOWN]
        case _:
            return plain(json.dumps(describe(value), ensure_ascii=False)[:_SHOWN])
