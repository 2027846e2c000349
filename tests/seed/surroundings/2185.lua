--: after
local names = {}
for _, tool in ipairs(research_assistant.tools) do names[#names + 1] = tool.name end
print("tools: " .. table.concat(names, " "))
--: prints Research completed:	A short answer.
--: prints tools: web_search web_scraper csv json statistics file_system markdown embedding vector_search email slack
--: sends Quantum Computing Applications in Finance
