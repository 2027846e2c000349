const clerk = new Agent({ name: "clerk", systemPrompt: "You sell fruit." });

async function total(prices) {
  let sum = 0;
  for (const price of prices) {
    sum = sum + price;
  }
  return sum;
}

console.log(await clerk.chat("Please greet somebody."));
const sum = await total([2, 3, 5]);
console.log(`It is ${sum}`);
