-- Agents as tools of another agent: the editor's model decides whom to ask, and what.
local translator = Agent.new {
  name = "translator",
  system_prompt = "You translate English into French. Answer with the translation alone.",
}
local critic = Agent.new {
  name = "critic",
  system_prompt = "You judge French texts. Answer with one sentence.",
}

local editor = Agent.new {
  name = "editor",
  system_prompt = "You publish French texts. Have them translated, then have the translation judged.",
  tools = {
    AgentTool.wrap(translator, "translate", "Translates an English text into French"),
    AgentTool.wrap(critic, "judge", "Says in one sentence how good a French text is"),
  },
}

-- The bus hears every agent of the spell, and the tools they call.
eventBus.on("tool_completed", function(event)
  print(event.agent_name .. " asked " .. event.tool_name .. ": " .. event.result.response)
end)

print("Final: " .. editor:chat("Publish this: The sea is calm tonight."))
