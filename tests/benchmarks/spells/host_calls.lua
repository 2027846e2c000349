-- `params.calls` host calls through the worker, each a question and its answer, between `begin` and `end`.
local agent = Agent.new { name = "somebody" }
local function ask(count)
  for _ = 1, count do agent:capabilities() end
end

ask(1000)
print("begin")
ask(params.calls)
print("end")
