"""The GitHub tool: what it is asked and what it gives. `github_calls` knows the REST API."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal, NotRequired, TypedDict

from llmspell.api.bounds import Bounds
from llmspell.api.describe import Example, ToolMark, exposed
from llmspell.security.network import Resolver, system_resolver
from llmspell.tools.base import ToolContext, ToolOutput
from llmspell.tools.builtin import BuiltinTool
from llmspell.tools.integration import github_calls
from llmspell.tools.web.allowed import Allowed, check_writes
from llmspell.tools.web.credentials import optional_secret, place_of
from llmspell.tools.web.service import Service

_API: Final = "https://api.github.com"
_VERSION: Final = "2022-11-28"
_WRITES: Final = frozenset({"create_issue", "update_issue", "comment", "create_pull"})

Repository = Annotated[str, Bounds(pattern=r"^[A-Za-z0-9][A-Za-z0-9\-]{0,38}/[A-Za-z0-9._\-]{1,100}$")]
Label = Annotated[str, Bounds(min_length=1, max_length=100)]


@dataclass(frozen=True, slots=True, kw_only=True)
class GitHubOptions:
    token: str | None = None
    """A token. None: GITHUB_TOKEN or GH_TOKEN of the host's environment; without any, only what is public can be
    read."""

    repository: Repository | None = None
    """The repository, `owner/name`, that is used where a call names none."""

    allowed_repositories: Annotated[list[str], Bounds(max_items=500)] | None = None
    """Repositories that it may be used on, `owner/name` or `owner/*`; searches are then narrowed to one of them. None:
    all that the token may."""

    read_only: bool = True
    """Whether nothing may be written. Issues and comments can be made only where this is false."""

    base_url: Annotated[str, Bounds(min_length=1, max_length=500)] | None = None
    """The API's address, of an Enterprise server for example. None: GITHUB_API_URL, else GitHub's own. What the
    environment holds as a token is sent there only."""

    timeout: Annotated[float, Bounds(ge=1, le=120_000)] = 30_000
    """Milliseconds for a call."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GitHubParams:
    operation: Literal[
        "repository",
        "issues",
        "issue",
        "comments",
        "pulls",
        "pull",
        "file",
        "search",
        "create_issue",
        "update_issue",
        "comment",
        "create_pull",
    ]
    """repository: what it is. issues, pulls: those of a repository. issue, pull: one, by number. comments: what was
    said on one. file: a file's text, or a folder's names. search: `query` in issues, code or repositories.
    create_issue, update_issue, comment, create_pull: write, where the tool may."""

    repository: Repository | None = None
    """The repository, `owner/name`. None: the tool's own."""

    number: Annotated[int, Bounds(ge=1)] | None = None
    """issue, comments, pull, update_issue, comment: the number of the issue or pull request."""

    title: Annotated[str, Bounds(min_length=1, max_length=256)] | None = None
    """create_issue, update_issue, create_pull: the title."""

    body: Annotated[str, Bounds(max_length=65_536)] | None = None
    """create_issue, update_issue, comment, create_pull: the text, in GitHub's markdown."""

    labels: Annotated[list[Label], Bounds(max_items=100)] | None = None
    """create_issue, update_issue: the labels. issues: only those with all of them."""

    state: Literal["open", "closed", "all"] | None = None
    """issues, pulls: which; open unless given. update_issue: open or closed, to open or close it."""

    head: Annotated[str, Bounds(min_length=1, max_length=255)] | None = None
    """create_pull: the branch with the changes, or `owner:branch`."""

    base: Annotated[str, Bounds(min_length=1, max_length=255)] | None = None
    """create_pull: the branch to change."""

    path: Annotated[str, Bounds(max_length=1000)] = ""
    """file: the path in the repository; "" is its root."""

    ref: Annotated[str, Bounds(min_length=1, max_length=255)] | None = None
    """file: the branch, tag or commit. None: the default branch."""

    query: Annotated[str, Bounds(min_length=1, max_length=256)] | None = None
    """search: words and qualifiers, as in GitHub's search field."""

    kind: Literal["issues", "code", "repositories"] = "issues"
    """search: what to look for."""

    page: Annotated[int, Bounds(ge=1, le=100)] = 1
    """issues, comments, pulls, search: which page."""

    limit: Annotated[int, Bounds(ge=1, le=100)] = 30
    """issues, comments, pulls, search: how many on a page."""


class GitHubResult(TypedDict):
    repository: NotRequired[dict[str, Any]]
    """repository: name, description, url, default_branch, language, stars, open_issues, private, updated."""
    issue: NotRequired[dict[str, Any]]
    """issue, create_issue, update_issue: number, title, state, author, labels, body, url …"""
    pull: NotRequired[dict[str, Any]]
    """pull, create_pull: as an issue, with head, base, draft, merged."""
    comment: NotRequired[dict[str, Any]]
    """comment: id, author, body, url, created."""
    items: NotRequired[list[dict[str, Any]]]
    """issues, pulls, comments, search: the found, in the service's order. A folder's names: name, path, type, size."""
    file: NotRequired[dict[str, Any]]
    """file: path, size, sha, and `text`, or `base64` where it is no UTF-8."""
    next_page: NotRequired[int]
    """issues, comments, pulls, search: the number of the next page; 0 where there is none."""
    total: NotRequired[int]
    """search: how many there are in all."""


@exposed(
    aliases=("GitHub",),
    options=GitHubOptions,
    tool=ToolMark(
        name="github",
        category="integration",
        params=GitHubParams,
        result=GitHubResult,
        examples=(
            Example({"operation": "issues", "repository": "octocat/hello-world", "labels": ["bug"]}, note="open bugs"),
            Example(
                {"operation": "file", "repository": "octocat/hello-world", "path": "README.md"}, note="read one file"
            ),
            Example(
                {"operation": "create_issue", "repository": "octocat/hello-world", "title": "It fails on Mondays"},
                note="report something, where the tool may write",
            ),
        ),
        permissions=("net",),
        timeout=130_000,
        max_output=12_000_000,
    ),
)
class GitHubTool(BuiltinTool[GitHubOptions]):
    """Reads repositories, files, issues and pull requests on GitHub, searches them, and writes where that is allowed.

    Lists come by pages: ask again with `next_page` where it is not 0. Writing is public and seen at once.
    """

    def __init__(self, options: GitHubOptions, resolver: Resolver = system_resolver) -> None:
        super().__init__(options)
        self.resolver = resolver

    async def perform(self, params: dict[str, Any], context: ToolContext) -> ToolOutput:
        asked, options = GitHubParams(**params), self.options
        if asked.operation in _WRITES:
            check_writes("github", asked.operation, options.read_only)
        repository = asked.repository or options.repository
        allowed = Allowed("github", "allowed_repositories", "repository", options.allowed_repositories)
        if repository is not None:
            allowed.check(repository, f"{repository.partition('/')[0]}/*")
        place = place_of("github", options.base_url, context.environ, "GITHUB_API_URL", _API)
        token = optional_secret(options.token, place, context.environ, ("GITHUB_TOKEN", "GH_TOKEN"))
        headers = {"accept": "application/vnd.github+json", "x-github-api-version": _VERSION}
        if token:
            headers["authorization"] = f"Bearer {token}"
        service = Service("github", place.base, headers, context.permissions, options.timeout, self.resolver)
        return ToolOutput(await github_calls.call(service, asked, repository, allowed.narrows))
