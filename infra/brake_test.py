"""`just stop`, `just start`, and `just destroy` where something is left."""

import contextlib
import io
from unittest import mock

from operate_test import Operator, brake, destroy, stack

OUTPUTS = {"TurnFunctions": "chat,socket", "TableNames": "chatkit-dev-A,chatkit-dev-B", "FilesBucketName": "files"}
PARAMETERS = {
    "ChatReservedConcurrency": "0",
    "SocketReservedConcurrency": "20",
    "ChatProvisionedConcurrency": "0",
    "Protection": "false",
    "UserPool": "false",
    "ApiLogsRole": "exists",
}


class Deployed(Operator):
    def setUp(self):
        super().setUp()
        self.account = self.has_account()
        self.account.has_stack(PARAMETERS, OUTPUTS)
        self.stack = stack.Stack("dev")

    def says(self, action, *answers, sam=0):
        """What an action prints when these are typed; `sam` is the status of `sam delete`."""
        run = mock.patch("subprocess.run", return_value=mock.Mock(returncode=sam))
        with (
            contextlib.redirect_stdout(io.StringIO()) as printed,
            mock.patch("builtins.input", side_effect=answers),
            run as self.ran,
        ):
            action(self.stack)
        return printed.getvalue()


class Brake(Deployed):
    def test_turns_stop_at_once_and_start_as_deployed(self):
        self.account.reserved = {"socket": 20}
        said = self.says(brake.stop)
        self.assertEqual(self.account.reserved, {"chat": 0, "socket": 0})
        self.assertTrue(brake.is_stopped(self.stack))
        self.assertIn("until: just start dev", said)
        self.says(brake.stop)
        self.says(brake.start)
        self.assertEqual(self.account.reserved, {"socket": 20})
        self.assertFalse(brake.is_stopped(self.stack))

    def test_provisioned_environments_are_given_up_and_come_back(self):
        self.account.has_stack(
            PARAMETERS | {"ChatReservedConcurrency": "5", "ChatProvisionedConcurrency": "2"}, OUTPUTS
        )
        self.account.reserved, self.account.provisioned = {"chat": 5}, {"chat": 2}
        self.says(brake.stop)
        self.assertEqual((self.account.reserved, self.account.provisioned), ({"chat": 0, "socket": 0}, {}))
        self.says(brake.start)
        self.assertEqual((self.account.reserved, self.account.provisioned), ({"chat": 5, "socket": 20}, {"chat": 2}))

    def test_a_stack_that_was_never_complete(self):
        self.account.has_stack(PARAMETERS, status="ROLLBACK_COMPLETE")
        self.assertFalse(brake.is_stopped(self.stack))
        self.assertIn("cannot be used", self.of(brake.stop, "dev"))

    def test_a_stack_without_the_web_socket(self):
        self.account.has_stack(PARAMETERS, OUTPUTS | {"TurnFunctions": "chat"})
        self.says(brake.stop)
        self.assertEqual(self.account.reserved, {"chat": 0})


class Destroy(Deployed):
    def setUp(self):
        super().setUp()
        self.account.tables = ["chatkit-dev-A", "chatkit-dev-B", "another"]
        self.account.objects = ["uploads/1", "files/2"]

    def test_what_stays_is_named_with_its_cost(self):
        said = self.says(destroy.destroy, "chatkit-dev", "n")
        for part in ("chatkit-dev-A, chatkit-dev-B: 0.25 USD per GB", "35 days", "aws-sam-cli-managed-default"):
            self.assertIn(part, said)
        for part in ("user pool", "role for logs", "yours", "protected"):
            self.assertNotIn(part, said)
        self.assertEqual((self.account.objects, len(self.account.tables)), ([], 3))
        arn = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:jwt-AbCdEf"
        more = {"Protection": "true", "UserPool": "true", "ApiLogsRole": "create", "JwtSecretArn": arn, "KmsKeyArn": ""}
        self.account.has_stack(PARAMETERS | more, OUTPUTS)
        self.account.physical_ids["Users"] = "eu-central-1_1"
        said = self.says(destroy.destroy, "chatkit-dev")
        for part in (
            "delete-user-pool --user-pool-id eu-central-1_1",
            "role for logs",
            f"the secret {arn}, which is yours",
            "protected",
        ):
            self.assertIn(part, said)

    def test_it_may_run_again_after_it_has_failed(self):
        with self.assertRaises(SystemExit) as ended:
            self.says(destroy.destroy, "chatkit-dev", "y", sam=1)
        self.assertEqual((ended.exception.code, len(self.account.tables)), (1, 3))
        # The bucket is gone by now, and so is one table.
        self.account.objects = None
        self.account.tables.remove("chatkit-dev-A")
        self.says(destroy.destroy, "chatkit-dev", "y")
        self.assertEqual(self.account.tables, ["another"])

    def test_tables_are_found_when_the_stack_is_gone(self):
        self.account.status = None
        self.assertIn("has left the tables chatkit-dev-A, chatkit-dev-B", self.says(destroy.destroy, "n"))
        self.assertEqual(len(self.account.tables), 3)
        self.says(destroy.destroy, "y")
        self.assertEqual(self.account.tables, ["another"])
        self.assertIn("there is no stack `chatkit-dev`", self.of(destroy.destroy, "dev"))

    def test_a_file_that_cannot_be_deleted_ends_it(self):
        self.account.undeletable = {"files/2"}
        with self.assertRaises(SystemExit) as ended:
            self.says(destroy.destroy, "chatkit-dev", "n")
        self.assertIn("files/2 in the bucket files cannot be deleted: Access Denied", ended.exception.code)
        self.assertFalse(self.ran.called)
