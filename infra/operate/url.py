"""Prints the address of a stack's API."""

from stack import main

if __name__ == "__main__":
    main(lambda stack: print(stack.outputs()["ApiUrl"]))
