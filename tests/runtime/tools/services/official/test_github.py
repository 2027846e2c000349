"""github beside PyGithub: one strict server with the parameters of GitHub's OpenAPI document, the same answers."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from github import Auth, Github, GithubException, RateLimitExceededException

from llmspell.errors import RateLimitError, ToolError
from llmspell.tools.integration.github_tool import GitHubTool

TOKEN = "ghp_abc"
ROOT = "/repos/ada/engine"
STATE = "open|closed|all"


def user(login: str) -> dict[str, Any]:
    return {"login": login, "id": 1, "url": f"https://api.github.com/users/{login}", "type": "User"}


def issue(number: int, **more: Any) -> dict[str, Any]:
    return {
        "id": number * 1000,
        "url": f"https://api.github.com{ROOT}/issues/{number}",
        "repository_url": f"https://api.github.com{ROOT}",
        "html_url": f"https://github.com/ada/engine/issues/{number}",
        "number": number,
        "title": f"Issue {number}",
        "body": "It fails",
        "state": "open",
        "user": user("ada"),
        "labels": [{"id": 1, "name": "bug", "color": "f00", "default": True}],
        "comments": 2,
        "created_at": "2025-01-01T00:00:00Z",
        "updated_at": "2025-01-02T00:00:00Z",
        "locked": False,
        **more,
    }


def pull(number: int, **more: Any) -> dict[str, Any]:
    ends = {"head": {"ref": "fix", "sha": "1", "label": "ada:fix"}, "base": {"ref": "main", "sha": "2"}}
    url = f"https://api.github.com{ROOT}/pulls/{number}"
    page = f"https://github.com/ada/engine/pull/{number}"
    return {
        **issue(number),
        "url": url,
        "html_url": page,
        **ends,
        "draft": True,
        "merged_at": None,
        "merged": False,
        **more,
    }


COMMENT = {
    "id": 5,
    "url": f"https://api.github.com{ROOT}/issues/comments/5",
    "html_url": "https://github.com/ada/engine/issues/7#issuecomment-5",
    "body": "Yes",
    "user": user("bob"),
    "created_at": "2025-01-01T00:00:00Z",
    "updated_at": "2025-01-01T00:00:00Z",
}
REPOSITORY = {
    "id": 1,
    "name": "engine",
    "full_name": "ada/engine",
    "owner": user("ada"),
    "url": f"https://api.github.com{ROOT}",
    "html_url": "https://github.com/ada/engine",
    "description": None,
    "default_branch": "main",
    "language": "Lua",
    "stargazers_count": 5,
    "open_issues_count": 3,
    "private": False,
    "updated_at": "2025-01-02T00:00:00Z",
}
FILE = {
    "type": "file",
    "encoding": "base64",
    "name": "read me.md",
    "path": "docs/read me.md",
    "sha": "abc",
    "size": 3,
    "content": base64.encodebytes(b"Hi\n").decode(),
    "url": f"https://api.github.com{ROOT}/contents/docs/read%20me.md",
}
FOLDER = [{**FILE, "content": None}, {**FILE, "type": "dir", "name": "src", "path": "docs/src", "size": 0}]
CODE = {"name": "a.lua", "path": "src/a.lua", "sha": "d", "html_url": "https://github.com/x", "repository": REPOSITORY}


def paged(reply: Any, url: Callable[[], str], path: str, rows: list[Any], *, found: bool = False) -> Any:
    """By number; the Link header names the next page with every parameter of this one."""

    def answer(_: Any, asked: dict[str, Any]) -> Any:
        size, page = asked.get("per_page", 30), asked.get("page", 1)
        here = rows[(page - 1) * size : page * size]
        rest = "&".join(f"{name}={value}" for name, value in asked.items() if name not in {"page", "per_page"})
        link = f'<{url()}{path}?{rest}&per_page={size}&page={{}}>; rel="{{}}"'
        links = (
            [link.format(page + 1, "next"), link.format(-(-len(rows) // size), "last")]
            if page * size < len(rows)
            else []
        )
        links += [link.format(page - 1, "prev")] if page > 1 else []
        value: Any = {"total_count": len(rows), "incomplete_results": False, "items": here} if found else here
        return reply(value, 200, {"Link": ", ".join(links)} if links else {})

    return answer


def refuse(headers: Mapping[str, str]) -> dict[str, Any] | None:
    problem = {"message": "Bad credentials", "documentation_url": "https://docs.github.com/rest", "status": "401"}
    if not headers.get("user-agent"):
        return {"value": {"message": "Missing or invalid User Agent string."}, "status": 403}
    if headers.get("x-github-api-version") not in {None, "2022-11-28"}:
        return {"value": {"message": "There is no such version"}, "status": 400}
    known = headers.get("authorization") in {f"Bearer {TOKEN}", f"token {TOKEN}"}
    return None if known else {"value": problem, "status": 401}


@pytest.fixture
async def server(strict: Any, reply: Any) -> Any:
    started: list[Any] = []
    pages = {"per_page": "int", "page": "int"}
    order = {"sort": "str", "order": "asc|desc"}
    texts = {"title": "str", "body": "str", "labels": "list", "assignees": "list", "milestone": "int"}

    def listing(path: str, rows: list[Any], query: dict[str, str], *, found: bool = False) -> dict[str, Any]:
        answer = paged(reply, lambda: str(started[0].url), path, rows, found=found)
        return {"method": "GET", "path": path, "query": {**pages, **query}, "answer": answer}

    issues = [issue(number) for number in range(1, 6)]
    filters = {"state": STATE, "labels": "str", "sort": "str", "direction": "asc|desc", "since": "str"}
    rules = [
        {"method": "GET", "path": ROOT, "answer": lambda *_: REPOSITORY},
        listing(f"{ROOT}/issues", [issues[0], {**pull(9), "pull_request": {"url": "x"}}, *issues[1:]], filters),
        listing(f"{ROOT}/issues/7/comments", [COMMENT, {**COMMENT, "id": 6}], {"since": "str"}),
        listing(f"{ROOT}/pulls", [pull(8), pull(9)], {"state": STATE, "head": "str", "base": "str", "sort": "str"}),
        {"method": "GET", "path": f"{ROOT}/issues/(7)", "answer": lambda *_: issue(7)},
        {"method": "GET", "path": f"{ROOT}/pulls/(8)", "answer": lambda *_: pull(8)},
        {
            "method": "GET",
            "path": f"{ROOT}/contents/docs/read me.md",
            "query": {"ref": "str"},
            "answer": lambda *_: FILE,
        },
        {"method": "GET", "path": f"{ROOT}/contents/docs", "query": {"ref": "str"}, "answer": lambda *_: FOLDER},
        {
            "method": "POST",
            "path": f"{ROOT}/issues",
            "body": {**texts, "title!": "str"},
            "answer": lambda _, asked: reply(issue(10, title=asked["title"]), 201),
        },
        {
            "method": "PATCH",
            "path": f"{ROOT}/issues/7",
            "body": {**texts, "state": "open|closed", "state_reason": "str"},
            "answer": lambda _, asked: issue(7, **asked),
        },
        {
            "method": "POST",
            "path": f"{ROOT}/issues/7/comments",
            "body": {"body!": "str"},
            "answer": lambda _, asked: reply({**COMMENT, "body": asked["body"]}, 201),
        },
        {
            "method": "POST",
            "path": f"{ROOT}/pulls",
            "body": {
                "head!": "str",
                "base!": "str",
                "title": "str",
                "body": "str",
                "draft": "bool",
                "maintainer_can_modify": "bool",
            },
            "answer": lambda _, asked: reply(pull(11, title=asked["title"]), 201),
        },
        listing("/search/issues", issues, {"q!": "str", **order}, found=True),
        listing("/search/code", [CODE], {"q!": "str", **order}, found=True),
        listing("/search/repositories", [REPOSITORY], {"q!": "str", **order}, found=True),
    ]
    started.append(await strict(rules, refuse))
    return started[0]


def client(server: Any, token: str = TOKEN, *, lazy: bool = False) -> Github:
    quick = {"seconds_between_requests": 0, "seconds_between_writes": 0, "retry": None}
    return Github(auth=Auth.Token(token), base_url=server.url, lazy=lazy, **quick)


async def theirs(server: Any, work: Callable[[Any, Github], Any], **more: Any) -> Any:
    def asked() -> Any:
        github = client(server, **more)
        return work(client(server, lazy=True, **more).get_repo("ada/engine"), github)

    return await asyncio.to_thread(asked)


async def ours(call: Any, server: Any, operation: str, options: dict[str, Any] | None = None, **params: Any) -> Any:
    given = {"token": TOKEN, "base_url": server.url, "repository": "ada/engine", **(options or {})}
    return await call(GitHubTool, {"operation": operation, **params}, options=given, net=server.net)


def plain(found: Any) -> dict[str, Any]:
    """An issue or pull request of the library, as the tool gives it."""
    times = {name: getattr(found, f"{name}_at").strftime("%Y-%m-%dT%H:%M:%SZ") for name in ("created", "updated")}
    issues = {name: getattr(found, name) for name in ("number", "title", "state", "comments")}
    rest = {"author": found.user.login, "labels": [label.name for label in found.labels], "url": found.html_url}
    ends = {"head": found.head.ref, "base": found.base.ref} if hasattr(found, "head") else {}
    drafts = {"draft": found.draft, "merged": found.merged} if hasattr(found, "head") else {}
    return {**issues, **rest, **times, **ends, **drafts, "body": found.body or ""}


ONE: dict[str, tuple[dict[str, Any], Callable[[Any, Any], Any], str]] = {
    "issue": ({"number": 7}, lambda repo, _: repo.get_issue(7), "issue"),
    "pull": ({"number": 8}, lambda repo, _: repo.get_pull(8), "pull"),
    "create_issue": (
        {"title": "T", "body": "B", "labels": ["bug"]},
        lambda repo, _: repo.create_issue("T", body="B", labels=["bug"]),
        "issue",
    ),
    "create_pull": (
        {"title": "T", "body": "B", "head": "fix", "base": "main"},
        lambda repo, _: repo.create_pull("main", "fix", title="T", body="B"),
        "pull",
    ),
}


@pytest.mark.parametrize("operation", ONE)
async def test_one_is_read_and_made_alike(call: Any, server: Any, operation: str) -> None:
    params, work, name = ONE[operation]
    expected = await theirs(server, lambda *given: plain(work(*given)))
    got = await ours(call, server, operation, {"read_only": False}, **params)
    server.pair()
    assert got[name] == expected


async def test_changes_and_comments_are_written_alike(call: Any, server: Any) -> None:
    writing = {"read_only": False}

    def edited(repo: Any, _: Any) -> Any:
        found = repo.get_issue(7)
        found.edit(state="closed", labels=["done"])
        return found.state

    state = await theirs(server, edited)
    got = await ours(call, server, "update_issue", writing, number=7, state="closed", labels=["done"])
    server.pair()
    assert got["issue"]["state"] == state == "closed"
    found = await theirs(server, lambda repo, _: repo.get_issue(7).create_comment("Done"))
    got = await ours(call, server, "comment", writing, number=7, body="Done")
    server.pair()
    assert (got["comment"]["id"], got["comment"]["body"]) == (found.id, found.body) == (5, "Done")


async def test_pages_are_those_of_the_client(call: Any, server: Any) -> None:
    def every(repo: Any, _: Github) -> Any:
        repo.requester.per_page = 2
        found = repo.get_issues(state="all", labels=["bug", "old"])
        return [plain(each) for each in found if "/pull/" not in each.html_url]

    expected = await theirs(server, every)
    asked, page, rows = server.seen[:], 1, list[Any]()
    server.seen.clear()
    while page:
        found = await ours(call, server, "issues", state="all", labels=["bug", "old"], page=page, limit=2)
        rows, page = rows + found["items"], found["next_page"]
    assert rows == expected
    assert len(rows) == 5
    assert [{"page": 1, **seen.params} for seen in asked] == [seen.params for seen in server.seen]
    assert server.wrong == []


async def test_lists_files_and_repositories_are_read_alike(call: Any, server: Any) -> None:
    pulls = await theirs(server, lambda repo, _: [plain(each) for each in repo.get_pulls(state="open")])
    assert (await ours(call, server, "pulls"))["items"] == pulls
    server.pair("page", "per_page")
    comments = await theirs(server, lambda repo, _: [each.id for each in repo.get_issue(7).get_comments()])
    assert [each["id"] for each in (await ours(call, server, "comments", number=7))["items"]] == comments
    server.pair("page", "per_page")
    file = await theirs(server, lambda repo, _: repo.get_contents("docs/read me.md", ref="v1"))
    got = (await ours(call, server, "file", path="docs/read me.md", ref="v1"))["file"]
    server.pair()
    assert got == {"path": file.path, "size": file.size, "sha": file.sha, "text": file.decoded_content.decode()}
    folder = await theirs(server, lambda repo, _: [(each.name, each.type) for each in repo.get_contents("docs")])
    got = (await ours(call, server, "file", path="docs"))["items"]
    server.pair()
    assert [(each["name"], each["type"]) for each in got] == folder
    found = await theirs(server, lambda _, github: github.get_repo("ada/engine"))
    got = (await ours(call, server, "repository"))["repository"]
    server.pair()
    assert (got["name"], got["stars"], got["default_branch"]) == (
        found.full_name,
        found.stargazers_count,
        found.default_branch,
    )


@pytest.mark.parametrize("kind", ["issues", "code", "repositories"])
async def test_searches_are_those_of_the_client(call: Any, server: Any, kind: str) -> None:
    query = "fails in:title" if kind == "repositories" else "fails in:title repo:ada/engine"

    def search(_: Any, github: Github) -> Any:
        found = getattr(github, f"search_{kind}")(query)
        return found.totalCount, [each.html_url for each in found]

    total, addresses = await theirs(server, search)
    server.seen[:] = [server.seen[-1]]
    got = await ours(call, server, "search", query="fails in:title", kind=kind)
    server.pair("page", "per_page")
    assert (got["total"], [each["url"] for each in got["items"]]) == (total, addresses)


async def test_a_narrowed_search_gives_nothing_from_elsewhere(call: Any, server: Any, reply: Any) -> None:
    mixed = [issue(1), issue(2, repository_url="https://api.github.com/repos/eve/secret")]
    server.instead.append(reply({"total_count": 2, "incomplete_results": False, "items": mixed}))
    found = await ours(call, server, "search", {"allowed_repositories": ["ada/*"]}, query="fails")
    assert [each["number"] for each in found["items"]] == [1]


PROBLEMS = {
    "missing": (404, {"message": "Not Found", "status": "404"}, {}, None),
    "invalid": (
        422,
        {"message": "Validation Failed", "errors": [{"resource": "Issue", "field": "title", "code": "missing_field"}]},
        {},
        None,
    ),
    "forbidden": (403, {"message": "Resource not accessible by integration"}, {}, None),
    "primary": (
        403,
        {"message": "API rate limit exceeded for user ID 1."},
        {
            "X-RateLimit-Limit": "60",
            "X-RateLimit-Remaining": "0",
            "X-RateLimit-Reset": "1893456060",
            "Date": "Tue, 01 Jan 2030 00:00:00 GMT",
        },
        60_000,
    ),
    "secondary": (
        403,
        {"message": "You have exceeded a secondary rate limit."},
        {"Retry-After": "30", "X-RateLimit-Remaining": "10", "X-RateLimit-Reset": "1893456060"},
        30_000,
    ),
    "too_many": (429, {"message": "Too many requests"}, {"Retry-After": "5"}, 5_000),
}


@pytest.mark.parametrize("kind", PROBLEMS)
async def test_refusals_mean_the_same_to_both(call: Any, server: Any, reply: Any, kind: str) -> None:
    status, value, headers, wait = PROBLEMS[kind]
    server.instead += [reply(value, status, headers)] * 2
    with pytest.raises(GithubException) as says:
        await theirs(server, lambda repo, _: repo.get_issue(7).title)
    with pytest.raises((ToolError, RateLimitError)) as error:
        await ours(call, server, "issue", number=7)
    assert says.value.status == status
    assert value["message"] in error.value.message
    assert isinstance(error.value, RateLimitError) is (wait is not None)
    assert isinstance(says.value, RateLimitExceededException) is (wait is not None and status == 403)
    if isinstance(error.value, RateLimitError):
        assert error.value.retry_after == wait
    if kind == "invalid":
        assert "title: missing_field" in error.value.message


async def test_a_wrong_token_is_refused_to_both(call: Any, server: Any) -> None:
    with pytest.raises(GithubException) as says:
        await theirs(server, lambda repo, _: repo.get_issue(7).title, token="ghp_wrong")
    with pytest.raises(ToolError, match="Bad credentials") as error:
        await ours(call, server, "issue", {"token": "ghp_wrong"}, number=7)
    assert says.value.status == (error.value.data or {})["status"] == 401
