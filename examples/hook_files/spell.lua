-- An ordinary spell: it knows nothing of the rules that hold in this project.

local support = Agent.new { name = "support", system_prompt = "You help the customers of a bank." }

print(support:chat("I am ada@example.com. My card 4111 1111 1111 1111 is gone!"))
print(support:chat("Please send the new one home, and call me at +44 20 7946 0958."))
