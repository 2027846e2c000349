//: waits for MetricsCollector, which comes with the script API
