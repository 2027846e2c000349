local slow = Agent.new { name = "slow", system_prompt = "You take your time." }
local quick = Agent.new { name = "quick", system_prompt = "You do not." }
print(quick:chat("Something quick, please."))
print(slow:chat("Something slow, please."))
