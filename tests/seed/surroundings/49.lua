--: after
print(report)
--: prints A short answer.
--: sends AI Safety advances in 2025
--: sends Analyse the following.
--: sends Write a report from this material
--: sends Style: technical
