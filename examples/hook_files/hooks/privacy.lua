-- Whatever a spell of this project asks a model: personal data stays here, and answers stay short.

Hooks.use(GuardHook.new { pii = { "email", "phone", "card", "iban", "key" }, max_input = 2000 })

Hooks.register("before_llm_call", function(context)
  context.system_prompt = context.system_prompt .. " Answer in one sentence."
end)
