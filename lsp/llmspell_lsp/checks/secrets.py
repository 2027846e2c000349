"""Keys and passwords that stand in a spell's text, by the form that services give theirs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from llmspell_lsp.analysis.sites import absolute
from llmspell_lsp.checks.chunked import View, by_chunk
from llmspell_lsp.checks.codes import found
from llmspell_lsp.checks.finding import Edit, Finding, Fix
from llmspell_lsp.syntax.nodes import Span, Text
from llmspell_lsp.syntax.texts import place

#: How keys begin, as the services document it; what follows is long enough not to be an example.
_FORMS: Final = (
    ("Anthropic", "ANTHROPIC_API_KEY", r"sk-ant-[\w-]{24,}"),
    ("OpenAI", "OPENAI_API_KEY", r"sk-(?!ant-)(?:proj-|svcacct-|or-v1-)?[A-Za-z0-9_-]{32,}"),
    ("Google", "GEMINI_API_KEY", r"AIza[\w-]{35}"),
    ("Groq", "GROQ_API_KEY", r"gsk_[A-Za-z0-9]{40,}"),
    ("Hugging Face", "HF_TOKEN", r"hf_[A-Za-z0-9]{30,}"),
    ("GitHub", "GITHUB_TOKEN", r"(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_\w{40,})"),
    ("Slack", "SLACK_BOT_TOKEN", r"xox[abprs]-[A-Za-z0-9-]{20,}"),
    ("Amazon", "AWS_ACCESS_KEY_ID", r"(?:AKIA|ASIA)[0-9A-Z]{16}"),
    ("Twilio", "TWILIO_AUTH_TOKEN", r"SK[0-9a-f]{32}"),
    ("", "", r"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----"),
)
_ANY: Final = re.compile("|".join(f"(?<![\\w-])({form})" for _, _, form in _FORMS))
_SIGNS: Final = re.compile(r"sk-|AIza|gsk_|hf_|gh[pousr]_|github_pat_|xox|AKIA|ASIA|SK[0-9a-f]|PRIVATE KEY")


def secrets(view: View) -> Iterator[Finding]:
    for text in view.nodes(Text):
        if not _SIGNS.search(text.raw):
            continue
        for each in _ANY.finditer(text.raw):
            service, variable, _ = _FORMS[(each.lastindex or 1) - 1]
            if len(set(each[0][-16:])) < 6 and service:  # sk-xxxxxxxx… is nobody's
                continue
            span = absolute(view.placed.start, Span(*place(text, each.start()), *place(text, each.end())))
            what = f"a key of {service}" if service else "a private key"
            where = f"the variable {variable}" if variable else "a file outside the project"
            message = f"{what} stands in the spell; keep it in {where}"
            whole = each[0] == text.raw and variable
            yield found("secret-in-source", span, message, *([_moved(view, text, variable)] if whole else []))


def _moved(view: View, text: Text, variable: str) -> Fix:
    """Reads the variable instead."""
    read = f'os.getenv("{variable}")' if view.lua else f"process.env.{variable}"
    return Fix(f"Read it from {variable}", (Edit(absolute(view.placed.start, text.span), read),))


FAMILY = by_chunk(secrets)
