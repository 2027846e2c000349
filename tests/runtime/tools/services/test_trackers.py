"""github and jira ask their services as those document it, write only where they may, and stay where they are put."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from llmspell.errors import PermissionDenied, RateLimitError, SchemaError, ToolError
from llmspell.tools.integration.github_tool import GitHubTool
from llmspell.tools.integration.jira_tool import JiraTool
from llmspell.tools.integration.rich_text import document, plain

both = pytest.mark.parametrize("language", ["lua", "js"])

ISSUE = {
    "number": 7,
    "title": "It fails",
    "state": "open",
    "user": {"login": "ada"},
    "labels": [{"name": "bug"}],
    "body": None,
    "html_url": "https://example.org/7",
    "comments": 2,
    "created_at": "2025-01-01T00:00:00Z",
    "updated_at": "2025-01-02T00:00:00Z",
}


async def github(call: Any, service: Any, operation: str, **params: Any) -> Any:
    options = {"token": "ghp_x", "base_url": service.url, "repository": "ada/engine", **params.pop("options", {})}
    return await call(GitHubTool, {"operation": operation, **params}, options=options, net=service.net)


async def test_github_reads_by_pages(call: Any, service: Any) -> None:
    link = f'<{service.url}/repos/ada/engine/issues?state=open&page=3>; rel="next", <x?page=9>; rel="last"'
    rows = [ISSUE, {**ISSUE, "number": 8, "pull_request": {}}]
    service.on("GET", "/repos/ada/engine/issues", rows, headers={"Link": link})
    service.on("GET", "/repos/ada/engine/issues/7", ISSUE)
    service.on("GET", "/repos/ada/engine/issues/7/comments", [{"id": 1, "user": None, "body": "b"}])
    pull = {**ISSUE, "head": {"ref": "fix"}, "base": {"ref": "main"}, "merged_at": None, "draft": True}
    service.on("GET", "/repos/ada/engine/pulls", [pull])
    service.on("GET", "/repos/ada/engine", {"full_name": "ada/engine", "stargazers_count": 5})
    found = await github(call, service, "issues", labels=["bug", "old"], page=2, limit=50)
    assert [item["number"] for item in found["items"]] == [7]
    assert found["next_page"] == 3
    asked = service.asked[0]
    assert asked.query == {"per_page": "50", "page": "2", "state": "open", "labels": "bug,old"}
    assert asked.headers["authorization"] == "Bearer ghp_x"
    assert asked.headers["x-github-api-version"] == "2022-11-28"
    assert asked.headers["accept"] == "application/vnd.github+json"
    one = (await github(call, service, "issue", number=7))["issue"]
    assert (one["author"], one["labels"], one["body"], one["comments"]) == ("ada", ["bug"], "", 2)
    assert (await github(call, service, "comments", number=7))["items"][0]["author"] == ""
    pulls = await github(call, service, "pulls")
    assert (pulls["items"][0]["head"], pulls["items"][0]["draft"], pulls["next_page"]) == ("fix", True, 0)
    assert (await github(call, service, "repository"))["repository"]["stars"] == 5


async def test_github_files_and_folders(call: Any, service: Any) -> None:
    root = "/repos/ada/engine/contents"
    text = {"path": "a b.md", "size": 3, "sha": "s", "content": base64.encodebytes(b"Hi\n").decode()}
    service.on("GET", f"{root}/a b.md", text)
    service.on("GET", f"{root}/i.png", {**text, "content": base64.b64encode(b"\x89\xff").decode()})
    service.on("GET", f"{root}/", [{"name": "src", "path": "src", "type": "dir", "size": 0, "sha": "x"}])
    service.on("GET", f"{root}/big.txt", {**text, "content": "", "size": 2_000_000})
    service.on("GET", f"{root}/big.txt", "raw text")
    assert (await github(call, service, "file", path="/a b.md", ref="v1"))["file"]["text"] == "Hi\n"
    assert service.asked[0].query == {"ref": "v1"}
    assert (await github(call, service, "file", path="i.png"))["file"]["base64"] == "if8="
    assert (await github(call, service, "file"))["items"] == [{"name": "src", "path": "src", "type": "dir", "size": 0}]
    assert (await github(call, service, "file", path="big.txt"))["file"]["text"] == "raw text"
    assert service.asked[-1].headers["accept"] == "application/vnd.github.raw+json"
    for path in ("../../user", "a/../../x", "./a"):
        with pytest.raises(SchemaError):
            await github(call, service, "file", path=path)
    assert len(service.asked) == 5
    for content in ("no base64!", "nö"):
        service.on("GET", f"{root}/odd", {**text, "content": content})
        with pytest.raises(ValueError):  # which every tool's pipeline makes an unreadable answer of
            await github(call, service, "file", path="odd")


async def test_github_writes_only_where_it_may(call: Any, service: Any) -> None:
    root = "/repos/ada/engine"
    service.on("POST", f"{root}/issues", ISSUE, status=201)
    service.on("PATCH", f"{root}/issues/7", {**ISSUE, "state": "closed"})
    service.on("POST", f"{root}/issues/7/comments", {"id": 1, "body": "Done"}, status=201)
    service.on("POST", f"{root}/pulls", {**ISSUE, "head": {"ref": "fix"}, "base": {"ref": "main"}}, status=201)
    for operation in ("create_issue", "update_issue", "comment", "create_pull"):
        with pytest.raises(PermissionDenied, match="read-only"):
            await github(call, service, operation, title="t", body="b", number=7)
    assert service.asked == []
    writing = {"options": {"read_only": False}}
    assert (await github(call, service, "create_issue", title="t", labels=["bug"], **writing))["issue"]["number"] == 7
    assert (await github(call, service, "update_issue", number=7, state="closed", **writing))["issue"][
        "state"
    ] == "closed"
    assert (await github(call, service, "comment", number=7, body="Done", **writing))["comment"]["id"] == 1
    assert (await github(call, service, "create_pull", title="t", head="fix", base="main", **writing))["pull"][
        "head"
    ] == "fix"
    assert [asked.json for asked in service.asked] == [
        {"title": "t", "labels": ["bug"]},
        {"state": "closed"},
        {"body": "Done"},
        {"title": "t", "head": "fix", "base": "main"},
    ]
    for operation, given in (("create_issue", {}), ("update_issue", {"number": 7}), ("comment", {"number": 7})):
        with pytest.raises(SchemaError, match="needs"):
            await github(call, service, operation, **given, **writing)


async def test_github_stays_in_its_repositories(call: Any, service: Any) -> None:
    service.on("GET", "/search/issues", {"total_count": 1, "items": [ISSUE]})
    narrow = {"options": {"allowed_repositories": ["ada/*"]}}
    found = await github(call, service, "search", query="fails is:open", **narrow)
    assert (found["total"], service.asked[0].query["q"]) == (1, "fails is:open repo:ada/engine")
    for params in (
        {"query": "x repo:eve/secret"},
        {"query": "x OR org:eve"},
        {"query": "-repo:ada/engine"},
        {"query": "x", "kind": "repositories"},
    ):
        with pytest.raises(SchemaError, match="narrowed"):
            await github(call, service, "search", **params, **narrow)
    with pytest.raises(PermissionDenied, match="leave it out"):
        await github(call, service, "repository", repository="eve/secret", **narrow)
    assert len(service.asked) == 1


async def test_github_refusals(call: Any, service: Any) -> None:
    path = "/repos/ada/engine"
    limited = {"headers": {"X-RateLimit-Remaining": "0", "Retry-After": "60"}, "status": 403}
    service.on("GET", path, {"message": "API rate limit exceeded"}, **limited)
    service.on("GET", path, {"message": "Bad credentials"}, status=401)
    service.on("GET", path, {"message": "Moved"}, status=301, headers={"Location": "http://169.254.169.254/"})
    with pytest.raises(RateLimitError) as error:
        await github(call, service, "repository")
    assert error.value.retry_after == 60_000
    with pytest.raises(ToolError, match="Bad credentials"):
        await github(call, service, "repository")
    with pytest.raises(ToolError, match="301"):
        await github(call, service, "repository")
    with pytest.raises(ToolError, match="404"):
        await github(call, service, "issue", number=1)


FIELDS = {
    "summary": "It fails",
    "status": {"name": "Open"},
    "issuetype": {"name": "Bug"},
    "assignee": None,
    "reporter": {"displayName": "Ada"},
    "labels": ["x"],
    "project": {"key": "DEV"},
    "description": {
        "type": "doc",
        "content": [
            {
                "type": "paragraph",
                "content": [{"type": "text", "text": "Hi "}, {"type": "mention", "attrs": {"text": "@Bob"}}],
            },
            {
                "type": "bulletList",
                "content": [
                    {
                        "type": "listItem",
                        "content": [{"type": "paragraph", "content": [{"type": "text", "text": "one"}]}],
                    }
                ],
            },
        ],
    },
}
TRANSITIONS = {"transitions": [{"id": "31", "name": "Finish", "to": {"name": "Done"}}]}


async def jira(call: Any, service: Any, operation: str, **params: Any) -> Any:
    given = {"base_url": service.url + "/", "email": "ada@example.org", "api_token": "t", **params.pop("options", {})}
    return await call(JiraTool, {"operation": operation, **params}, options=given, net=service.net)


async def test_jira_reads(call: Any, service: Any) -> None:
    root = "/rest/api/3/issue/DEV-42"
    service.on(
        "POST", "/rest/api/3/search/jql", {"issues": [{"key": "DEV-42", "fields": FIELDS}], "nextPageToken": "p2"}
    )
    service.on("GET", root, {"key": "DEV-42", "fields": FIELDS})
    comment = {"id": "9", "author": {"displayName": "Bob"}, "body": document("yes"), "created": "now"}
    service.on("GET", f"{root}/comment", {"comments": [comment]})
    service.on("GET", f"{root}/transitions", TRANSITIONS)
    found = await jira(call, service, "search", jql="status = Open ORDER BY updated", project="DEV", cursor="p1")
    assert found["next"] == "p2"
    asked = service.asked[0]
    assert asked.json["jql"] == 'project in ("DEV") AND (status = Open) ORDER BY updated'
    assert asked.json["nextPageToken"] == "p1"
    assert asked.headers["authorization"] == "Basic " + base64.b64encode(b"ada@example.org:t").decode()
    issue = (await jira(call, service, "issue", key="dev-42"))["issue"]
    assert issue == found["issues"][0]
    assert (issue["description"], issue["status"], issue["assignee"]) == ("Hi @Bob\n- one", "Open", "")
    assert (await jira(call, service, "comments", key="DEV-42"))["comments"] == [
        {"id": "9", "author": "Bob", "text": "yes", "created": "now"}
    ]
    assert (await jira(call, service, "transitions", key="DEV-42"))["transitions"][0]["to"] == "Done"


async def test_jira_writes_only_where_it_may(call: Any, service: Any) -> None:
    root = "/rest/api/3/issue/DEV-42"
    service.on("POST", "/rest/api/3/issue", {"key": "DEV-43"}, status=201)
    service.on("PUT", root, None, status=204)
    service.on("POST", f"{root}/comment", {"id": "9"}, status=201)
    service.on("GET", f"{root}/transitions", TRANSITIONS)
    service.on("POST", f"{root}/transitions", None, status=204)
    for operation in ("create", "update", "comment", "transition"):
        with pytest.raises(PermissionDenied, match="read-only"):
            await jira(call, service, operation, key="DEV-42", text="t", to="Done")
    assert service.asked == []
    writing = {"options": {"read_only": False, "project": "DEV"}}
    assert await jira(call, service, "create", summary="S", text="a\nb\n\nc", type="Bug", **writing) == {
        "key": "DEV-43"
    }
    assert service.asked[0].json == {
        "fields": {
            "project": {"key": "DEV"},
            "issuetype": {"name": "Bug"},
            "summary": "S",
            "description": document("a\nb\n\nc"),
        }
    }
    assert await jira(call, service, "update", key="DEV-42", labels=["x"], **writing) == {"key": "DEV-42"}
    assert (await jira(call, service, "comment", key="DEV-42", text="t", **writing))["comment"] == "9"
    assert (await jira(call, service, "transition", key="DEV-42", to="done", **writing))["status"] == "Done"
    assert service.asked[-1].json == {"transition": {"id": "31"}}
    with pytest.raises(ToolError, match="cannot go to 'Nowhere'"):
        await jira(call, service, "transition", key="DEV-42", to="Nowhere", **writing)


@pytest.mark.parametrize(
    ("jql", "sent"),
    [
        ("a = 1 OR b = 2", 'project in ("DEV") AND (a = 1 OR b = 2)'),
        ("order by created", 'project in ("DEV") order by created'),
        ('summary ~ "order by )" ORDER BY x', 'project in ("DEV") AND (summary ~ "order by )") ORDER BY x'),
        ('a = "x\\") OR project = SECRET"', 'project in ("DEV") AND (a = "x\\") OR project = SECRET")'),
        ("a = 1) OR (project = SECRET", None),
        ('a = "1', None),
        ("(a = 1", None),
    ],
)
async def test_a_search_in_jira_stays_in_its_projects(call: Any, service: Any, jql: str, sent: str | None) -> None:
    service.on("POST", "/rest/api/3/search/jql", {"issues": []})
    narrow = {"options": {"allowed_projects": ["DEV"]}}
    if sent is None:
        with pytest.raises(SchemaError, match="not closed"):
            await jira(call, service, "search", jql=jql, **narrow)
        assert service.asked == []
    else:
        await jira(call, service, "search", jql=jql, **narrow)
        assert service.asked[0].json["jql"] == sent
    with pytest.raises(PermissionDenied, match="leave it out"):
        await jira(call, service, "issue", key="SECRET-1", **narrow)


async def test_jira_refusals_and_logins(call: Any, service: Any) -> None:
    service.on("GET", "/rest/api/3/issue/DEV-1", {"errorMessages": ["Issue does not exist"], "errors": {}}, status=404)
    with pytest.raises(ToolError, match="Issue does not exist"):
        await jira(call, service, "issue", key="DEV-1")
    environ = {"JIRA_URL": service.url, "JIRA_API_TOKEN": "pat"}
    with pytest.raises(ToolError, match="Issue does not exist"):
        await call(JiraTool, {"operation": "issue", "key": "DEV-1"}, environ=environ, net=service.net)
    assert service.asked[-1].headers["authorization"] == "Bearer pat"
    with pytest.raises(ToolError, match="own address only"):
        away = {"JIRA_URL": "https://example.atlassian.net", "JIRA_API_TOKEN": "pat"}
        options = {"base_url": service.url}
        await call(JiraTool, {"operation": "issue", "key": "DEV-1"}, options=options, environ=away, net=service.net)
    with pytest.raises(ToolError, match="needs the address"):
        await call(JiraTool, {"operation": "issue", "key": "DEV-1"})


def test_texts_survive_the_way_there_and_back() -> None:
    text = "One\ntwo\n\nThree"
    assert plain(document(text)) == "One\ntwo\nThree"
    deep: Any = {"type": "text", "text": "x"}
    for _ in range(5000):
        deep = {"type": "panel", "content": [deep]}
    assert plain(deep) == ""


SPELLS = {
    "lua": "local g = GitHubTool.new{ token = 't', repository = 'ada/engine', base_url = params.url }\n"
    "local j = JiraTool.new{ base_url = params.url, api_token = 't' }\n"
    "return { g:execute{ operation = 'issue', number = 7 }.issue.title, j:execute{ operation = 'issue', key = 'DEV-42' }.issue.summary }",
    "js": "const g = new GitHub({ token: 't', repository: 'ada/engine', baseUrl: params.url });\n"
    "const j = new Jira({ baseUrl: params.url, apiToken: 't' });\n"
    "return [(await g.execute({ operation: 'issue', number: 7 })).issue.title, (await j.execute({ operation: 'issue', key: 'DEV-42' })).issue.summary];",
}


@both
async def test_a_spell_reads_trackers_and_its_replay_asks_nobody(cast: Any, service: Any, language: str) -> None:
    service.on("GET", "/repos/ada/engine/issues/7", ISSUE)
    service.on("GET", "/rest/api/3/issue/DEV-42", {"key": "DEV-42", "fields": FIELDS})
    given = {"params": {"url": service.url}, "flags": {"permissions.net": service.net}}
    spell = await cast(**{language: SPELLS[language]}, **given)
    assert spell.value == ["It fails", "It fails"]
    assert (await cast(**{language: SPELLS[language]}, replay=spell.recording, **given)).value == spell.value
    assert len(service.asked) == 2
