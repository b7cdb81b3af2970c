"""Prints the addresses of a stack's APIs, as `tests/deployed/main.py` takes them."""

from stack import main


def show(stack):
    outputs = stack.outputs()
    socket = outputs.get("WebSocketUrl")
    print(outputs["ApiUrl"], *(["--socket", socket] if socket else []))


if __name__ == "__main__":
    main(show)
