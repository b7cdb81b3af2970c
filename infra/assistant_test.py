"""`just assistant`: what is put is checked, shown and asked for, and stored as the functions read it."""

import contextlib
import io
import json
import subprocess
import sys
import tempfile
import unittest
from datetime import UTC, datetime
from pathlib import Path
from unittest import mock

sys.path.insert(0, str(Path(__file__).resolve().parent / "operate"))
import assistant  # noqa: E402
from operate_test import Operator  # noqa: E402
from scripted_account import refused  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent
GOLDEN = ROOT / "tests/store/golden/settings.json"


class Table:
    """The settings' table: the four requests that the recipe makes of it."""

    def __init__(self):
        self.records = {}

    def get_item(self, TableName, Key, ConsistentRead):
        record = self.records.get((Key["pk"]["S"], Key["sk"]["S"]))
        return {"Item": record} if record else {}

    def query(self, ExpressionAttributeValues, Limit, **_):
        partition, prefix = (ExpressionAttributeValues[name]["S"] for name in (":pk", ":prefix"))
        keys = sorted((key for key in self.records if key[0] == partition and key[1].startswith(prefix)), reverse=True)
        return {"Items": [self.records[key] for key in keys[:Limit]]}

    def update_item(self, TableName, Key, UpdateExpression, ConditionExpression, ExpressionAttributeNames, ExpressionAttributeValues=None):
        key = (Key["pk"]["S"], Key["sk"]["S"])
        record = dict(self.records.get(key, Key))
        name, known = ExpressionAttributeNames, (ExpressionAttributeValues or {}).get(":known")
        condition = ConditionExpression.removeprefix("attribute_not_exists(").removesuffix(")").split(" = ")[0]
        if record.get(name[condition]) != known:
            raise refused("UpdateItem", "ConditionalCheckFailedException", "no")
        if UpdateExpression.startswith("REMOVE "):
            for each in UpdateExpression.removeprefix("REMOVE ").split(", "):
                record.pop(name[each], None)
        else:
            for each in UpdateExpression.removeprefix("SET ").split(", "):
                attribute, value = each.split(" = ")
                record[name[attribute]] = ExpressionAttributeValues[value]
        self.records[key] = record

    def transact_write_items(self, TransactItems):
        put, update = TransactItems[0]["Put"], TransactItems[1]["Update"]
        key = (put["Item"]["pk"]["S"], put["Item"]["sk"]["S"])
        if key in self.records:
            raise refused("TransactWriteItems", "TransactionCanceledException", "no")
        self.update_item(**update)
        self.records[key] = put["Item"]


class Assistant(Operator):
    def setUp(self):
        super().setUp()
        self.account = self.has_account(ModelApi="responses", AllowedOrigins="https://a.example")
        self.account.outputs = {"SettingsTableName": "chatkit-dev-SettingsTable-1"}
        self.table = Table()
        for name in ("get_item", "query", "update_item", "transact_write_items"):
            setattr(self.account, name, getattr(self.table, name))
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.file = Path(folder.name) / "settings.json"
        # What the program says of the file.
        self.checked, self.fault = [], ""

    def program(self, command, env, **_):
        self.checked.append((json.loads(Path(command[-1]).read_text()), env.get("MODEL_API"), command[:-1]))
        said = f"Error: `{command[-1]}`: {self.fault}" if self.fault else ""
        return subprocess.CompletedProcess(command, 1 if self.fault else 0, "", said)

    def run_with(self, *arguments, document=None, answer="y"):
        """What the recipe prints, and why it ended if it failed."""
        if document is not None:
            self.file.write_text(json.dumps(document))
        printed, why = io.StringIO(), ""
        with (
            mock.patch("subprocess.run", self.program),
            mock.patch("builtins.input", lambda question: answer),
            contextlib.redirect_stdout(printed),
        ):
            try:
                assistant.main(arguments)
            except SystemExit as end:
                why = end.code
        return printed.getvalue(), why

    def put(self, document, *options, answer="y"):
        return self.run_with("put", "dev", str(self.file), *options, document=document, answer=answer)

    def head(self, tenant="default"):
        return self.table.records.get((tenant, "settings"), {})

    def test_a_put_is_checked_shown_and_stored(self):
        printed, why = self.put({"assistant": {"instructions": "One"}, "limits": {"message_chars": 5}})
        self.assertIn('+    "instructions": "One"', printed)
        self.assertIn("default: version 1 counts within a minute", printed)
        self.assertEqual(why, "")
        (document, api, command) = self.checked[0]
        self.assertEqual((document["limits"], api), ({"message_chars": 5}, "responses"))
        self.assertEqual(command[-3:], ["--", "assistant", "check"])
        # An assistant alone replaces the assistant.
        printed, _ = self.put({"instructions": "Two"})
        self.assertIn('-    "instructions": "One"\n+    "instructions": "Two"', printed)
        self.assertEqual(
            self.head()["document"], {"S": '{"assistant":{"instructions":"Two"},"limits":{"message_chars":5}}'}
        )
        self.assertEqual(self.put({"instructions": "Two"})[0], "default: nothing changes\n")

    def test_what_is_broken_or_not_wanted_is_not_stored(self):
        self.fault = "`assistant.modle` is not a known field"
        _, why = self.put({"assistant": {"modle": "m"}})
        self.assertEqual(why, "Error: `assistant.modle` is not a known field\nnothing was changed")
        self.fault = ""
        self.assertIn("https://b.example is not in the stack's AllowedOrigins", self.put({"allowed_origins": ["https://b.example"]})[1])
        self.assertEqual(self.put({"limits": {}}, answer="")[1], "nothing was changed")
        self.file.write_text("{")
        self.assertIn("settings.json: Expecting property name", self.run_with("put", "dev", str(self.file))[1])
        self.assertEqual(self.table.records, {})

    def test_undo_goes_back_to_what_counted_before(self):
        for number in range(1, 4):
            self.put({"limits": {"message_chars": number}}, "--yes", answer="n")
        self.assertIn("version 2 counts", self.run_with("undo", "dev")[0])
        self.put({"limits": {"message_chars": 4}})
        printed, _ = self.run_with("history", "dev")
        self.assertEqual([line[:6] for line in printed.splitlines()], ["*    4", "     3", "     2", "     1"])
        for expected in ("version 2 counts", "version 1 counts", "no settings count any more"):
            self.assertIn(expected, self.run_with("undo", "dev")[0])
        self.assertEqual(self.run_with("undo", "dev")[1], "default: there is nothing to undo")
        self.assertEqual(self.run_with("get", "dev")[1], "default: nothing is stored")
        self.assertIn("version 5 counts", self.put({})[0])

    def test_two_operators_at_once(self):
        self.put({"limits": {}})
        with mock.patch.object(assistant.Settings, "head", lambda _: {"newest": {"N": "7"}, "version": {"N": "7"}}):
            self.assertIn("somebody else changed the settings", self.put({"plans": {}})[1])

    def test_the_records_are_those_of_the_functions(self):
        golden = json.loads(GOLDEN.read_text())
        for number, document in enumerate(('{"limits":{}}', "{}", None, '{"plans":{}}'), 1):
            at = datetime(2027, 1, 15, 8, 0, number, tzinfo=UTC)
            with mock.patch.object(assistant, "datetime", mock.Mock(now=lambda _: at)):  # noqa: B023
                if document:
                    self.put(json.loads(document), "--tenant", "ac#me")
                else:
                    with mock.patch.object(assistant, "compact", lambda _: '{"broken'):
                        settings = assistant.Settings(assistant.Stack("dev"), "ac#me")
                        settings.put({}, settings.head())
                    with mock.patch.object(assistant, "difference", lambda *_: ""), mock.patch.object(
                        assistant, "document_of", lambda _: {}
                    ):
                        self.run_with("undo", "dev", "--tenant", "ac#me")
        self.assertEqual([self.table.records[key] for key in sorted(self.table.records)], golden)

    def test_the_operators_policy_allows_what_is_called(self):
        self.put({"limits": {}})
        self.put({"plans": {}})
        for action in ("undo", "history", "get"):
            self.run_with(action, "dev")
        services = {"DescribeStacks": "cloudformation", **dict.fromkeys(("GetItem", "Query", "PutItem", "UpdateItem"), "dynamodb")}
        called = {name for name, _ in self.account.calls}
        # A transaction needs the actions of its parts.
        called = called - {"TransactWriteItems"} | {"PutItem", "UpdateItem"}
        policy = json.loads((ROOT / "infra/operator-policy.json").read_text())
        allowed = {action for statement in policy["Statement"] for action in statement["Action"]}
        self.assertEqual(allowed, {f"{services[name]}:{name}" for name in called})


if __name__ == "__main__":
    unittest.main()
