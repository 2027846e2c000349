for index = 1, 600 do
  print(index)
end
