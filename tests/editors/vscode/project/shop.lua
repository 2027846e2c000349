local clerk = Agent.new { name = "clerk", system_prompt = "You sell fruit." }

local function total(prices)
  local sum = 0
  for index, price in ipairs(prices) do
    sum = sum + price
  end
  return sum
end

print(clerk:chat("Please greet somebody."))
local sum = total { 2, 3, 5 }
print("It is " .. sum)
