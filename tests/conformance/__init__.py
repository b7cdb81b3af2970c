"""The server against the official Python package `openai-chatkit`: see `__main__.py`."""
