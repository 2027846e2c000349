-- The experts of the document, as agents of templates under its names; the reviewer finds one gap the first time.
for _, name in ipairs({ "TechnicalExpert", "MarketExpert", "RiskExpert", "SeniorAnalyst" }) do
  AnalysisAgent.new { name = name, system_prompt = "You are " .. name, provider = "openai" }
end
ReviewAgent.new { name = "QualityReviewer", provider = "openai" }
local market = AnalysisAgent.new { name = "market", system_prompt = "You know the market", provider = "openai" }
local asked = 0
Experts = {
  get_for_domain = function(domain)
    asked = asked + 1
    return domain == "market" and market
  end,
}
Analyzers = { calculate_correlation = function(results) return #results / 10 end }
--: after
local found = CollaborationWorkflow:run_detailed({ topic = "a new product" })
assert(found.outputs.step_1.correlation_score == 0.3, "the aggregator had three results")
assert(found.outputs.step_2.summary == "A short answer.", "the senior analyst answered")
assert(asked == 1, "one gap was found")
print("steps: " .. found.steps_executed)
--: prints steps: 7
--: sends Bring these analyses of several experts together.
--: sends Find what is missing here
--: sends Answer this question as exactly as you can
--: sends How large is it?
--: sends Provide comprehensive analysis synthesis
