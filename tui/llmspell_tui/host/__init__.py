"""The warm host that runs spells for this interface, and the saves that make it run them again. Knows no Textual."""
