// The smallest spell: one agent, one question. `params` holds what --param and --input gave.
const agent = new Agent("You greet people in one short, friendly sentence.");

const name = params.name ?? "world";
console.log(await agent.chat(`Say hello to ${name}.`));
