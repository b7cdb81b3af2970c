"""Prints the addresses of a stack's APIs, as `tests/deployed/main.py` takes them."""

from stack import main


def show(stack):
    outputs = stack.outputs()
    print(outputs["ApiUrl"], "--socket", outputs["WebSocketUrl"])


if __name__ == "__main__":
    main(show)
