"""Puts the OpenAI key into the stack's secret: `just set-key ENV`.

The key is read from the terminal without being shown, or from standard input if that is not a terminal, and this process
sends it to Secrets Manager. It appears in no command line, no file and no history.
"""

import getpass
import sys

from stack import main


def set_key(stack):
    secret = stack.outputs()["OpenAiSecretArn"]
    key = getpass.getpass("The OpenAI key: ") if sys.stdin.isatty() else sys.stdin.read()
    key = key.strip()
    if not key or not key.isascii() or any(character.isspace() for character in key):
        raise SystemExit("this is not a key: a key is one word of ASCII characters; nothing was changed")
    stack.client("secretsmanager").put_secret_value(SecretId=secret, SecretString=key)
    print(f"{stack.name}: the key is set; it is used within a minute")


if __name__ == "__main__":
    main(set_key)
