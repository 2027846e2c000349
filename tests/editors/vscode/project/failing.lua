print("Here it comes")
error("no such luck")
