-- Hooks see what is about to happen, change it, or refuse it.

local orders = { ["17"] = "a lamp", ["18"] = "a chair" }

local cancel_order = Tool.define {
  name = "cancel_order",
  description = "Cancels an order for good.",
  parameters = { type = "object", properties = { id = { type = "string" } }, required = { "id" } },
  execute = function(given)
    orders[given.id] = nil
    return { cancelled = given.id }
  end,
}

-- For every agent of the spell: no e-mail address leaves this machine. What the handler writes is what is sent, and
-- what the history keeps.
Hooks.register("before_llm_call", function(context)
  context.prompt = context.prompt:gsub("[%w._-]+@[%w.-]+%w", "[e-mail]")
end)

local support = Agent.new {
  name = "support",
  system_prompt = "You help customers of a furniture shop. Answer in one or two sentences.",
  tools = { cancel_order },
  hooks = {
    -- An error in a `before` hook is a veto. The model is told why, and can answer something sensible.
    before_tool_call = function(context)
      if context.tool_name == "cancel_order" and context.params.id == "17" then
        error("order 17 has been paid: a person has to cancel it")
      end
    end,
    -- Fields that a handler adds live on from before to after.
    before_execute = function(context)
      context.asked_by = "the shop's page"
    end,
    after_execute = function(context)
      context.output = context.output .. " (asked by " .. context.asked_by .. ")"
    end,
  },
}

print(support:chat("I am ada@example.com. What address did I just give you?"))
print(support:chat("Cancel the orders 17 and 18."))
print("order 17 is " .. (orders["17"] and "still there" or "gone"))
print("order 18 is " .. (orders["18"] and "still there" or "gone"))
