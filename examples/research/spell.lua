-- A research desk over the files of this folder. A librarian reads the notes while an analyst computes on the
-- measurements; a lead answers as data; the desk checks that answer and writes output/report.md.
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
  system_prompt = "You lead a research desk. Answer the question from the notes and figures you are given; let your "
    .. "calculator do the arithmetic. Every finding names the one file it rests on, such as notes/costs.md or "
    .. "data/streets.csv.",
  tools = { Calculator.new() },
}

local ANSWER = {
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
}

local function answer(_, context)
  local known = { question = context.question, notes = context.notes, figures = context.figures }
  return lead:chat(known, { schema = ANSWER })
end

-- Trust is good: the one figure that matters is computed again without a model.
local function check(found)
  local means = Csv.new():execute {
    operation = "aggregate",
    path = "data/streets.csv",
    group_by = { "shade" },
    aggregates = { { ["function"] = "mean", column = "celsius", name = "mean" } },
  }
  local celsius = {}
  for _, group in ipairs(means.rows) do celsius[group.shade] = group.mean end
  local measured = celsius.none - celsius.full
  local right = math.abs(measured - found.cooling_celsius) < 0.05
  return { measured = measured, words = right and "as measured" or "WRONG" }
end

-- The sources with their fingerprints, so that a reader can tell whether they have changed since.
local function fingerprints(findings)
  local paths = Json.new():execute({ operation = "query", data = findings, query = "sort([].source)" }).result
  local lines = {}
  for index, path in ipairs(paths) do
    if path ~= paths[index - 1] then
      table.insert(lines, "- " .. path .. " sha256:" .. Hash.new():execute({ path = path }).digest:sub(1, 16))
    end
  end
  return lines
end

local function write(verdict, context)
  local found = context.answer
  local facts = {}
  for _, finding in ipairs(found.findings) do
    table.insert(facts, "- " .. finding.fact .. " [" .. finding.source .. "]")
  end
  local sources = fingerprints(found.findings)
  local cooling = string.format("%.1f °C (%s: %.1f °C)", found.cooling_celsius, verdict.words, verdict.measured)
  local report = {
    "# " .. context.question,
    found.answer,
    "Cooling: " .. cooling,
    "## Findings",
    table.concat(facts, "\n"),
    "## Sources",
    table.concat(sources, "\n"),
  }
  local text = table.concat(report, "\n\n") .. "\n"
  FileSystem.new():execute { operation = "write", path = "output/report.md", content = text }
  return string.format("output/report.md: %d findings from %d sources, %s", #facts, #sources, verdict.words)
end

local desk = Workflow.sequential {
  name = "research desk",
  steps = {
    {
      name = "gather",
      type = "parallel",
      steps = {
        { agent = librarian, input = "What do the notes say about this? {{question}}", output = "notes" },
        { agent = analyst, input = "Which figures of ours answer this? {{question}}", output = "figures" },
      },
    },
    { name = "answer", run = answer, output = "answer" },
    { name = "check", run = check },
    { name = "write", run = write },
  },
}

return desk:run { question = question }
