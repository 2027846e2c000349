// A report made by four agents: a plan, two researchers at once, an editor, and a loop that shortens the draft.

const expert = (name, systemPrompt) => new Agent({ name, systemPrompt });

const planner = expert("planner", 'You plan reports. Answer with JSON: { "questions": [two questions] }.');
const historian = expert("historian", "You are a historian. Answer in one sentence.");
const engineer = expert("engineer", "You are an engineer. Answer in one sentence.");
const editor = expert("editor", "You write for a newspaper.");

const report = Workflow.sequential({
  name: "report",
  steps: [
    { agent: planner, input: "Two questions about {{topic}}", output: "plan" },
    {
      name: "research",
      type: "parallel",
      steps: [
        // The plan is text that holds JSON: a reference into it reads it.
        { agent: historian, input: "{{plan.questions[0]}}", output: "history" },
        { agent: engineer, input: "{{plan.questions[1]}}", output: "technology" },
      ],
    },
    {
      agent: editor,
      action: "Make one paragraph of these notes",
      input: { history: "{{history}}", technology: "{{technology}}" },
      output: "draft",
    },
    {
      name: "shorten",
      type: "loop",
      maxIterations: 3,
      condition: (context) => context.draft.length > 100,
      body: { agent: editor, action: "Shorten this", input: "{{draft}}", output: "draft" },
    },
  ],
});

report.on("workflowProgress", ({ done, total, stepName }) => console.log(`${done} of ${total}: ${stepName}`));

const found = await report.runDetailed({ topic: "tide mills" });
console.log(found.result);
console.log(`${found.stepsExecuted} steps, ${found.usage.calls} answers of models`);
