const greeter = new Agent({
  name: "greeter",
  systemPrompt: "You greet people in one short, friendly sentence.",
});

console.log(await greeter.chat("Please greet Ada."));
