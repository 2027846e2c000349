"""Who signs a request to AWS, for which region, and where it goes: all from the host's environment and files.

Nobody is asked: no metadata service, no command, no sign-in page. A profile whose keys come from one of those is
refused with the command that turns it into variables. The environment's keys sign for AWS's own endpoints and for the
one that the environment names; for another endpoint a spell names the variables that hold its keys.
"""

from __future__ import annotations

import configparser
import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from llmspell.errors import SchemaError, ToolError
from llmspell.frozen import frozen
from llmspell.security import files
from llmspell.tools.base import ToolContext
from llmspell.tools.crypto import secrets_named

if TYPE_CHECKING:
    from llmspell.tools.integration.aws_tool import AwsOptions

#: Bytes of the largest credentials file.
_LARGEST: Final = 1_000_000
#: Settings of a profile that get keys from elsewhere.
_ELSEWHERE: Final = (
    "credential_process", "sso_session", "sso_start_url", "sso_account_id", "role_arn", "credential_source",
    "web_identity_token_file", "login_session",
)  # fmt: skip


@frozen
class Account:
    """endpoint: None for AWS's own."""

    access_key: str
    secret_key: str
    token: str | None
    region: str
    endpoint: str | None


def account_of(options: AwsOptions, service: str, context: ToolContext) -> Account:
    """Blocks where a profile is read. Raises ToolError, PermissionDenied and SchemaError."""
    environ = context.environ
    variable = f"AWS_ENDPOINT_URL_{service.upper().replace('-', '_')}"
    named = (environ.get(variable) or environ.get("AWS_ENDPOINT_URL") or "").rstrip("/") or None
    endpoint = (options.endpoint_url or "").rstrip("/") or named
    trusted = endpoint is None or endpoint == named
    keys, settings = _keys(options, context, trusted)
    region = options.region or environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION") or settings.get("region")
    if not region and endpoint is None:
        raise ToolError("aws needs a region", hint="give the option `region`, or set AWS_REGION")
    return Account(*keys, region or "us-east-1", endpoint)


def _keys(
    options: AwsOptions, context: ToolContext, trusted: bool
) -> tuple[tuple[str, str, str | None], dict[str, str]]:
    """Access key, secret key and session token; what else the profile says."""
    environ = context.environ
    if (options.access_key_env is None) != (options.secret_key_env is None):
        raise SchemaError("aws needs `access_key_env` and `secret_key_env` together", hint="name both variables")
    if options.access_key_env is not None and options.secret_key_env is not None:
        secret = secrets_named.variable(context, options.secret_key_env)
        # The key's name and the token travel as they are: the spell must be allowed to read them.
        access = _readable(context, options.access_key_env)
        token = _readable(context, options.session_token_env) if options.session_token_env else None
        return (_plain(access), _plain(secret), token and _plain(token)), {}
    own = options.profile is not None and options.profile != environ.get("AWS_PROFILE")
    if not trusted and not own:
        raise ToolError(
            "aws: what the environment holds signs for AWS's own endpoints and AWS_ENDPOINT_URL only",
            hint="name the variables of this endpoint's keys: `access_key_env` and `secret_key_env`",
        )
    access, secret = environ.get("AWS_ACCESS_KEY_ID"), environ.get("AWS_SECRET_ACCESS_KEY")
    if options.profile is None and access and secret:
        token = environ.get("AWS_SESSION_TOKEN")
        return (_plain(access), _plain(secret), _plain(token) if token else None), {}
    profile = options.profile or environ.get("AWS_PROFILE")
    if not profile:
        raise ToolError(
            "aws needs credentials",
            hint="set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, before the spell starts",
        )
    return _of_profile(profile, context, own)


def _readable(context: ToolContext, name: str) -> str:
    """A variable's value, where the run may read that. Raises PermissionDenied, and ToolError where it is not set."""
    context.permissions.check_env(name)
    value = context.environ.get(name)
    if not value:
        raise ToolError(f"the variable {name!r} is not set", hint="set it before the spell starts")
    return value


def _of_profile(name: str, context: ToolContext, own: bool) -> tuple[tuple[str, str, str | None], dict[str, str]]:
    """own: the spell chose it, so the files are opened by what the spell may read."""
    environ = context.environ
    home = Path(environ.get("HOME") or "/nonexistent") / ".aws"
    found: dict[str, str] = {}
    for variable, usual, section in (
        ("AWS_CONFIG_FILE", home / "config", name if name == "default" else f"profile {name}"),
        ("AWS_SHARED_CREDENTIALS_FILE", home / "credentials", name),
    ):
        path = os.path.expanduser(environ.get(variable) or str(usual))  # noqa: PTH111  the path stays text
        found |= _section(_text(path, context, own), section, path)
    access, secret = found.get("aws_access_key_id"), found.get("aws_secret_access_key")
    if access and secret:
        token = found.get("aws_session_token")
        return (_plain(access), _plain(secret), _plain(token) if token else None), found
    elsewhere = next((key for key in _ELSEWHERE if key in found), None)
    if elsewhere is not None:
        raise ToolError(
            f"aws: the profile {name!r} gets its keys by {elsewhere}, which the tool does not run or ask",
            hint=f"set the variables that `aws configure export-credentials --profile {name} --format env` prints",
        )
    raise ToolError(f"aws: there are no keys of a profile {name!r}", hint="check AWS_PROFILE and ~/.aws/credentials")


def _text(path: str, context: ToolContext, own: bool) -> str:
    """The file's text, or "" where there is none."""
    try:
        if not own:
            with Path(path).open("rb") as file:
                return file.read(_LARGEST).decode("utf-8", "replace")
        with files.place(path, context.permissions, "read") as found:
            return files.read_bytes(found, _LARGEST).decode("utf-8", "replace")
    except (files.MissingFile, OSError):
        return ""


def _section(text: str, section: str, path: str) -> dict[str, str]:
    parser = configparser.RawConfigParser(default_section="", strict=False)
    try:
        parser.read_string(text)
    except configparser.Error:
        raise ToolError(f"{path!r} is no file of AWS profiles", hint="check its lines") from None
    return {key: value.strip() for key, value in parser.items(section)} if parser.has_section(section) else {}


def _plain(value: str) -> str:
    """The value is not shown: it may be a secret."""
    text = value.strip()
    if not text.isprintable() or not text.isascii() or " " in text:
        raise ToolError(
            "aws: a key holds a space, a line end or a character beyond ASCII", hint="check where it is from"
        )
    return text
