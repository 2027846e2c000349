"""Agents: what takes an input, may ask a model, may call tools, and gives an output.

`base` is BaseAgent, `agent` an agent with a model, `conversation` the exchange of one turn, `model_call` one request.
Knows no engines and no files.
"""
