// Agents as tools of another agent: the editor's model decides whom to ask, and what.
const translator = new Agent({
  name: "translator",
  systemPrompt: "You translate English into French. Answer with the translation alone.",
});
const critic = new Agent({
  name: "critic",
  systemPrompt: "You judge French texts. Answer with one sentence.",
});

const editor = new Agent({
  name: "editor",
  systemPrompt: "You publish French texts. Have them translated, then have the translation judged.",
  tools: [
    new AgentTool(translator, "translate", "Translates an English text into French"),
    new AgentTool(critic, "judge", "Says in one sentence how good a French text is"),
  ],
});

// The bus hears every agent of the spell, and the tools they call.
eventBus.on("toolCompleted", ({ agentName, toolName, result }) => {
  console.log(`${agentName} asked ${toolName}: ${result.response}`);
});

console.log("Final: " + (await editor.chat("Publish this: The sea is calm tonight.")));
