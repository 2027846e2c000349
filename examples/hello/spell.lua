-- The smallest spell: one agent, one question. `params` holds what --param and --input gave.
local agent = Agent.new("You greet people in one short, friendly sentence.")

local name = params.name or "world"
print(agent:chat("Say hello to " .. name .. "."))
