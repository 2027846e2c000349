"""A text from outside to an agent of the run: one more turn of its conversation, with hooks, events and the recording.

It goes on while the run is paused; the agent's own hooks and tools may then be asked in the spell's worker, whose other
calls wait. An agent that is in the middle of a turn of a paused run cannot be chatted with: that turn would have to end
first.
"""

from __future__ import annotations

import asyncio
from typing import Any

from llmspell.agents.agent import Agent
from llmspell.agents.base import BaseAgent
from llmspell.agents.directory import Directory
from llmspell.control.control import Control, outside
from llmspell.errors import LlmspellError, UsageError, fault
from llmspell.run import Run


def begin(control: Control, given: dict[str, Any]) -> asyncio.Future[Any]:
    """What the agent will answer. given: `agent`, `text` and `by`. Raises ArgumentError, UsageError."""
    run = control.run
    agent = run.service(Directory, Directory.of).get(given["agent"])
    if control.pause is not None and isinstance(agent, Agent) and agent.is_chatting:
        raise UsageError(
            f"{agent.name} is in the middle of a turn, and the run is paused", hint="resume it, or step, and chat then"
        )
    answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    answer.add_done_callback(_noticed)
    run.spawn_apart(_chat(control, run, agent, given, answer))
    return answer


async def _chat(
    control: Control, run: Run, agent: BaseAgent, given: dict[str, Any], answer: asyncio.Future[Any]
) -> None:
    outside.set(True)
    control.apart(True)
    data = {"agent_name": agent.name, "message": given["text"], "by": given["by"]}
    try:
        with run.spanned("chat_started", "chat_completed", agent.name, data) as span:
            span.data["agent_name"] = agent.name
            span.data["answer"] = found = await _answer(agent, given["text"])
    except LlmspellError as error:
        answer.set_exception(error)
    except asyncio.CancelledError:
        answer.set_exception(UsageError("the run has ended"))
        raise
    except Exception as error:
        answer.set_exception(fault(error, "the chat"))
    else:
        answer.set_result(found)
    finally:
        control.apart(False)


async def _answer(agent: BaseAgent, text: str) -> Any:
    return await (agent.chat(text) if isinstance(agent, Agent) else agent.value(text))


def _noticed(answer: asyncio.Future[Any]) -> None:
    """A replay's chat has nobody who waits for its answer, nor for its error."""
    if not answer.cancelled():
        answer.exception()


def agents(run: Run) -> list[str]:
    """The names of the run's agents."""
    return run.service(Directory, Directory.of).names()
