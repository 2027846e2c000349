const writer = new Agent({ name: "writer", systemPrompt: "You write." });
const outside = Workflow.sequential({
  name: "references",
  steps: [
    { agent: writer, input: "A title for {{topic}}", output: "found" },
    { agent: writer, input: `A line under {{found.title}}, or ${"outside"}` },
  ],
});
console.log(await outside.run({ topic: "tide mills" }));
