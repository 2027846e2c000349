local calculator = Calculator.new()
for index = 1, 600 do
  print(index)
  calculator:execute { expression = index .. " + 1" }
end
