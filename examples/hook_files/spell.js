// An ordinary spell: it knows nothing of the rules that hold in this project.

const support = new Agent({ name: "support", systemPrompt: "You help the customers of a bank." });

console.log(await support.chat("I am ada@example.com. My card 4111 1111 1111 1111 is gone!"));
console.log(await support.chat("Please send the new one home, and call me at +44 20 7946 0958."));
