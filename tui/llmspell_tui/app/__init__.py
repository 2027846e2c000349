"""The window: shell around the screens, events into the model, keys to actions."""
