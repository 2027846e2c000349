"""GitHub's REST API (version 2022-11-28) for the operations of the tool: paths, bodies, pages, and what is given on."""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING, Any, Final

from llmspell.errors import SchemaError, ToolError
from llmspell.tools.web.service import Answer, Service, needed, segment

if TYPE_CHECKING:
    from llmspell.tools.integration.github_tool import GitHubParams

_NEXT: Final = re.compile(r"[?&]page=(\d{1,6})[^>]*>;\s*rel=\"next\"")
#: Qualifiers that would lead a search out of the repository it is narrowed to.
_ELSEWHERE: Final = re.compile(r"\b(?:repo|org|user|owner|enterprise)\s*:|\bOR\b", re.IGNORECASE)


async def call(service: Service, asked: GitHubParams, repository: str | None, narrowed: bool) -> dict[str, Any]:
    """The tool's content. narrowed: whether a search must stay in `repository`."""
    if asked.operation == "search":
        return await _search(service, asked, repository, narrowed)
    owner, _, name = str(needed(repository, "repository", asked.operation)).partition("/")
    root = f"/repos/{segment(owner, 'owner')}/{segment(name, 'repository')}"
    pages = {"per_page": asked.limit, "page": asked.page}
    match asked.operation:
        case "repository":
            return {"repository": _repository((await service.ask("GET", root)).table)}
        case "issues":
            query = {**pages, "state": asked.state or "open", "labels": ",".join(asked.labels or []) or None}
            answer = await service.ask("GET", f"{root}/issues", query=query)
            # GitHub counts pull requests as issues
            return _listed(answer, [_issue(each) for each in answer.rows if "pull_request" not in each])
        case "pulls":
            answer = await service.ask("GET", f"{root}/pulls", query={**pages, "state": asked.state or "open"})
            return _listed(answer, [_pull(each) for each in answer.rows])
        case "comments":
            answer = await service.ask("GET", f"{root}/issues/{_number(asked)}/comments", query=pages)
            return _listed(answer, [_comment(each) for each in answer.rows])
        case "issue":
            return {"issue": _issue((await service.ask("GET", f"{root}/issues/{_number(asked)}")).table)}
        case "pull":
            return {"pull": _pull((await service.ask("GET", f"{root}/pulls/{_number(asked)}")).table)}
        case "file":
            return await _file(service, asked, root)
        case _:
            return await _write(service, asked, root)


async def _write(service: Service, asked: GitHubParams, root: str) -> dict[str, Any]:
    given = {"title": asked.title, "body": asked.body, "labels": asked.labels}
    body: dict[str, Any] = {key: value for key, value in given.items() if value is not None}
    if asked.operation == "comment":
        text = {"body": needed(asked.body, "body", "comment")}
        return {
            "comment": _comment(
                (await service.ask("POST", f"{root}/issues/{_number(asked)}/comments", json=text)).table
            )
        }
    if asked.operation == "update_issue":
        if asked.state == "all":
            raise SchemaError("`update_issue` takes the state open or closed", hint="give one of them")
        body |= {"state": asked.state} if asked.state else {}
        if not body:
            raise SchemaError("`update_issue` needs something to change", hint="give title, body, labels or state")
        return {"issue": _issue((await service.ask("PATCH", f"{root}/issues/{_number(asked)}", json=body)).table)}
    needed(asked.title, "title", asked.operation)
    if asked.operation == "create_issue":
        return {"issue": _issue((await service.ask("POST", f"{root}/issues", json=body)).table)}
    body.pop("labels", None)
    body |= {name: needed(getattr(asked, name), name, "create_pull") for name in ("head", "base")}
    return {"pull": _pull((await service.ask("POST", f"{root}/pulls", json=body)).table)}


async def _file(service: Service, asked: GitHubParams, root: str) -> dict[str, Any]:
    path = "/".join(segment(part, "path") for part in asked.path.strip("/").split("/")) if asked.path.strip("/") else ""
    answer = await service.ask("GET", f"{root}/contents/{path}", query={"ref": asked.ref})
    if answer.rows:
        return {"items": [_pick(each, "name", "path", "type", "size") for each in answer.rows]}
    found = answer.table
    if found.get("type", "file") not in {"file", "symlink"}:
        raise ToolError(f"github: {asked.path!r} is a {found['type']}, no file", hint="read it where it leads to")
    content = found.get("content") or ""
    if found.get("type") == "symlink" and not content:
        return {"file": {**_pick(found, "path", "size", "sha"), "text": str(found.get("target") or "")}}
    if not content and found.get("size"):  # larger than a megabyte: only the raw form has it
        raw = await service.ask(
            "GET",
            f"{root}/contents/{path}",
            query={"ref": asked.ref},
            headers={"accept": "application/vnd.github.raw+json"},
        )
        text = raw.value if isinstance(raw.value, str) else ""
        return {"file": {**_pick(found, "path", "size", "sha"), "text": text}}
    data = base64.b64decode("".join(content.split()), validate=True)  # it comes in lines of 60
    try:
        body = {"text": data.decode()}
    except UnicodeDecodeError:
        body = {"base64": base64.b64encode(data).decode()}
    return {"file": {**_pick(found, "path", "size", "sha"), **body}}


async def _search(service: Service, asked: GitHubParams, repository: str | None, narrowed: bool) -> dict[str, Any]:
    words = str(needed(asked.query, "query", "search"))
    if narrowed:
        needed(repository, "repository", "search")
        if asked.kind == "repositories" or _ELSEWHERE.search(words):
            raise SchemaError(
                "`search` is narrowed to one repository by the tool's options",
                hint="look for issues or code, without repo:, org:, user: and OR",
            )
    if repository is not None and asked.kind != "repositories":
        words = f"{words} repo:{repository}"
    query = {"q": words, "per_page": asked.limit, "page": asked.page}
    answer = await service.ask("GET", f"/search/{asked.kind}", query=query)
    rows = [each for each in answer.table.get("items") or [] if isinstance(each, dict)]
    if narrowed:  # whatever the query's words lead to
        rows = [each for each in rows if _of(each).lower() == str(repository).lower()]
    match asked.kind:
        case "issues":
            items = [_issue(each) for each in rows]
        case "repositories":
            items = [_repository(each) for each in rows]
        case "code":
            items = [
                {**_pick(each, "name", "path", "sha"), "url": each.get("html_url", ""), "repository": _full(each)}
                for each in rows
            ]
    return {**_listed(answer, items), "total": int(answer.table.get("total_count") or 0)}


def _listed(answer: Answer, items: list[dict[str, Any]]) -> dict[str, Any]:
    """The number of the next page stands in the Link header."""
    found = _NEXT.search(answer.headers.get("link", ""))
    return {"items": items, "next_page": int(found.group(1)) if found else 0}


def _number(asked: GitHubParams) -> int:
    return int(needed(asked.number, "number", asked.operation))


def _repository(found: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": found.get("full_name", ""),
        "description": found.get("description") or "",
        "url": found.get("html_url", ""),
        "default_branch": found.get("default_branch", ""),
        "language": found.get("language") or "",
        "stars": found.get("stargazers_count", 0),
        "open_issues": found.get("open_issues_count", 0),
        "private": bool(found.get("private")),
        "updated": found.get("updated_at", ""),
    }


def _issue(found: dict[str, Any]) -> dict[str, Any]:
    labels = [each.get("name", "") if isinstance(each, dict) else str(each) for each in found.get("labels") or []]
    return {
        **_pick(found, "number", "title", "state"),
        "author": _login(found),
        "labels": labels,
        "body": found.get("body") or "",
        "url": found.get("html_url", ""),
        "comments": found.get("comments", 0),
        "created": found.get("created_at", ""),
        "updated": found.get("updated_at", ""),
    }


def _pull(found: dict[str, Any]) -> dict[str, Any]:
    ends = {name: (found.get(name) or {}).get("ref", "") for name in ("head", "base")}
    return {**_issue(found), **ends, "draft": bool(found.get("draft")), "merged": bool(found.get("merged_at"))}


def _comment(found: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": found.get("id", 0),
        "author": _login(found),
        "body": found.get("body") or "",
        "url": found.get("html_url", ""),
        "created": found.get("created_at", ""),
    }


def _login(found: dict[str, Any]) -> str:
    return str((found.get("user") or {}).get("login") or "")


def _of(found: dict[str, Any]) -> str:
    """The repository that something found by a search belongs to."""
    return _full(found) or "/".join(str(found.get("repository_url") or "").split("/")[-2:])


def _full(found: dict[str, Any]) -> str:
    return str((found.get("repository") or {}).get("full_name") or "")


def _pick(found: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: found.get(name) for name in names}
