-- Has asked once, then waits.
Agent.new("You answer."):chat("Are you there?")
print("ready")
Async.sleep(600000)
