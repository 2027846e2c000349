-- An agent with one tool round trip a question: `params.calls` model calls between `begin` and `end`.
local calculator = Calculator.new()
local function question()
  Agent.new { tools = { calculator } }:chat("How much is 17 times 3?")
end

for _ = 1, 10 do question() end
print("begin")
for _ = 1, params.calls // 2 do question() end
print("end")
Async.sleep(200) -- the trace's writer catches up
print("settled")
