"""What tests of spells and of llmspell itself need: a model's service on loopback whose answers are told to it.

Part of the product: `python -m llmspell.testing.server` gives anyone a service to run spells against without a key.
"""
