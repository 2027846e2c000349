"""Spells of the debugger's tests, the same in both languages. A line is found by the word in its comment."""

from __future__ import annotations

from pathlib import Path
from typing import Any

LANGUAGES = ("lua", "javascript")

_TWO = {
    "lua": """local helper = require("helper")
counted = 0
Hooks.register("before_llm_call", function(context)
  local name = context.agent_name -- hook
  counted = counted + 1
  return context
end)
local agents = {}
for _, name in ipairs({ "ada", "bob" }) do
  agents[#agents + 1] = Agent.new({ name = name, system_prompt = "You are " .. name })
end
local function ask(agent)
  local answer = agent:chat("hello") -- answer
  return answer
end
State.set("seen", 1)
local answers = Async.all({
  function() local answer = ask(agents[1]); return answer end,
  function() local answer = ask(agents[2]); return answer end,
})
local twice = helper.double(counted)
print(twice, #answers) -- end
return counted
""",
    "javascript": """import { double } from "./helper.js";
globalThis.counted = 0;
Hooks.register("before_llm_call", (context) => {
  const label = 1; let name = context.agentName; // hook
  globalThis.counted += 1;
  return context;
});
const agents = [];
for (const name of ["ada", "bob"]) {
  agents.push(new Agent({ name, systemPrompt: `You are ${name}` }));
}
async function ask(agent) {
  const answer = await agent.chat("hello"); // answer
  return answer;
}
await State.set("seen", 1);
const answers = await Promise.all([
  ask(agents[0]),
  ask(agents[1]),
]);
const twice = double(counted);
console.log(twice, answers.length); // end
return counted;
""",
}
_HELPER = {
    "lua": """local M = {}
function M.double(x)
  local twice = x * 2 -- helper
  return twice
end
return M
""",
    "javascript": """export function double(x) {
  const twice = x * 2; // helper
  return twice;
}
""",
}


class Spells:
    """Written into a client's folder."""

    def __init__(self, language: str, client: Any) -> None:
        self.is_lua = language == "lua"
        self._language = language
        self._client = client
        self._suffix = "lua" if self.is_lua else "js"
        self._text = ""
        self.helper = ""
        self.endless = "(function() while true do end end)()" if self.is_lua else "(() => { for (;;); })()"
        self.counted = "counted" if self.is_lua else "globalThis.counted"

    def write(self, name: str, text: str) -> str:
        return self._client.write(f"{name}.{self._suffix}", text)

    def two_agents(self) -> str:
        """Two agents at once, each with a hook before its model, and a module."""
        self._text = _TWO[self._language]
        self.helper = self.write("helper", _HELPER[self._language])
        return self.write("two", self._text)

    def line(self, word: str, text: str = "") -> int:
        return 1 + next(
            n for n, line in enumerate((text or self._text).split("\n")) if line.endswith((f"-- {word}", f"// {word}"))
        )

    def text(self, path: str) -> str:
        return Path(path).read_text()

    def assignment(self, name: str, value: str) -> str:
        return f"{name} = {value}"

    def printed(self, *values: int) -> str:
        return ("\t" if self.is_lua else " ").join(str(value) for value in (*values, 2))
