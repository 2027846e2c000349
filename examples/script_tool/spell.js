// A tool of your own: a name, a description for the model, a JSON Schema of its arguments, and a method.
class Stock extends Tool {
  #shelf = { apples: 12, pears: 0, plums: 40 };

  constructor() {
    super({
      name: "stock",
      description: "Tells how many of a fruit are on the shelf and whether an order can be filled.",
      parameters: {
        type: "object",
        properties: {
          fruit: { type: "string", enum: ["apples", "pears", "plums"] },
          wanted: { type: "integer", minimum: 1, description: "How many are ordered" },
        },
        required: ["fruit", "wanted"],
      },
    });
  }

  async execute({ fruit, wanted }) {
    const left = this.#shelf[fruit];
    return { on_shelf: left, enough: left >= wanted };
  }
}

const stock = new Stock();
const clerk = new Agent({
  name: "clerk",
  systemPrompt: "You take orders at a fruit shop. Look at the stock, then answer in one sentence.",
  tools: [stock],
});

// Arguments are checked before the method sees them. Models that get them wrong are told what is wrong and try again.
clerk.on("toolCompleted", ({ params, status, error }) => {
  console.log(status === "ok" ? `  looked up ${params.fruit}` : `  refused: ${error.message}`);
});

console.log("Can I have five apples?");
console.log("  " + (await clerk.chat("Can I have five apples?")));

// The same holds for the script itself.
try {
  await stock.execute({ fruit: "cherries", wanted: 1 });
  console.log("By hand: accepted");
} catch (problem) {
  console.log("By hand: " + problem.message);
}
