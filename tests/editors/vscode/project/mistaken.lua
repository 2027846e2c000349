local greeter = Agent.new { nme = "x" }
print(greeter:chat("Please greet Ada."))
