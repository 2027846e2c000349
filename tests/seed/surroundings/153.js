const used = [];
const agent = new Agent({ name: "adder", provider: "anthropic" });
const handler = (event) => used.push(event.toolName);
//: after
console.log(await agent.chat("What are two and two?"));
if (used.join() !== "calculator") throw new Error(`the handler heard of: ${used}`);
//: prints It is
