--: instead of 60-60: StatisticsTool is a tool of a later release
            agent = AnalysisAgent.new({ tools = {Calculator.new()} }),
--: after
print(report)
--: prints A short answer.
--: sends AI Safety advances in 2025
--: sends Analyse the following.
--: sends Write a report from this material
--: sends Style: technical
