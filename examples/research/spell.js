// A research desk over the files of this folder. A librarian reads the notes while an analyst computes on the
// measurements; a lead answers as data; the desk checks that answer and writes output/report.md.
const question = params.question ?? "How much cooler are streets with trees, and what does a tree cost a year?";

// Whatever a model asks for, nobody reads what is not public yet. The model is told, and goes on without it.
Hooks.register("beforeToolCall", ({ params: { path } }) => {
  if (path?.includes("embargoed")) throw new SecurityError(`${path} is embargoed`);
}, { tool: "file_system" });

const librarian = new Agent({
  name: "librarian",
  systemPrompt: `You know the notes in the folder notes. List it, read every note, and report each fact that \
matters with the path of its file. Name the notes that you could not read.`,
  tools: [new FileSystem({ allowedPaths: ["notes"], readOnly: true })],
});

const analyst = new Agent({
  name: "analyst",
  systemPrompt: `You compute. The file data/streets.csv has the columns street, shade (full, partial, none), trees \
and celsius (air, 15:00). Let your tools do all arithmetic; give figures with their units.`,
  tools: [new Csv(), new Calculator()],
});

const lead = new Agent({
  name: "lead",
  systemPrompt: `You lead a research desk. Answer the question from the notes and figures you are given; let your \
calculator do the arithmetic. Every finding names the one file it rests on, such as notes/costs.md or data/streets.csv.`,
  tools: [new Calculator()],
});

const ANSWER = {
  type: "object",
  properties: {
    answer: { type: "string", description: "Two or three sentences" },
    cooling_celsius: { type: "number", description: "Mean of streets without shade minus mean of full shade" },
    findings: {
      type: "array",
      items: {
        type: "object",
        properties: { fact: { type: "string" }, source: { type: "string" } },
        required: ["fact", "source"],
        additionalProperties: false,
      },
    },
  },
  required: ["answer", "cooling_celsius", "findings"],
  additionalProperties: false,
};

const answer = (_, { question, notes, figures }) => lead.chat({ question, notes, figures }, { schema: ANSWER });

// Trust is good: the one figure that matters is computed again without a model.
async function check(found) {
  const { rows } = await new Csv().execute({
    operation: "aggregate",
    path: "data/streets.csv",
    groupBy: ["shade"],
    aggregates: [{ function: "mean", column: "celsius", name: "mean" }],
  });
  const celsius = Object.fromEntries(rows.map((group) => [group.shade, group.mean]));
  const measured = celsius.none - celsius.full;
  return { measured, words: Math.abs(measured - found.cooling_celsius) < 0.05 ? "as measured" : "WRONG" };
}

// The sources with their fingerprints, so that a reader can tell whether they have changed since.
async function fingerprints(findings) {
  const { result } = await new Json().execute({ operation: "query", data: findings, query: "sort([].source)" });
  const hash = new Hash();
  return Promise.all([...new Set(result)].map(async (path) => {
    const { digest } = await hash.execute({ path });
    return `- ${path} sha256:${digest.slice(0, 16)}`;
  }));
}

async function write(verdict, { question, answer }) {
  const facts = answer.findings.map(({ fact, source }) => `- ${fact} [${source}]`);
  const sources = await fingerprints(answer.findings);
  const report = [
    `# ${question}`,
    answer.answer,
    `Cooling: ${answer.cooling_celsius.toFixed(1)} °C (${verdict.words}: ${verdict.measured.toFixed(1)} °C)`,
    "## Findings",
    facts.join("\n"),
    "## Sources",
    sources.join("\n"),
  ];
  const content = report.join("\n\n") + "\n";
  await new FileSystem().execute({ operation: "write", path: "output/report.md", content });
  return `output/report.md: ${facts.length} findings from ${sources.length} sources, ${verdict.words}`;
}

const desk = Workflow.sequential({
  name: "research desk",
  steps: [
    {
      name: "gather",
      type: "parallel",
      steps: [
        { agent: librarian, input: "What do the notes say about this? {{question}}", output: "notes" },
        { agent: analyst, input: "Which figures of ours answer this? {{question}}", output: "figures" },
      ],
    },
    { name: "answer", run: answer, output: "answer" },
    { name: "check", run: check },
    { name: "write", run: write },
  ],
});

return await desk.run({ question });
