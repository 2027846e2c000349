"""Generated spells of any length: agents, tools, workflows, hooks and functions, as people write them. No mistake in them.

The last lines are the same in each, and their places are known: there the typist types.
"""

from __future__ import annotations

from typing import Final

_JAVASCRIPT: Final = """\
// Part {n}: reads, thinks, reports.
const agent{n} = new Agent({{
  name: "agent-{n}",
  model: "openai/gpt-4o-mini",
  systemPrompt: "You answer question {n} in one sentence.",
  temperature: 0.{d},
  tools: [new Calculator()],
}});

/** How part {n} is reported. */
function report{n}(text, options) {{
  const lines = text.split("\\n").map((line) => line.trim());
  if (options && options.short) {{
    return lines.slice(0, {d}).join(" ");
  }}
  return lines.join("\\n") + state{n}.total;
}}

const state{n} = {{ total: {n}, seen: [], note: `part ${{{n} + 1}}` }};

async function run{n}(question) {{
  const answer = await agent{n}.chat(question);
  for (const each of state{n}.seen) {{
    console.log(each, answer.text);
  }}
  return report{n}(answer.text, {{ short: true }});
}}
"""

_LUA: Final = """\
-- Part {n}: reads, thinks, reports.
agents[{n}] = Agent.new({{
  name = "agent-{n}",
  model = "openai/gpt-4o-mini",
  system_prompt = "You answer question {n} in one sentence.",
  temperature = 0.{d},
  tools = {{ Calculator.new() }},
}})

--- How part {n} is reported.
function parts.report{n}(text, options)
  local lines = {{}}
  for line in text:gmatch("[^\\n]+") do
    lines[#lines + 1] = line
  end
  if options and options.short then
    return lines[{d}]
  end
  return table.concat(lines, "\\n") .. parts.state{n}.total
end

parts.state{n} = {{ total = {n}, seen = {{}}, note = "part " .. {n} + 1 }}

function parts.run{n}(question)
  local answer = agents[{n}]:chat(question)
  for _, each in ipairs(parts.state{n}.seen) do
    print(each, answer.text)
  end
  return parts.report{n}(answer.text, {{ short = true }})
end
"""

_ENDS: Final = {
    "javascript": """\
const helper = new Agent({ name: "helper", model: "openai/gpt-4o-mini" });

console.log(await run1("why?"));
""",
    "lua": """\
local helper = Agent.new({ name = "helper", model = "openai/gpt-4o-mini" })

print(parts.run1("why?"))
""",
}

#: A call is typed into the empty line above the last; members of an agent complete after its mark.
TYPED: Final = {"javascript": "await helper.chat(state1.note)", "lua": "helper:chat(parts.state1.note)"}
MARKS: Final = {"javascript": "helper.", "lua": "helper:"}
MISTAKE: Final = {"javascript": "helper.chat(]);", "lua": "helper:chat(])"}


#: What stands around a spell that is one function, and after it; all else is then indented.
_AROUND: Final = {
    "javascript": ("async function main() {\n", "}\n"),
    "lua": ("local function main()\n", "end\n"),
}


def in_one_function(language: str, text: str) -> str:
    """The spell with all that it does in one function."""
    head, end = _AROUND[language]
    return head + "".join("  " + line if line.strip() else line for line in text.splitlines(keepends=True)) + end


def spell(language: str, lines: int) -> str:
    """A spell of about this many lines, ending in a line end."""
    head = "" if language == "javascript" else "local agents, parts = {}, {}\n\n"
    part = _JAVASCRIPT if language == "javascript" else _LUA
    end = _ENDS[language]
    written: list[str] = []
    length = head.count("\n") + end.count("\n")
    while length < lines or not written:
        written.append(part.format(n=len(written) + 1, d=len(written) % 9 + 1) + "\n")
        length += written[-1].count("\n")
    return head + "".join(written) + end
