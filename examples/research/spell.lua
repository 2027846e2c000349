-- A research desk over the files of this folder. A librarian reads the notes, an analyst computes on the measurements,
-- a lead asks both and answers as data; the spell checks that answer and writes output/report.md.
local question = params.question or "How much cooler are streets with trees, and what does a tree cost a year?"

-- Whatever a model asks for, nobody reads what is not public yet. The model is told, and goes on without it.
Hooks.register("before_tool_call", function(context)
  local path = context.params.path
  if path and path:find("embargoed", 1, true) then
    error(SecurityError.new(path .. " is embargoed"))
  end
end, { tool = "file_system" })

local librarian = Agent.new {
  name = "librarian",
  system_prompt = "You know the notes in the folder notes. List it, read every note, and report each fact that "
    .. "matters with the path of its file. Name the notes that you could not read.",
  tools = { FileSystem.new { allowed_paths = { "notes" }, read_only = true } },
}

local analyst = Agent.new {
  name = "analyst",
  system_prompt = "You compute. The file data/streets.csv has the columns street, shade (full, partial, none), trees "
    .. "and celsius (air, 15:00). Let your tools do all arithmetic; give figures with their units.",
  tools = { Csv.new(), Calculator.new() },
}

local lead = Agent.new {
  name = "lead",
  system_prompt = "You lead a research desk. Ask your librarian and your analyst, then answer the question. "
    .. "Every finding names the one file it rests on, such as notes/costs.md or data/streets.csv.",
  tools = {
    AgentTool.wrap(librarian, "ask_librarian", "Asks the librarian, who knows the notes"),
    AgentTool.wrap(analyst, "ask_analyst", "Asks the analyst, who computes on figures and data/streets.csv"),
  },
}

local answer = lead:chat(question, {
  schema = {
    type = "object",
    properties = {
      answer = { type = "string", description = "Two or three sentences" },
      cooling_celsius = { type = "number", description = "Mean of streets without shade minus mean of full shade" },
      findings = {
        type = "array",
        items = {
          type = "object",
          properties = { fact = { type = "string" }, source = { type = "string" } },
          required = { "fact", "source" },
          additionalProperties = false,
        },
      },
    },
    required = { "answer", "cooling_celsius", "findings" },
    additionalProperties = false,
  },
})

-- Trust is good: the one figure that matters is computed again without a model.
local means = Csv.new():execute {
  operation = "aggregate",
  path = "data/streets.csv",
  group_by = { "shade" },
  aggregates = { { ["function"] = "mean", column = "celsius", name = "mean" } },
}
local celsius = {}
for _, group in ipairs(means.rows) do celsius[group.shade] = group.mean end
local measured = celsius.none - celsius.full
local verdict = math.abs(measured - answer.cooling_celsius) < 0.05 and "as measured" or "WRONG"

local report = {
  "# " .. question,
  "",
  answer.answer,
  "",
  string.format("Cooling: %.1f °C (%s: %.1f °C)", answer.cooling_celsius, verdict, measured),
  "",
  "## Findings",
  "",
}
for _, finding in ipairs(answer.findings) do
  table.insert(report, "- " .. finding.fact .. " [" .. finding.source .. "]")
end

-- The sources with their fingerprints, so that a reader can tell whether they have changed since.
local sources = Json.new():execute({ operation = "query", data = answer, query = "sort(findings[].source)" }).result
table.insert(report, "\n## Sources\n")
local listed = 0
for index, source in ipairs(sources) do
  if source ~= sources[index - 1] then
    table.insert(report, "- " .. source .. " sha256:" .. Hash.new():execute({ path = source }).digest:sub(1, 16))
    listed = listed + 1
  end
end

FileSystem.new():execute {
  operation = "write",
  path = "output/report.md",
  content = table.concat(report, "\n") .. "\n",
}
return string.format("output/report.md: %d findings from %d sources, %s", #answer.findings, listed, verdict)
