"""The Jira tool: issues by the REST API of Jira Cloud, version 3."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal, NotRequired, TypedDict

from llmspell.api.bounds import Bounds
from llmspell.api.describe import Example, ToolMark, exposed
from llmspell.errors import SchemaError, ToolError
from llmspell.security.network import Resolver, system_resolver
from llmspell.tools.base import ToolContext, ToolOutput
from llmspell.tools.builtin import BuiltinTool
from llmspell.tools.integration.rich_text import document, plain
from llmspell.tools.web.allowed import Allowed, check_writes
from llmspell.tools.web.credentials import Place, place_of, secret
from llmspell.tools.web.service import Service, needed, segment

_WRITES: Final = frozenset({"create", "update", "comment", "transition"})
_FIELDS: Final = "summary,status,issuetype,priority,assignee,reporter,labels,description,created,updated,project"

Key = Annotated[str, Bounds(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,49}-[0-9]{1,12}$")]
Project = Annotated[str, Bounds(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,49}$")]
Word = Annotated[str, Bounds(min_length=1, max_length=255)]


@dataclass(frozen=True, slots=True, kw_only=True)
class JiraOptions:
    base_url: Annotated[str, Bounds(min_length=1, max_length=500)] | None = None
    """The site, such as `https://example.atlassian.net`. None: JIRA_URL of the host's environment. What the environment
    holds as a token is sent there only."""

    email: Annotated[str, Bounds(min_length=1, max_length=320)] | None = None
    """Whom to log in as. None: JIRA_EMAIL. Without any, the token is sent as a personal access token."""

    api_token: str | None = None
    """The token. None: JIRA_API_TOKEN of the host's environment."""

    project: Project | None = None
    """The project that is used where a call names none."""

    allowed_projects: Annotated[list[Project], Bounds(max_items=500)] | None = None
    """The projects that it may be used on. None: all that the token may."""

    read_only: bool = True
    """Whether nothing may be written. Issues and comments can be made only where this is false."""

    timeout: Annotated[float, Bounds(ge=1, le=120_000)] = 30_000
    """Milliseconds for a call."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JiraParams:
    operation: Literal["search", "issue", "comments", "transitions", "create", "update", "comment", "transition"]
    """search: issues by JQL. issue: one, by key. comments: what was said on it. transitions: where it can go. create,
    update: an issue. comment: says something on one. transition: moves one; the last four where the tool may write."""

    key: Key | None = None
    """issue, comments, transitions, update, comment, transition: the issue's key, such as `DEV-42`."""

    jql: Annotated[str, Bounds(min_length=1, max_length=5000)] | None = None
    """search: the query, such as `status = "In Progress" ORDER BY updated DESC`."""

    project: Project | None = None
    """create: the project's key. search: only this project. None: the tool's own."""

    type: Word = "Task"
    """create: the issue's type."""

    summary: Word | None = None
    """create, update: the title."""

    text: Annotated[str, Bounds(min_length=1, max_length=30_000)] | None = None
    """create, update: the description. comment: what to say. Plain text; blank lines part paragraphs."""

    labels: Annotated[list[Word], Bounds(max_items=100)] | None = None
    """create, update: the labels."""

    to: Word | None = None
    """transition: the transition's name or number, or the status that it leads to."""

    limit: Annotated[int, Bounds(ge=1, le=100)] = 30
    """search, comments: how many at most."""

    cursor: Annotated[str, Bounds(max_length=2000)] = ""
    """search, comments: `next` of the page before."""


class JiraIssue(TypedDict):
    key: str
    summary: str
    status: str
    type: str
    priority: str
    assignee: str
    reporter: str
    labels: list[str]
    description: str
    project: str
    created: str
    updated: str


class JiraComment(TypedDict):
    id: str
    author: str
    text: str
    created: str


class JiraTransition(TypedDict):
    id: str
    name: str
    to: str


class JiraResult(TypedDict):
    key: NotRequired[str]
    """create, update, comment, transition: the issue's key."""
    issue: NotRequired[JiraIssue]
    """issue: its fields, texts as plain text."""
    issues: NotRequired[list[JiraIssue]]
    """search: the found, in the query's order."""
    comments: NotRequired[list[JiraComment]]
    """comments: the newest first."""
    comment: NotRequired[str]
    """comment: its number."""
    transitions: NotRequired[list[JiraTransition]]
    """transitions: where the issue can go from here."""
    status: NotRequired[str]
    """transition: the status that it has now."""
    next: NotRequired[str]
    """search, comments: the `cursor` of the next page, or "" where there is none."""


@exposed(
    aliases=("Jira",),
    options=JiraOptions,
    tool=ToolMark(
        name="jira",
        category="integration",
        params=JiraParams,
        result=JiraResult,
        examples=(
            Example({"operation": "search", "project": "DEV", "jql": "status = Open", "limit": 10}, note="find issues"),
            Example({"operation": "issue", "key": "DEV-42"}, note="read one"),
            Example(
                {"operation": "comment", "key": "DEV-42", "text": "Fixed in 1.2."}, note="where the tool may write"
            ),
        ),
        permissions=("net",),
        timeout=300_000,
        max_output=12_000_000,
    ),
)
class JiraTool(BuiltinTool[JiraOptions]):
    """Finds and reads Jira issues, their comments and where they can go; makes, changes and moves them where allowed.

    Use search with JQL to find keys. Texts are plain; formatting is lost on reading.
    """

    def __init__(self, options: JiraOptions, resolver: Resolver = system_resolver) -> None:
        super().__init__(options)
        self.resolver = resolver

    async def perform(self, params: dict[str, Any], context: ToolContext) -> ToolOutput:
        asked, options = JiraParams(**params), self.options
        if asked.operation in _WRITES:
            check_writes("jira", asked.operation, options.read_only)
        place = place_of("jira", options.base_url, context.environ, "JIRA_URL")
        service = Service(
            "jira", place.base, self._login(place, context), context.permissions, options.timeout, self.resolver
        )
        if asked.operation == "search":
            return ToolOutput(await self._search(service, asked))
        if asked.operation == "create":
            return ToolOutput(await self._create(service, asked))
        key = str(needed(asked.key, "key", asked.operation)).upper()
        self._check(key.rpartition("-")[0])
        path = f"/rest/api/3/issue/{segment(key, 'key')}"
        match asked.operation:
            case "issue":
                found = await service.ask("GET", path, query={"fields": _FIELDS})
                return ToolOutput({"issue": _issue(found.table)})
            case "comments":
                return ToolOutput(await _comments(service, path, asked))
            case "transitions":
                return ToolOutput({"transitions": await _transitions(service, path)})
            case "update":
                fields = _fields(asked)
                if not fields:
                    raise SchemaError("`update` needs something to change", hint="give summary, text or labels")
                await service.ask("PUT", path, json={"fields": fields})
                return ToolOutput({"key": key})
            case "comment":
                body = {"body": document(needed(asked.text, "text", "comment"))}
                found = await service.ask("POST", f"{path}/comment", json=body)
                return ToolOutput({"key": key, "comment": str(found.table.get("id", ""))})
            case "transition":
                return ToolOutput({"key": key, "status": await _move(service, path, asked)})

    def _login(self, place: Place, context: ToolContext) -> dict[str, str]:
        options, environ = self.options, context.environ
        token = secret("jira", "api_token", options.api_token, place, environ, ("JIRA_API_TOKEN",))
        user = options.email or (environ.get("JIRA_EMAIL", "") if place.trusted and not options.api_token else "")
        if not user:
            return {"accept": "application/json", "authorization": f"Bearer {token}"}
        login = base64.b64encode(f"{user}:{token}".encode()).decode()
        return {"accept": "application/json", "authorization": f"Basic {login}"}

    def _check(self, project: str) -> None:
        Allowed("jira", "allowed_projects", "project", self.options.allowed_projects).check(project)

    async def _search(self, service: Service, asked: JiraParams) -> dict[str, Any]:
        jql = str(needed(asked.jql, "jql", "search"))
        project, allowed = asked.project or self.options.project, self.options.allowed_projects
        if project is not None:
            self._check(project)
        within = [project] if project is not None else allowed
        body = {
            "jql": jql if within is None else _within(jql, within),
            "maxResults": asked.limit,
            "fields": _FIELDS.split(","),
        }
        if asked.cursor:
            body["nextPageToken"] = asked.cursor
        found = (await service.ask("POST", "/rest/api/3/search/jql", json=body)).table
        issues = [_issue(each) for each in found.get("issues") or []]
        return {"issues": issues, "next": str(found.get("nextPageToken") or "")}

    async def _create(self, service: Service, asked: JiraParams) -> dict[str, Any]:
        project = str(needed(asked.project or self.options.project, "project", "create"))
        self._check(project)
        needed(asked.summary, "summary", "create")
        fields = {"project": {"key": project.upper()}, "issuetype": {"name": asked.type}, **_fields(asked)}
        found = await service.ask("POST", "/rest/api/3/issue", json={"fields": fields})
        return {"key": str(found.table.get("key", ""))}


async def _comments(service: Service, path: str, asked: JiraParams) -> dict[str, Any]:
    """Comments come by numbers of rows, not by tokens as searches do."""
    if asked.cursor and not (asked.cursor.isascii() and asked.cursor.isdigit()):
        raise SchemaError(f"{asked.cursor!r} is no cursor of `comments`", hint="give `next` of the page before")
    start = int(asked.cursor or 0)
    query = {"startAt": start, "maxResults": asked.limit, "orderBy": "-created"}
    found = (await service.ask("GET", f"{path}/comment", query=query)).table
    comments = [_comment(each) for each in found.get("comments") or []]
    end = start + len(comments)
    more = bool(comments) and end < int(found.get("total") or 0)
    return {"comments": comments, "next": str(end) if more else ""}


def _fields(asked: JiraParams) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if asked.summary is not None:
        found["summary"] = asked.summary
    if asked.text is not None:
        found["description"] = document(asked.text)
    if asked.labels is not None:
        found["labels"] = asked.labels
    return found


def _within(jql: str, projects: list[str]) -> str:
    """The query inside of parentheses, and the projects outside of them. Raises SchemaError for a query that closes
    parentheses it did not open, or leaves a quotation open: it would get out."""
    depth, quote, at, order = 0, "", 0, len(jql)
    while at < len(jql):
        character = jql[at]
        if quote:
            if character == "\\":
                at += 1
            elif character == quote:
                quote = ""
        elif character in "\"'":
            quote = character
        elif character in "()":
            depth += 1 if character == "(" else -1
            if depth < 0:
                break
        elif depth == 0 and order == len(jql) and _orders(jql, at):
            order = at
        at += 1
    if depth or quote:
        raise SchemaError("`jql` has a parenthesis or a quotation that is not closed", hint="check the query")
    names = ", ".join(f'"{name}"' for name in projects)
    condition = jql[:order].strip()
    return f"project in ({names})" + (f" AND ({condition})" if condition else "") + f" {jql[order:]}".rstrip()


def _orders(jql: str, at: int) -> bool:
    words = jql[at:].split(None, 2)
    begins = at == 0 or jql[at - 1].isspace() or jql[at - 1] == ")"
    return begins and [word.lower() for word in words[:2]] == ["order", "by"] and not jql[at].isspace()


async def _transitions(service: Service, path: str) -> list[dict[str, str]]:
    found = (await service.ask("GET", f"{path}/transitions")).table.get("transitions") or []
    return [
        {"id": str(each.get("id", "")), "name": str(each.get("name", "")), "to": _name(each.get("to"))}
        for each in found
    ]


async def _move(service: Service, path: str, asked: JiraParams) -> str:
    wanted = str(needed(asked.to, "to", "transition")).lower()
    known = await _transitions(service, path)
    for each in known:
        if wanted in {each["id"], each["name"].lower(), each["to"].lower()}:
            await service.ask("POST", f"{path}/transitions", json={"transition": {"id": each["id"]}})
            return each["to"]
    listed = ", ".join(f"{each['name']!r}" for each in known) or "nothing"
    raise ToolError(f"jira: the issue cannot go to {asked.to!r}", hint=f"it can go by {listed}")


def _issue(found: dict[str, Any]) -> dict[str, Any]:
    fields: dict[str, Any] = found.get("fields") or {}
    project: dict[str, Any] = fields.get("project") or {}
    return {
        "key": str(found.get("key", "")),
        "summary": str(fields.get("summary") or ""),
        "status": _name(fields.get("status")),
        "type": _name(fields.get("issuetype")),
        "priority": _name(fields.get("priority")),
        "assignee": _name(fields.get("assignee")),
        "reporter": _name(fields.get("reporter")),
        "labels": [str(label) for label in fields.get("labels") or []],
        "description": plain(fields.get("description")),
        "project": str(project.get("key") or ""),
        "created": str(fields.get("created") or ""),
        "updated": str(fields.get("updated") or ""),
    }


def _comment(found: dict[str, Any]) -> dict[str, str]:
    return {
        "id": str(found.get("id", "")),
        "author": _name(found.get("author")),
        "text": plain(found.get("body")),
        "created": str(found.get("created") or ""),
    }


def _name(found: Any) -> str:
    return str(found.get("displayName") or found.get("name") or "") if isinstance(found, dict) else ""
