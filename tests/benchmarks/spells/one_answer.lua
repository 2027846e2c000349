local agent = Agent.new("You calculate.")
print(agent:chat("How much is 17 times 3?"))
