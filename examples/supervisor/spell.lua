-- A supervisor and its workers, as one agent: its model chooses who does a task, and looks at what comes back.

local cook = Agent.new { name = "cook", capabilities = { "recipes", "shopping lists" } }
local poet = Agent.new { name = "poet", capabilities = { "verses", "greetings" } }
local boss = Agent.new { name = "boss", system_prompt = "You run a small restaurant, and you are hard to please." }

local team = SupervisorAgent.new {
  name = "team",
  supervisor = boss,
  workers = { cook = cook, poet = poet },
  strategy = "model", -- or "round_robin", "skill_based", "least_busy", or a function
  review = true,
  hooks = {
    before_delegation = function(context)
      print(context.supervisor .. " asks " .. context.worker)
    end,
  },
}

team:on("delegation_reviewed", function(event)
  print(event.approved and "approved" or "sent back: " .. event.notes)
end)

print(team:execute("A verse for the menu of a rainy day"))

-- It is an agent like any other: here a stage of a pipeline, after a panel that is one, too.
local panel = CompositeAgent.new {
  name = "panel",
  agents = { cook, poet },
  mode = "sequential", -- each sees the answers of those before it; "concurrent" asks all at once
  aggregator = function(ideas)
    return table.concat(ideas, " / ")
  end,
}
local evening = PipelineAgent.new { stages = { panel, team } }
print(evening:process("An idea for the evening"))
