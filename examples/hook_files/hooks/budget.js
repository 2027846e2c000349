// Whatever a spell of this project does: it does not cost more than this, and it says what it did.

Hooks.use(new CostHook({ cost: 0.1, calls: 20 }));

let answers = 0;
Hooks.register("afterLLMCall", () => {
  answers += 1;
});

Hooks.register("afterSpell", () => {
  console.log(`(${answers} answers, and no personal data has left this machine)`);
});
