"""The settings of a tenant in a deployed stack, which count within a minute and need no deployment:

    just assistant put ENV FILE [--tenant T] [--yes]
    just assistant get|history|undo ENV [--tenant T]
    just assistant check ENV FILE

FILE has settings (`assistant`, `limits`, `allowed_origins`, `plans`, `prices`), or an assistant alone, which then replaces the one in
the settings. What is put is checked by the program itself, with the stack's own parameters. The records are those of
`shared/src/store/settings.rs`.
"""

import argparse
import difflib
import json
import os
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from botocore.exceptions import ClientError
from stack import ROOT, Stack, briefly

FIELDS = {"assistant", "limits", "allowed_origins", "plans", "prices"}
# The variables that the check depends on, by the stack's parameters.
VARIABLES = {"ModelApi": "MODEL_API", "Model": "MODEL", "Instructions": "INSTRUCTIONS"}
# All that a tenant's name may have in a key; the store escapes `#`, `%`, controls and what is not ASCII.
UNESCAPED = "".join(chr(code) for code in range(0x20, 0x7F) if chr(code) not in "#%")
HISTORY = 50


class Settings:
    def __init__(self, stack, tenant):
        self.client, self.table = stack.client("dynamodb"), stack.outputs()["SettingsTableName"]
        self.tenant, self.partition = tenant, quote(tenant, safe=UNESCAPED)

    def key(self, sort):
        return {"pk": {"S": self.partition}, "sk": {"S": sort}}

    def get(self, sort):
        answer = self.client.get_item(TableName=self.table, Key=self.key(sort), ConsistentRead=True)
        return answer.get("Item", {})

    def head(self):
        return self.get("settings")

    def versions(self):
        answer = self.client.query(
            TableName=self.table,
            KeyConditionExpression="pk = :pk AND begins_with(sk, :prefix)",
            ExpressionAttributeValues={":pk": {"S": self.partition}, ":prefix": {"S": "V#"}},
            ScanIndexForward=False,
            Limit=HISTORY,
        )
        return answer["Items"]

    def put(self, document, head):
        number = int(head.get("newest", {"N": "0"})["N"]) + 1
        version = {
            "version": {"N": str(number)},
            "document": {"S": compact(document)},
            "stored_at": {"S": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")},
        }
        previous = {"previous": head["version"]} if "version" in head else {}
        new = {"TableName": self.table, "Item": self.key(f"V#{number:010}") | version | previous}
        changes = [
            {"Put": new | {"ConditionExpression": "attribute_not_exists(pk)"}},
            {"Update": self.update(version | {"newest": {"N": str(number)}}, "newest", head)},
        ]
        with unless_changed():
            self.client.transact_write_items(TransactItems=changes)
        return number

    def back_to(self, previous, head):
        attributes = {name: previous[name] for name in ("version", "document", "stored_at") if previous}
        with unless_changed():
            self.client.update_item(**self.update(attributes, "version", head))

    def update(self, attributes, condition, head):
        """Sets these attributes of the head, or removes its version without any, if nobody has changed it since it was read."""
        names = {f"#{name}": name for name in [*attributes, condition]}
        values = {f":{name}": value for name, value in attributes.items()}
        change = "SET " + ", ".join(f"#{name} = :{name}" for name in attributes)
        if not attributes:
            names |= {f"#{name}": name for name in ("version", "document", "stored_at")}
            change = "REMOVE #version, #document, #stored_at"
        known = f"attribute_not_exists(#{condition})"
        if condition in head:
            known, values = f"#{condition} = :known", values | {":known": head[condition]}
        return {
            "TableName": self.table,
            "Key": self.key("settings"),
            "UpdateExpression": change,
            "ConditionExpression": known,
            "ExpressionAttributeNames": names,
        } | ({"ExpressionAttributeValues": values} if values else {})


@contextmanager
def unless_changed():
    try:
        yield
    except ClientError as error:
        if error.response["Error"]["Code"] in ("ConditionalCheckFailedException", "TransactionCanceledException"):
            raise SystemExit("somebody else changed the settings at the same time; nothing was changed") from None
        raise


def compact(document):
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))


def document_of(record):
    return json.loads(record["document"]["S"]) if "document" in record else {}


def settings_in(file, current):
    """The settings in a file; an assistant alone replaces that of the current ones."""
    try:
        read = json.loads(Path(file).read_text())
    except (OSError, ValueError) as error:
        raise SystemExit(f"{file}: {error}") from None
    if not isinstance(read, dict) or not read or FIELDS & read.keys():
        return read
    return current | {"assistant": read}


def check(stack, document):
    """Has the program check settings, as the stack's functions would read them."""
    parameters = stack.parameters()
    env = {name: parameters[each] for each, name in VARIABLES.items() if parameters.get(each)}
    if name := parameters.get("AssistantDocument"):
        env |= {"ASSISTANT": str(ROOT / "infra/assistant" / name), "TOOL_SIGNING_SECRET_ARN": "the stack's"}
        env = {name: value for name, value in env.items() if name not in ("MODEL", "INSTRUCTIONS")}
    allowed = parameters.get("AllowedOrigins", "").split(",")
    for origin in document.get("allowed_origins", []) if isinstance(document, dict) else []:
        if origin not in allowed:
            raise SystemExit(
                f"`allowed_origins`: {origin} is not in the stack's AllowedOrigins, so no browser would ask; nothing was changed"
            )
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        file.write(compact(document))
        file.flush()
        program = ["cargo", "run", "--quiet", "--package", "chatkit-local", "--", "assistant", "check", file.name]
        checked = subprocess.run(program, cwd=ROOT, env=os.environ | env, capture_output=True, text=True)
        if checked.returncode:
            raise SystemExit(checked.stderr.replace(f"`{file.name}`: ", "").strip() + "\nnothing was changed")


def difference(before, after):
    lines = [json.dumps(each, ensure_ascii=False, indent=2, sort_keys=True).splitlines() for each in (before, after)]
    return "\n".join(difflib.unified_diff(*lines, "counts now", "would count", lineterm=""))


def confirm(before, after, arguments):
    """Shows what would change and asks."""
    print(difference(before, after) or "the same settings")
    if not arguments.yes and input("Should this count? [y/N] ").strip().lower() not in ("y", "yes"):
        raise SystemExit("nothing was changed")


def put(stack, arguments):
    settings = Settings(stack, arguments.tenant)
    head = settings.head()
    document = settings_in(arguments.file, document_of(head))
    check(stack, document)
    if "document" in head and document == document_of(head):
        return print(f"{arguments.tenant}: nothing changes")
    confirm(document_of(head), document, arguments)
    print(f"{arguments.tenant}: version {settings.put(document, head)} counts within a minute")


def get(stack, arguments):
    head = Settings(stack, arguments.tenant).head()
    if "document" not in head:
        raise SystemExit(f"{arguments.tenant}: nothing is stored")
    print(json.dumps(document_of(head), ensure_ascii=False, indent=2))


def check_file(stack, arguments):
    current = document_of(Settings(stack, arguments.tenant).head())
    check(stack, settings_in(arguments.file, current))
    print(f"{arguments.file} is valid")


def history(stack, arguments):
    settings = Settings(stack, arguments.tenant)
    current, versions = settings.head().get("version"), settings.versions()
    if not versions:
        print(f"{arguments.tenant}: nothing is stored")
    for each in versions:
        mark = "*" if each["version"] == current else " "
        print(f"{mark} {each['version']['N']:>4}  {each['stored_at']['S']}  {len(each['document']['S'].encode())} bytes")


def undo(stack, arguments):
    settings = Settings(stack, arguments.tenant)
    head = settings.head()
    if "version" not in head:
        raise SystemExit(f"{arguments.tenant}: there is nothing to undo")
    number = settings.get(f"V#{int(head['version']['N']):010}").get("previous")
    previous = settings.get(f"V#{int(number['N']):010}") if number else {}
    confirm(document_of(head), document_of(previous), arguments)
    settings.back_to(previous, head)
    what = f"version {number['N']} counts" if number else "no settings count any more"
    print(f"{arguments.tenant}: {what}, within a minute")


ACTIONS = {"put": put, "get": get, "check": check_file, "history": history, "undo": undo}


def main(given):
    parser = argparse.ArgumentParser(prog="just assistant", description=__doc__.splitlines()[0])
    parser.add_argument("action", choices=ACTIONS)
    parser.add_argument("environment")
    parser.add_argument("file", nargs="?")
    parser.add_argument("--tenant", default="default")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    arguments = parser.parse_args(given)
    if (arguments.file is None) == (arguments.action in ("put", "check")):
        parser.error("`put` and `check` need a file, and nothing else takes one")
    with briefly():
        stack = Stack(arguments.environment)
        stack.needs_account()
        ACTIONS[arguments.action](stack, arguments)


if __name__ == "__main__":
    main(sys.argv[1:])
