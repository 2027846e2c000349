-- An agent with tools. The model decides which to call; llmspell checks the arguments, runs the calls of one answer at
-- the same time, and hands the results back until the model has its answer.
local agent = Agent.new {
  name = "clerk",
  system_prompt = "You answer in one sentence. Use your tools for every calculation and every date.",
  tools = { Calculator.new(), DateTime.new() },
}

agent:on("tool_called", function(event)
  print("  calls " .. event.tool_name)
end)

print("What is 15% of 2500?")
print("  " .. agent:chat("What is 15% of 2500?"))

local question = "How many days are there from 20 January to 1 March 2025, and how many minutes is that?"
print(question)

-- `execute` gives more than the text: the calls with their results, tokens, cost and time.
local output = agent:execute(question)
print("  " .. output)
print("  " .. #output.tool_calls .. " tool calls")

-- A script calls a tool as a model does, with the same checks.
print("By hand: " .. Calculator.new():execute({ expression = "15% of 2500" }).result)
