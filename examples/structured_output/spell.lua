-- Answers as data. The schema goes to the model, its answer is checked, and an answer that does not fit is sent back
-- once with what is wrong; what `chat` gives is a table that fits.
local invoice = {
  type = "object",
  properties = {
    supplier = { type = "string" },
    due = { type = "string", pattern = "^\\d{4}-\\d{2}-\\d{2}$", description = "ISO date" },
    items = {
      type = "array",
      items = {
        type = "object",
        properties = { what = { type = "string" }, count = { type = "integer" }, price = { type = "number" } },
        required = { "what", "count", "price" },
        additionalProperties = false,
      },
    },
  },
  required = { "supplier", "due", "items" },
  additionalProperties = false,
}

local reader = Agent.new { name = "reader", system_prompt = "You extract what invoices say. Invent nothing." }

local letter = [[
Dear Ms Lovelace, for 3 brass gears at 12.50 each and 1 crank handle at 40.00
please pay until 1 March 2025. Yours, Clement & Sons, instrument makers]]

local found = reader:chat("Extract this invoice:\n" .. letter, { schema = invoice })

local total = 0
for _, item in ipairs(found.items) do
  print(string.format("%d x %-12s at %6.2f", item.count, item.what, item.price))
  total = total + item.count * item.price
end
print(string.format("%.2f to %s until %s", total, found.supplier, found.due))

-- What a spell returns is its result: `llmspell run --json` gives it to other programs.
return { supplier = found.supplier, total = total }
