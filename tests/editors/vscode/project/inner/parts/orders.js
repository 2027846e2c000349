import { breaks } from "./breaks.js";

const clerk = new Agent({ name: "clerk", systemPrompt: "You sell fruit." });
console.log(await clerk.chat("Please greet somebody."));
breaks(null);
