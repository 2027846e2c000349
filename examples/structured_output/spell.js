// Answers as data. The schema goes to the model, its answer is checked, and an answer that does not fit is sent back
// once with what is wrong; what `chat` gives is an object that fits.
const invoice = {
  type: "object",
  properties: {
    supplier: { type: "string" },
    due: { type: "string", pattern: "^\\d{4}-\\d{2}-\\d{2}$", description: "ISO date" },
    items: {
      type: "array",
      items: {
        type: "object",
        properties: { what: { type: "string" }, count: { type: "integer" }, price: { type: "number" } },
        required: ["what", "count", "price"],
        additionalProperties: false,
      },
    },
  },
  required: ["supplier", "due", "items"],
  additionalProperties: false,
};

const reader = new Agent({ name: "reader", systemPrompt: "You extract what invoices say. Invent nothing." });

const letter = `
Dear Ms Lovelace, for 3 brass gears at 12.50 each and 1 crank handle at 40.00
please pay until 1 March 2025. Yours, Clement & Sons, instrument makers`;

const found = await reader.chat(`Extract this invoice:\n${letter}`, { schema: invoice });

let total = 0;
for (const { what, count, price } of found.items) {
  console.log(`${count} x ${what.padEnd(12)} at ${price.toFixed(2).padStart(6)}`);
  total += count * price;
}
console.log(`${total.toFixed(2)} to ${found.supplier} until ${found.due}`);

// What a spell returns is its result: `llmspell run --json` gives it to other programs.
return { supplier: found.supplier, total };
