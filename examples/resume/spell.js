// Eight chapters, one after the other. Whoever kills this on its way loses the chapter that was being written.

const chapters = ["the well", "the road", "the ferry", "the inn", "the fair", "the storm", "the lamp", "the harbour"];
const writer = new Agent({ name: "writer", systemPrompt: "You write one sentence about each chapter." });

const book = Workflow.loop({
  name: "book",
  over: "{{chapters}}",
  body: [
    // Time to kill it: `--param pause=1000` waits a second before each chapter.
    async (chapter) => {
      await Async.sleep(params.pause ?? 0);
      return chapter;
    },
    { agent: writer, input: "Write about {{item}}" },
  ],
});

let written = 0;
book.on("workflow_step_completed", (now) => {
  if (now.stepType === "agent") console.log(`${++written}. ${now.output}`);
});

const found = await book.runDetailed({ chapters });
console.log(`${found.result.length} chapters`);
