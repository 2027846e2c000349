"""Ways to abuse what only some tools take (patterns, SQL, markup, formulas, programs), and the test of each that proves
it harmless. A tool that is not named under a way takes nothing of its kind.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

_FILES: Final = "tools/test_hostile_files.py"
_DATA: Final = "tools/test_hostile_data.py"
_DOCUMENTS: Final = "tools/test_hostile_documents.py"
_SHELL: Final = "tools/test_shell_command.py"
_HTTP: Final = "tools/test_http_request.py"
_SERVICES: Final = "tools/services"
_AWS: Final = "tools/cloud_aws/test_aws_safety.py"
_KUBERNETES: Final = "tools/cloud_kubernetes/test_kubernetes_safety.py"
_VECTORS: Final = "tools/ai/test_vector_search.py"


@dataclass(frozen=True)
class Way:
    """what: that which is abused, as in "takes no …". tests: by tool. only: for tools with one of these permissions."""

    what: str
    tests: Mapping[str, str]
    only: frozenset[str] = frozenset()
    shared: str = ""
    """The test of what all such tools go through, for those without one of their own."""


LINKED: Final[dict[str, Way]] = {
    "runaway pattern": Way(
        "patterns",
        {
            "regex": f"{_DATA}::test_regex_backtracking",
            "json": f"{_DOCUMENTS}::test_jsonpath_backtracking",
            "file_system": f"{_FILES}::test_glob_bomb",
        },
    ),
    "runaway query": Way(
        "queries",
        {
            "sqlite": f"{_DOCUMENTS}::test_sqlite_endless",
            "json": f"{_DATA}::test_json_query_doubling",
            "xml": f"{_DOCUMENTS}::test_xml_path_blow_up",
            "web_scraper": f"{_SERVICES}/test_web_scraper.py::test_hostile_pages_end_in_time",
            "diff": f"{_DOCUMENTS}::test_diff_endless",
            "vector_search": f"{_VECTORS}::test_a_deep_filter_is_refused",
        },
    ),
    "injection into a query": Way(
        "queries that are put together",
        {
            "sqlite": f"{_DOCUMENTS}::test_sqlite_injection",
            "jira": f"{_SERVICES}/test_trackers.py::test_a_search_in_jira_stays_in_its_projects",
            "github": f"{_SERVICES}/test_trackers.py::test_github_stays_in_its_repositories",
        },
    ),
    "entities and includes": Way(
        "markup with entities",
        {
            "xml": f"{_DOCUMENTS}::test_xml_entities",
            "rss_feed": f"{_SERVICES}/test_rss_feed.py::test_hostile_feeds_end_in_time_and_open_nothing",
            "markdown": f"{_DOCUMENTS}::test_markdown_yaml_aliases",
            "kubernetes": "tools/cloud_kubernetes/test_kubernetes_logins.py::test_kubeconfigs_that_are_none",
        },
    ),
    "script in markup": Way(
        "markup that others show",
        {
            "markdown": f"{_DOCUMENTS}::test_markdown_script_links",
            "chart_generator": "tools/test_documents.py::test_svg_holds_its_text_and_nothing_that_runs",
        },
    ),
    "formulas in cells": Way("tables for spreadsheets", {"csv": f"{_DATA}::test_csv_formulas"}),
    "code in an expression": Way(
        "expressions",
        {
            "calculator": "tools/test_calculator.py::test_hostile_expression_is_refused_at_once",
            "symbolic_math": "tools/test_math_tools.py::test_what_is_no_formula_is_refused_before_anything_computes",
        },
    ),
    "escape from the sandbox": Way(
        "programs",
        {"code_interpreter": "tools/test_code_interpreter.py::test_nothing_of_the_host_is_there"},
    ),
    "endless program": Way(
        "programs or commands",
        {
            "code_interpreter": "tools/test_code_interpreter.py::test_what_takes_too_long_is_ended",
            "shell_command": f"{_SHELL}::test_time_out",
            "symbolic_math": "tools/test_math_tools.py::test_a_cancelled_computation_leaves_no_process",
        },
    ),
    "bomb in a file": Way(
        "packed or built-up files",
        {
            "pdf_reader": f"{_DOCUMENTS}::test_pdf_inflating",
            "chart_generator": f"{_DOCUMENTS}::test_chart_too_large",
            "xml": f"{_DOCUMENTS}::test_xml_elements",
            "csv": f"{_DATA}::test_csv_many_columns",
            "http_request": f"{_HTTP}::test_gzip_bomb",
            "websocket": f"{_SERVICES}/test_websocket.py::test_what_the_other_side_can_do_is_bounded",
        },
    ),
    "shell metacharacters": Way("commands", {"shell_command": f"{_SHELL}::test_metacharacters"}),
    "arguments that are options": Way("commands", {"shell_command": f"{_SHELL}::test_argument_injection"}),
    "processes of others": Way(
        "processes", {"process": "tools/test_process.py::test_others_are_neither_shown_nor_ended"}
    ),
    "variables of the host": Way(
        "variables",
        {
            "environment": f"{_DATA}::test_environment_not_allowed",
            "shell_command": f"{_SHELL}::test_environment_leak",
        },
    ),
    "folder swapped for a link": Way("files", {}, frozenset({"read", "write"}), f"{_FILES}::test_swapped_folder"),
    "recipients that were not meant": Way(
        "recipients",
        {
            "email": f"{_SERVICES}/test_email.py::test_recipients_are_narrowed",
            "slack": f"{_SERVICES}/test_messengers.py::test_slack_refusals",
            "discord": f"{_SERVICES}/test_messengers.py::test_a_discord_webhook_posts_only_where_its_options_allow",
        },
    ),
    "the environment's secret to another host": Way(
        "secrets of services",
        {
            "web_search": f"{_SERVICES}/test_web_search.py::test_the_environments_key_goes_to_no_other_address",
            "email": f"{_SERVICES}/test_email.py::test_the_environments_login_goes_to_its_own_server_only",
            "slack": f"{_SERVICES}/test_messengers.py::test_the_environments_secrets_go_to_no_other_address",
            "discord": f"{_SERVICES}/test_messengers.py::test_the_environments_secrets_go_to_no_other_address",
            "twilio": f"{_SERVICES}/test_messengers.py::test_the_environments_secrets_go_to_no_other_address",
            "aws": "tools/cloud_aws/test_aws_safety.py::test_the_environment_s_keys_sign_for_their_own_places_only",
            "kubernetes": "tools/cloud_kubernetes/test_kubernetes_logins.py::"
            "test_another_context_than_the_person_s_needs_leave_to_read",
        },
    ),
    "writing where it only reads": Way(
        "options that only let it read",
        {
            "aws": f"{_AWS}::test_nothing_is_written_where_it_only_reads",
            "kubernetes": f"{_KUBERNETES}::test_nothing_is_written_where_it_only_reads",
            "github": f"{_SERVICES}/test_trackers.py::test_github_writes_only_where_it_may",
            "jira": f"{_SERVICES}/test_trackers.py::test_jira_writes_only_where_it_may",
        },
    ),
    "secrets in what is read": Way(
        "things that hold secrets",
        {
            "aws": "tools/cloud_aws/test_aws_services.py::test_what_is_sensitive_is_masked",
            "kubernetes": "tools/cloud_kubernetes/test_kubernetes_operations.py::"
            "test_secrets_are_masked_unless_asked_for_and_allowed",
        },
    ),
    "a stranger's file as its own": Way(
        "files of its own making",
        {
            "vector_search": f"{_VECTORS}::test_a_graph_of_a_strangers_is_not_read",
            "embedding": "tools/ai/test_embedding.py::test_a_damaged_folder_is_one_clear_error",
            "sqlite": f"{_DOCUMENTS}::test_sqlite_other_files",
        },
    ),
    "weak or reused keys": Way(
        "keys",
        {
            "encryption": "tools/test_crypto_tools.py::test_no_two_are_alike",
            "signature": "tools/test_crypto_tools.py::test_signatures_that_are_refused",
            "hash": f"{_DATA}::test_hash_timing_safe",
        },
    ),
    "result too large": Way(
        "", {}, frozenset(), "tools/test_script_tools.py::test_limits_of_time_and_size_hold_for_script_tools"
    ),
}
