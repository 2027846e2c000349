-- `params.agents` agents, all asked at the same moment, between `begin` and `end`.
local provider = params.provider
local first = Agent.new { provider = provider }
first:chat("Are you there?")

local questions = {}
for number = 1, params.agents do
  local agent = Agent.new { system_prompt = "You answer.", provider = provider }
  questions[number] = function() return agent:chat("Question " .. number) end
end

print("begin")
local answers = Async.all(questions)
print("end")
assert(#answers == params.agents)
Async.sleep(200) -- the trace's writer catches up
print("settled")
