"""jira beside the Python client `jira`: one strict server with what Jira Cloud's REST API version 3 documents.

The client leaves documents of rich text to its user, so those are checked against the document format's own rules.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from jira import JIRA, JIRAError

from llmspell.errors import RateLimitError, ToolError
from llmspell.tools.integration.jira_tool import JiraTool
from llmspell.tools.integration.rich_text import document

LOGIN = ("ada@example.org", "token-1")
API = "/rest/api/3"
FIELDS = "summary,status,issuetype,priority,assignee,reporter,labels,description,created,updated,project"
#: Which nodes a node of a document may hold, and which it must: text has some, a paragraph may be empty.
NODES = {"doc": {"paragraph"}, "paragraph": {"text", "hardBreak"}, "text": set[str](), "hardBreak": set[str]()}


def person(name: str) -> dict[str, Any]:
    return {"accountId": f"5b10-{name}", "displayName": name, "active": True, "accountType": "atlassian"}


def is_document(node: Any, kind: str = "doc") -> bool:
    if not isinstance(node, dict) or node.get("type") != kind:
        return False
    keys = {"doc": {"type", "version", "content"}, "text": {"type", "text"}, "hardBreak": {"type"}}
    if not set(node) <= keys.get(kind, {"type", "content"}):
        return False
    if kind == "text":
        return isinstance(node["text"], str) and bool(node["text"])
    inside = node.get("content", [])
    known = all(is_document(each, each.get("type")) and each["type"] in NODES[kind] for each in inside)
    return known and (kind != "doc" or node["version"] == 1)


@pytest.fixture
async def server(strict: Any, reply: Any) -> Any:
    started: list[Any] = []

    def issue(number: int) -> dict[str, Any]:
        fields = {
            "summary": f"Issue {number}",
            "status": {"id": "1", "name": "Open"},
            "issuetype": {"id": "2", "name": "Bug", "subtask": False},
            "priority": {"id": "3", "name": "High"},
            "assignee": None,
            "reporter": person("Ada"),
            "labels": ["x"],
            "description": document("Hi\n\nthere"),
            "created": "2025-01-01T00:00:00.000+0000",
            "updated": "2025-01-02T00:00:00.000+0000",
            "project": {"id": "10", "key": "DEV", "name": "Development"},
        }
        address = f"{started[0].url}{API}/issue/{number}"
        return {"id": str(number), "key": f"DEV-{number}", "self": address, "expand": "names", "fields": fields}

    def searched(_: Any, asked: dict[str, Any]) -> Any:
        start = int(asked["nextPageToken"].removeprefix("CAEaAggD")) if asked.get("nextPageToken") else 0
        end = start + asked.get("maxResults", 50)
        found = {"issues": [issue(number) for number in range(1, 6)][start:end], "isLast": end >= 5}
        return found | ({} if end >= 5 else {"nextPageToken": f"CAEaAggD{end}"})

    def comments(_: Any, asked: dict[str, Any]) -> Any:
        start, size = asked.get("startAt", 0), asked.get("maxResults", 100)
        rows = [
            {"id": str(at), "author": person("Bob"), "body": document(f"c{at}"), "created": f"2025-01-0{at + 1}"}
            for at in range(5)
        ]
        rows = rows[::-1] if asked.get("orderBy") == "-created" else rows
        return {"comments": rows[start : start + size], "startAt": start, "maxResults": size, "total": 5}

    def made(_: Any, asked: dict[str, Any]) -> Any:
        fields = asked["fields"]
        if not fields.get("summary") or not fields["project"] or not fields["issuetype"]:
            return reply({"errorMessages": [], "errors": {"summary": "You must specify a summary."}}, 400)
        return reply({"id": "7", "key": "DEV-7", "self": f"{started[0].url}{API}/issue/7"}, 201)

    def checked(answer: Callable[..., Any], name: str) -> Callable[..., Any]:
        def found(path: Any, asked: dict[str, Any]) -> Any:
            given = asked[name] if name == "body" else asked["fields"].get(name)
            if given is not None and not is_document(given):
                started[0].wrong.append(f"{name} is no document")
            return answer(path, asked)

        return found

    transitions = {"transitions": [{"id": "31", "name": "Finish", "to": {"id": "5", "name": "Done"}}]}
    key = f"{API}/issue/(DEV-7|7)"
    fields = {"fields": "table", "update": "table", "transition": "table"}
    rules = [
        {
            "method": "GET",
            "path": f"{API}/serverInfo",
            "answer": lambda *_: {"deploymentType": "Cloud", "versionNumbers": [1001, 0, 0], "version": "1001.0.0"},
        },
        {"method": "GET", "path": f"{API}/field", "answer": lambda *_: []},
        {
            "method": "POST",
            "path": f"{API}/search/jql",
            "body": {
                "jql!": "str",
                "fields": "list",
                "maxResults": "int",
                "nextPageToken": "str",
                "expand": "any",
                "properties": "any",
                "reconcileIssues": "list",
            },
            "answer": searched,
        },
        {
            "method": "GET",
            "path": key,
            "query": {"fields": "str", "expand": "str", "properties": "str"},
            "answer": lambda *_: issue(7),
        },
        {
            "method": "GET",
            "path": f"{key}/comment",
            "query": {"startAt": "int", "maxResults": "int", "orderBy": "[+-]?created", "expand": "str"},
            "answer": comments,
        },
        {
            "method": "POST",
            "path": f"{key}/comment",
            "body": {"body!": "table", "visibility": "table"},
            "answer": checked(
                lambda *_: reply({"id": "9", "author": person("Ada"), "body": document("x"), "created": "now"}, 201),
                "body",
            ),
        },
        {"method": "GET", "path": f"{key}/transitions", "query": {"expand": "str"}, "answer": lambda *_: transitions},
        {
            "method": "POST",
            "path": f"{key}/transitions",
            "body": {**fields, "transition!": "table"},
            "answer": lambda *_: reply(None, 204),
        },
        {
            "method": "POST",
            "path": f"{API}/issue",
            "body": {**fields, "fields!": "table"},
            "answer": checked(made, "description"),
        },
        {
            "method": "PUT",
            "path": key,
            "query": {"notifyUsers": "bool"},
            "body": fields,
            "answer": checked(lambda *_: reply(None, 204), "description"),
        },
    ]

    def refuse(headers: Mapping[str, str]) -> dict[str, Any] | None:
        login = "Basic " + base64.b64encode(":".join(LOGIN).encode()).decode()
        problem = {"message": "Client must be authenticated to access this resource.", "status-code": 401}
        return None if headers.get("authorization") == login else {"value": problem, "status": 401}

    started.append(await strict(rules, refuse))
    return started[0]


async def theirs(server: Any, work: Callable[[JIRA], Any], login: tuple[str, str] = LOGIN) -> Any:
    def asked() -> Any:
        client = JIRA(server.url, basic_auth=login, options={"rest_api_version": "3"}, max_retries=0)
        server.seen.clear()  # the client asks first what the server is
        return work(client)

    return await asyncio.to_thread(asked)


async def ours(call: Any, server: Any, operation: str, options: dict[str, Any] | None = None, **params: Any) -> Any:
    given = {"base_url": server.url, "email": LOGIN[0], "api_token": LOGIN[1], "read_only": False, **(options or {})}
    return await call(JiraTool, {"operation": operation, **params}, options=given, net=server.net)


def plain(found: Any) -> dict[str, Any]:
    """An issue of the client, as the tool gives it."""
    fields = found.fields
    named = {"status": fields.status, "type": fields.issuetype, "priority": fields.priority}
    people = {"assignee": fields.assignee, "reporter": fields.reporter}
    return {
        "key": found.key,
        "summary": fields.summary,
        **{name: each.name for name, each in named.items()},
        **{name: each.displayName if each else "" for name, each in people.items()},
        "labels": fields.labels,
        "description": "Hi\nthere",
        "project": fields.project.key,
        "created": fields.created,
        "updated": fields.updated,
    }


async def test_searches_go_by_the_same_pages(call: Any, server: Any) -> None:
    jql = 'project = DEV AND summary ~ "a \\"b\\"" ORDER BY updated DESC'

    def every(client: JIRA) -> Any:
        token, rows = None, []
        while token is not None or not rows:
            found = client.enhanced_search_issues(
                jql, nextPageToken=token, maxResults=2, fields=FIELDS.split(","), use_post=True
            )
            rows, token = rows + [plain(each) for each in found], found.nextPageToken
        return rows

    expected = await theirs(server, every)
    asked = [seen for seen in server.seen if seen.operation.endswith("/search/jql")]
    cursor, rows = "", list[Any]()
    server.seen.clear()
    while not rows or cursor:
        found = await ours(call, server, "search", jql=jql, limit=2, cursor=cursor)
        rows, cursor = rows + found["issues"], found["next"]
    assert rows == expected
    assert len(rows) == 5
    unset = ("expand", "properties", "reconcileIssues")
    assert [{name: value for name, value in seen.params.items() if name not in unset} for seen in asked] == [
        seen.params for seen in server.seen
    ]
    assert server.wrong == []


async def test_one_issue_its_comments_and_transitions_are_read_alike(call: Any, server: Any) -> None:
    expected = await theirs(server, lambda client: plain(client.issue("DEV-7", fields=FIELDS)))
    assert (await ours(call, server, "issue", key="DEV-7"))["issue"] == expected
    server.pair()
    every = await theirs(
        server, lambda client: client.comments("DEV-7", start_at=2, max_results=2, order_by="-created")
    )
    got = await ours(call, server, "comments", key="DEV-7", limit=2, cursor="2")
    server.pair()
    assert [(each["id"], each["author"], each["created"]) for each in got["comments"]] == [
        (each.id, each.author.displayName, each.created) for each in every
    ]
    assert ([each["text"] for each in got["comments"]], got["next"]) == (["c2", "c1"], "4")
    assert (await ours(call, server, "comments", key="DEV-7", limit=2, cursor="4"))["next"] == ""
    every = await theirs(server, lambda client: client.transitions("DEV-7"))
    got = await ours(call, server, "transitions", key="DEV-7")
    server.pair()
    assert got["transitions"] == [{"id": each["id"], "name": each["name"], "to": each["to"]["name"]} for each in every]


async def test_issues_are_made_changed_and_moved_alike(call: Any, server: Any) -> None:
    text = "One\ntwo\n\nThree"
    fields = {
        "project": {"key": "DEV"},
        "issuetype": {"name": "Bug"},
        "summary": "S",
        "description": document(text),
        "labels": ["x"],
    }

    def of(operation: str) -> Any:
        return next(seen for seen in server.seen if seen.operation.startswith(operation))

    key = await theirs(server, lambda client: client.create_issue(fields=fields).key)
    expected = of("POST")
    got = await ours(call, server, "create", project="DEV", type="Bug", summary="S", text=text, labels=["x"])
    assert (got["key"], server.seen[-1].operation, server.seen[-1].params) == (
        key,
        expected.operation,
        expected.params,
    )
    await theirs(server, lambda client: client.issue("DEV-7").update(fields={"summary": "New", "labels": []}))
    expected = of("PUT")
    await ours(call, server, "update", key="DEV-7", summary="New", labels=[])
    assert server.seen[-1].params == {"fields": expected.params["fields"]}
    comment = await theirs(server, lambda client: client.add_comment("DEV-7", document(text)))
    got = await ours(call, server, "comment", key="DEV-7", text=text)
    server.pair()
    assert got["comment"] == comment.id
    await theirs(server, lambda client: client.transition_issue("DEV-7", "Finish"))
    expected = of("POST")
    got = await ours(call, server, "transition", key="DEV-7", to="Finish")
    assert (server.seen[-1].operation, expected.params.pop("fields")) == (expected.operation, {})
    assert server.seen[-1].params == expected.params
    assert got["status"] == "Done"
    assert server.wrong == []


PROBLEMS = {
    "missing": (404, {"errorMessages": ["Issue does not exist or you do not have permission to see it."]}, {}),
    "invalid": (400, {"errorMessages": [], "errors": {"summary": "You must specify a summary of the issue."}}, {}),
    "jql": (400, {"errorMessages": ["Field 'x' does not exist."], "warningMessages": []}, {}),
    "limited": (429, {"errorMessages": ["Rate limit exceeded."]}, {"Retry-After": "7"}),
    "limited_until": (
        429,
        {"errorMessages": ["Rate limit exceeded."]},
        {
            "X-RateLimit-Remaining": "0",
            "X-RateLimit-Reset": "2030-01-01T00:00:07Z",
            "Date": "Tue, 01 Jan 2030 00:00:00 GMT",
        },
    ),
}


@pytest.mark.parametrize("kind", PROBLEMS)
async def test_refusals_mean_the_same_to_both(call: Any, server: Any, reply: Any, kind: str) -> None:
    status, value, headers = PROBLEMS[kind]

    def asked(client: JIRA) -> Any:
        server.instead += [reply(value, status, headers)] * 2
        return client.issue("DEV-7")

    with pytest.raises(JIRAError) as says:
        await theirs(server, asked)
    with pytest.raises((ToolError, RateLimitError)) as error:
        await ours(call, server, "issue", key="DEV-7")
    assert says.value.status_code == status
    assert str(says.value.text).strip() in error.value.message
    assert isinstance(error.value, RateLimitError) is (status == 429)
    if isinstance(error.value, RateLimitError):
        assert error.value.retry_after == 7000
    if kind == "invalid":
        assert "summary: You must specify" in error.value.message


async def test_a_wrong_token_is_refused_to_both(call: Any, server: Any) -> None:
    wrong = (LOGIN[0], "wrong")
    with pytest.raises(JIRAError) as says:
        await theirs(server, lambda client: client.issue("DEV-7"), wrong)
    with pytest.raises(ToolError, match="must be authenticated") as error:
        await ours(call, server, "issue", {"api_token": "wrong"}, key="DEV-7")
    assert says.value.status_code == (error.value.data or {})["status"] == 401
