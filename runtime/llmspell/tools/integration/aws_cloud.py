"""botocore asks, this tool's own guarded request carries: one call to AWS in a thread that never opens a socket.

botocore checks the parameters against its service model, finds the endpoint, signs and reads the answer; its hook
before sending is answered by `wire`, on the event loop. It is told nothing of the environment, reads no configuration,
asks no metadata service and sends nothing twice (S3 alone is asked where a bucket is, when it says "elsewhere"). Knows
no tool.
"""

from __future__ import annotations

import asyncio
import importlib
import io
import os
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from functools import cache
from typing import Any, Final, TypeVar

from llmspell import errors
from llmspell.api.names import near
from llmspell.errors import LlmspellError, RateLimitError, SchemaError, ToolError
from llmspell.tools.integration import wire
from llmspell.tools.integration.aws_account import Account

T = TypeVar("T")

#: Requests of one call: pages, a bucket's move to another region.
_REQUESTS: Final = 50
_THROTTLED: Final = frozenset(
    {"TooManyRequestsException", "RequestLimitExceeded", "ProvisionedThroughputExceededException", "SlowDown",
     "BandwidthLimitExceeded", "PriorRequestNotComplete", "TransactionInProgressException", "LimitExceededException"}
)  # fmt: skip
_LOGIN: Final = ("AccessDenied", "Unauthorized", "Forbidden", "InvalidAccessKey", "SignatureDoesNotMatch", "Token",
                 "UnrecognizedClient", "AuthFailure", "InvalidClientTokenId")  # fmt: skip
_LONGEST: Final = 300


class Courier:
    """Carries what botocore would send. Made on the event loop, called in the thread."""

    def __init__(self, reach: wire.Reach) -> None:
        self.loop = asyncio.get_running_loop()
        self.reach = reach
        self.sent = 0
        self.waiting: Future[wire.Reply] | None = None
        self.closed = False

    def __call__(self, request: Any, **_: Any) -> Any:
        self.sent += 1
        if self.sent > _REQUESTS:
            raise ToolError(f"aws: it took more than {_REQUESTS} requests", hint="ask for less at a time")
        headers = {str(name): _text(value) for name, value in request.headers.items()}
        headers.setdefault("Accept-Encoding", "identity")
        work = wire.send("aws", request.method, request.url, headers, _body(request.body), self.reach)
        reply = self._on_loop(work)
        awsrequest: Any = importlib.import_module("botocore.awsrequest")
        return awsrequest.AWSResponse(request.url, reply.status, dict(reply.headers), _Raw(reply.data))

    def _on_loop(self, work: Coroutine[Any, Any, wire.Reply]) -> wire.Reply:
        if self.closed:
            work.close()
            raise ToolError("aws: the call was given up")
        self.waiting = asyncio.run_coroutine_threadsafe(work, self.loop)
        if self.closed:  # closed between the two lines: nobody else would cancel it
            self.waiting.cancel()
        return self.waiting.result()

    def close(self) -> None:
        """Ends what is under way, and refuses the rest: the thread comes to its end by that."""
        self.closed = True
        if self.waiting is not None:
            self.waiting.cancel()


class _Raw(io.BytesIO):
    """An answer's bytes as botocore reads them."""

    def stream(self, *_: Any, **__: Any) -> Iterator[bytes]:
        yield self.read()


class Cloud:
    """One service of one account. Everything here blocks: it is for the thread."""

    def __init__(self, service: str, account: Account, courier: Courier) -> None:
        session = _session()
        self.service = _known_service(session, service)
        config: Any = importlib.import_module("botocore.config")
        custom = account.endpoint is not None
        try:
            self.client: Any = session.create_client(
                self.service,
                region_name=account.region,
                endpoint_url=account.endpoint,
                aws_access_key_id=account.access_key,
                aws_secret_access_key=account.secret_key,
                aws_session_token=account.token,
                config=config.Config(
                    retries={"total_max_attempts": 1, "mode": "standard"},
                    s3={"addressing_style": "path" if custom else "auto", "payload_signing_enabled": True},
                    signature_version="s3v4" if self.service == "s3" else None,
                    request_checksum_calculation="when_required",
                    ignore_configured_endpoint_urls=True,
                    endpoint_discovery_enabled=False,
                    account_id_endpoint_mode="disabled",
                    parameter_validation=True,
                    user_agent="llmspell",
                ),
            )
        except Exception as error:
            raise failure(error, self.service, "") from None
        self.client.meta.events.register_first("before-send", courier)

    def model(self, action: str) -> Any:
        """What botocore knows of an action. Raises SchemaError for one that the service has not."""
        known = self.client.meta.service_model.operation_names
        wanted = self.client.meta.method_to_api_mapping.get(action, action)
        found = wanted if wanted in known else next((name for name in known if name.lower() == wanted.lower()), None)
        if found is None:
            close = near(action, known)
            raise SchemaError(
                f"{self.service} has no action {action!r}",
                hint=f"did you mean {close[0]}?" if close else f"for example {', '.join(known[:5])}",
            )
        model = self.client.meta.service_model.operation_model(found)
        if model.has_event_stream_output or model.has_event_stream_input:
            raise ToolError(f"{self.service}:{found} answers by a stream of events, which the tool cannot read")
        return model

    def said_to_read(self, action: str) -> bool:
        """Whether the service's description says that an action changes nothing; many do not say it."""
        described = _loader().load_service_model(self.service, "service-2")
        return bool(described["operations"][action].get("readonly"))

    def ask(self, action: str, **parameters: Any) -> dict[str, Any]:
        """The answer as botocore parsed it. Parameters that are None are left out."""
        try:
            return getattr(self.client, _method(action))(**_without_none(parameters))
        except Exception as error:
            raise self._failure(error, action, parameters) from None

    def pages(
        self, action: str, limit: int, cursor: str, size: int | None = None, **parameters: Any
    ) -> tuple[dict[str, Any], str]:
        """As `ask`, of as many pages as hold `limit` things; and where to go on, "" at the end."""
        if not self.client.can_paginate(_method(action)):
            return self.ask(action, **parameters), ""
        paging = _without_none({"MaxItems": limit, "StartingToken": cursor or None, "PageSize": size})
        try:
            pages = self.client.get_paginator(_method(action)).paginate(
                **_without_none(parameters), PaginationConfig=paging
            )
            found: dict[str, Any] = pages.build_full_result()
        except (ValueError, TypeError) as error:
            if cursor and not isinstance(error, LlmspellError):
                raise SchemaError(
                    "`cursor` is none that this tool gave", hint="give `next` of the page before"
                ) from None
            raise self._failure(error, action, parameters) from None
        except Exception as error:
            raise self._failure(error, action, parameters) from None
        return found, str(pages.resume_token or "")

    def _failure(self, error: Exception, action: str, parameters: dict[str, Any]) -> LlmspellError:
        """As `failure`; parameters that do not fit may fail before botocore has looked at them."""
        if not isinstance(error, LlmspellError) and not hasattr(error, "response"):
            shape = self.client.meta.service_model.operation_model(action).input_shape
            found = library("botocore.validate").ParamValidator().validate(_without_none(parameters), shape)
            if found.has_errors():
                said = " ".join(found.generate_report().split())[:_LONGEST]
                return SchemaError(f"aws: {self.service}:{action}: {said}", hint="check the parameters")
        return failure(error, self.service, action)

    def signed_url(self, action: str, seconds: int, **parameters: Any) -> str:
        try:
            return self.client.generate_presigned_url(
                _method(action), Params=_without_none(parameters), ExpiresIn=seconds
            )
        except Exception as error:
            raise failure(error, self.service, action) from None


async def work(asked: Callable[[Courier], T], reach: wire.Reach, milliseconds: float) -> T:
    """What the thread gives. When this is cancelled or takes too long, the thread is ended with it.

    The thread is one of its own: in the loop's pool, threads that wait for the loop would keep names from being
    resolved there.
    """
    courier, context = Courier(reach), copy_context()
    own = ThreadPoolExecutor(1, "llmspell-aws")
    try:
        async with asyncio.timeout(milliseconds / 1000):
            return await courier.loop.run_in_executor(own, lambda: context.run(asked, courier))
    except TimeoutError:
        raise errors.TimeoutError(
            f"aws did not answer within {milliseconds:g} ms", hint="raise `timeout`, or try later", retryable=True
        ) from None
    finally:
        courier.close()
        own.shutdown(wait=False)


def library(name: str) -> Any:
    try:
        return importlib.import_module(name)  # botocore: 320 ms, in the thread; boto3's types 30 ms more
    except ImportError:
        raise ToolError(
            "aws needs a package that is not installed", hint="pip install 'llmspell[integration]'"
        ) from None


@cache
def _loader() -> Any:
    """botocore's own service models only; what is loaded stays (S3: 40 ms and 4 MB, EC2: 300 ms and 40 MB)."""
    loaders = library("botocore.loaders")
    return loaders.Loader(extra_search_paths=[loaders.Loader.BUILTIN_DATA_PATH], include_default_search_paths=False)


def _session() -> Any:
    """A session in which every setting has its default: no variable of the process and no file is asked."""
    providers = library("botocore.configprovider")
    settings = {
        name: providers.ConstantProvider(value[2])
        for name, value in providers.BOTOCORE_DEFAUT_SESSION_VARIABLES.items()
    }
    settings |= {name: providers.ConstantProvider(os.devnull) for name in ("config_file", "credentials_file")}
    settings["defaults_mode"] = providers.ConstantProvider("legacy")  # the others may ask the metadata service
    session = library("botocore.session").Session()
    session.register_component("config_store", providers.ConfigValueStore(mapping=settings))
    session.register_component("data_loader", _loader())
    session.register_component("token_provider", library("botocore.tokens").TokenProviderChain(providers=[]))
    return session


def _known_service(session: Any, service: str) -> str:
    known: list[str] = session.get_available_services()
    if service.lower() in known:
        return service.lower()
    close = near(service.lower(), known)
    raise SchemaError(
        f"AWS has no service {service!r}",
        hint=f"did you mean {close[0]}?" if close else "for example s3, ec2, dynamodb",
    )


def failure(error: Exception, service: str, action: str) -> LlmspellError:
    """What an exception of botocore means."""
    if isinstance(error, LlmspellError):
        return error
    what = f"aws: {service}:{action}" if action else f"aws: {service}"
    response: Any = getattr(error, "response", None)
    if not isinstance(response, dict):
        said = " ".join(str(error).split())[:_LONGEST]
        if type(error).__name__ in {"ParamValidationError", "UnknownServiceError", "InvalidRegionError"}:
            return SchemaError(f"{what}: {said}", hint="check the parameters")
        return ToolError(f"{what} failed: {said or type(error).__name__}", hint="check the parameters and the endpoint")
    told: dict[str, Any] = response.get("Error") or {}
    status = int((response.get("ResponseMetadata") or {}).get("HTTPStatusCode") or 0)
    code, said = str(told.get("Code") or status), " ".join(str(told.get("Message") or "").split())[:_LONGEST]
    message = f"{what} was refused: {code}" + (f": {said}" if said else "")
    data = {"status": status, "code": code}
    if code in _THROTTLED or "Throttl" in code or status == 429:
        return RateLimitError(message, hint="ask less often", retryable=True, data=data)
    if any(word in code for word in _LOGIN) or status in {401, 403}:
        hint = "check the credentials and what they allow"
    elif status >= 500:
        hint = "try later"
    else:
        hint = "check the names and the region"
    return ToolError(message, hint=hint, retryable=status >= 500, data=data)


def _method(action: str) -> str:
    return library("botocore").xform_name(action)


def _without_none(parameters: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in parameters.items() if value is not None}


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def _body(body: Any) -> bytes | None:
    """What botocore wants to send: bytes, text, or something that is read."""
    if body is None or isinstance(body, bytes):
        return body
    if isinstance(body, bytearray):
        return bytes(body)
    return body.encode() if isinstance(body, str) else bytes(body.read())
