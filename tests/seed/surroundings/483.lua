--: after
assert(tool.name == "file_system", tool.name)
assert(tool.config.read_only == true and tool.config.max_file_size == 10485760)
local written, refused = pcall(function()
  return tool:execute { operation = "write", path = "./output/note.txt", content = "x" }
end)
assert(not written, "a tool that only reads has written")
print("refused: " .. ErrorHandler.parse_error(refused).type)
--: prints refused:
