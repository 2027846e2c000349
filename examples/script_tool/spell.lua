-- A tool of your own: a name, a description for the model, a JSON Schema of its arguments, and a function.
local shelf = { apples = 12, pears = 0, plums = 40 }

local stock = Tool.define {
  name = "stock",
  description = "Tells how many of a fruit are on the shelf and whether an order can be filled.",
  parameters = {
    type = "object",
    properties = {
      fruit = { type = "string", enum = { "apples", "pears", "plums" } },
      wanted = { type = "integer", minimum = 1, description = "How many are ordered" },
    },
    required = { "fruit", "wanted" },
  },
  execute = function(order)
    local left = shelf[order.fruit]
    return { on_shelf = left, enough = left >= order.wanted }
  end,
}

local clerk = Agent.new {
  name = "clerk",
  system_prompt = "You take orders at a fruit shop. Look at the stock, then answer in one sentence.",
  tools = { stock },
}

-- Arguments are checked before the function sees them. Models that get them wrong are told what is wrong and try again.
clerk:on("tool_completed", function(event)
  print(event.status == "ok" and "  looked up " .. event.params.fruit or "  refused: " .. event.error.message)
end)

print("Can I have five apples?")
print("  " .. clerk:chat("Can I have five apples?"))

-- The same holds for the script itself.
local ok, problem = pcall(stock.execute, stock, { fruit = "cherries", wanted = 1 })
print("By hand: " .. (ok and "accepted" or ErrorHandler.parse_error(problem).message))
