"""What outlasts a call or a run: values in files. Knows no agents and no engines."""
