FileSystem.new():execute {
  operation = "write",
  path = "data.csv",
  content = "city,price,people\nOslo,5,10\nOslo,5,10\nRome, 8 ,n/a\nParis,12,30\n",
}
--: flags --allow-write data.csv
--: after
local found = result()
assert(#found.errors == 0, found.errors[1])
assert(found.processed_items == 4, "four steps, each on what the one before gave")
local chart = found.final_output
assert(chart.base64:sub(1, 8) == "iVBORw0K", "a PNG")
print(chart.kind .. " of the " .. chart.y[1] .. " by " .. chart.x)
--: prints bar of the mean by column
