// Hooks see what is about to happen, change it, or refuse it.

const orders = new Map([["17", "a lamp"], ["18", "a chair"]]);

const cancelOrder = Tool.define({
  name: "cancel_order",
  description: "Cancels an order for good.",
  parameters: { type: "object", properties: { id: { type: "string" } }, required: ["id"] },
  execute({ id }) {
    orders.delete(id);
    return { cancelled: id };
  },
});

// For every agent of the spell: no e-mail address leaves this machine. What the handler writes is what is sent, and
// what the history keeps.
Hooks.register("beforeLLMCall", (context) => {
  context.prompt = context.prompt.replace(/[\w.-]+@[\w.-]+\w/g, "[e-mail]");
});

const support = new Agent({
  name: "support",
  systemPrompt: "You help customers of a furniture shop. Answer in one or two sentences.",
  tools: [cancelOrder],
  hooks: {
    // An error in a `before` hook is a veto. The model is told why, and can answer something sensible.
    beforeToolCall({ toolName, params }) {
      if (toolName === "cancel_order" && params.id === "17") {
        throw new SecurityError("order 17 has been paid: a person has to cancel it");
      }
    },
    // Fields that a handler adds live on from before to after. Handlers may wait.
    async beforeExecute(context) {
      context.askedBy = "the shop's page";
    },
    async afterExecute(context) {
      context.output += ` (asked by ${context.askedBy})`;
    },
  },
});

console.log(await support.chat("I am ada@example.com. What address did I just give you?"));
console.log(await support.chat("Cancel the orders 17 and 18."));
for (const id of ["17", "18"]) {
  console.log(`order ${id} is ${orders.has(id) ? "still there" : "gone"}`);
}
