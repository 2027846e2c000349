-- `params.agents` agents that wait, after one of them has answered once (so that what a first answer loads is there).
local agents = {}
Agent.new("You answer."):chat("Are you there?")
for number = 1, params.agents do
  agents[number] = Agent.new { name = "agent " .. number, system_prompt = "You answer." }
end
print("ready")
Async.sleep(600000)
