"""Mistakes that an operator may make: each is refused in one line, and nothing is done."""

import contextlib
import io
import os
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

from botocore.exceptions import ClientError
from samcli.cli.types import CfnParameterOverridesType

sys.path.insert(0, str(Path(__file__).resolve().parent / "operate"))
import addresses  # noqa: E402
import brake  # noqa: E402
import deploy  # noqa: E402
import destroy  # noqa: E402
import logs  # noqa: E402
import preflight  # noqa: E402, F401
import set_key  # noqa: E402
import stack  # noqa: E402
from scripted_account import Account  # noqa: E402


class Operator(unittest.TestCase):
    """A machine without AWS credentials, on which no program may be run."""

    def setUp(self):
        empty = tempfile.TemporaryDirectory()
        self.addCleanup(empty.cleanup)
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        isolated = {"HOME": empty.name, "AWS_EC2_METADATA_DISABLED": "true", "AWS_DEFAULT_REGION": "eu-central-1"}
        for patch in (
            mock.patch.dict(os.environ, kept | isolated, clear=True),
            mock.patch("subprocess.run", side_effect=AssertionError("something was run")),
            mock.patch("botocore.httpsession.URLLib3Session.send", side_effect=AssertionError("something was sent")),
        ):
            patch.start()
            self.addCleanup(patch.stop)

    def has_account(self, **deployed):
        """Credentials of a new account, with a stack with these parameters; none without any."""
        os.environ |= {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
        account = Account()
        if deployed:
            account.has_stack(deployed)
        patch = account.patch()
        self.addCleanup(patch.stop)
        patch.start()
        return account

    def refusal(self, action, *arguments):
        with self.assertRaises(SystemExit) as refused, contextlib.redirect_stdout(io.StringIO()) as printed:
            action(*arguments)
        self.assertEqual(printed.getvalue(), "")
        # A text as the code is printed, and the status is 1.
        self.assertIsInstance(refused.exception.code, str)
        return refused.exception.code

    def of(self, action, *arguments):
        """What `just` says of `python infra/operate/ACTION.py ARGUMENTS`."""
        with mock.patch.object(sys, "argv", ["action.py", *arguments]):
            return self.refusal(stack.main, action)


class Deploy(Operator):
    def test_an_unknown_environment(self):
        for name in ("nope", "", "version", "../prod"):
            self.assertIn("there are: dev, prod, ministack", self.refusal(deploy.deploy, name, []))
        self.assertIn("there is no infra/parameters/ministack.yaml", self.refusal(deploy.deploy, "ministack", []))

    def test_invalid_parameters(self):
        for given, expected in {
            "Typo=1": "the template has no parameter `Typo`",
            "limitUserTokensPerHour=1": "the template has no parameter `limitUserTokensPerHour`",
            "Architecture": "`Architecture` is not a parameter: write Name=value",
            "=x86_64": "`=x86_64` is not a parameter: write Name=value",
            "Architecture=x64": "`Architecture` cannot be `x64`",
            "LimitUserTokensPerHour=many": "`LimitUserTokensPerHour` cannot be `many`",
            "AllowedOrigins=https://A.example": "`AllowedOrigins` cannot be `https://A.example`",
            'Instructions="Be kind."': "`Instructions` begins and ends with a quotation mark",
        }.items():
            self.assertIn(expected, self.refusal(deploy.deploy, "dev", [given]))
        with mock.patch("sys.stdin", io.StringIO("canary")):
            self.assertNotIn("canary", self.refusal(deploy.deploy, "dev", ["JwtSecret=-"]))

    NO_KEY = "AuthMode has jwt, so one of JwtSecret, JwtSecretArn, JwksUrl and UserPool must be set"
    TWO_KEYS = "JwtSecret is set, and stays so until it is given empty"
    ARN = "JwtSecretArn=arn:aws:secretsmanager:eu-central-1:111122223333:secret:jwt-AbCdEf"

    def test_prod_as_it_is_in_a_fresh_clone(self):
        self.has_account()
        self.assertIn(self.NO_KEY, self.refusal(deploy.deploy, "prod", []))

    def test_a_secret_stays_what_it_was(self):
        # As CloudFormation shows it, whether there is one or not.
        hidden = {"JwtSecret": "****"}
        secret = hidden | {"AuthMode": "jwt"}
        _, _, arn = self.ARN.partition("=")
        for deployed, given, expected in (
            ({}, ["JwtSecret=-"], None),
            (secret, [], None),
            (secret, ["JwtSecret=-"], None),
            (secret, [self.ARN], self.TWO_KEYS),
            (secret, ["JwtSecret=", self.ARN], None),
            (secret, ["JwtSecret="], self.NO_KEY),
            (secret | {"JwtSecretArn": arn}, [], self.NO_KEY),
            (secret | {"JwtSecretArn": arn}, [self.ARN], None),
            # Whether there is one cannot be known here: visitors need none.
            (hidden | {"AuthMode": "anonymous"}, [], None),
            (hidden | {"AuthMode": "anonymous"}, [self.ARN], None),
            # Deployed by another version of the template, which refused less.
            (secret | {"Alarms": "false", "AlarmEmail": "a@example.com"}, [], None),
        ):
            with self.subTest(deployed=deployed, given=given):
                self.has_account(**deployed)
                run = mock.patch("subprocess.run", return_value=mock.Mock(returncode=3))
                typed = mock.patch("sys.stdin", io.StringIO("s" * 32 + "\n"))
                with run, typed, contextlib.redirect_stdout(io.StringIO()), self.assertRaises(SystemExit) as ended:
                    deploy.deploy("prod", given)
                self.assertIn(expected, ended.exception.code) if expected else self.assertEqual(ended.exception.code, 3)

    def test_a_secret_is_not_taken_from_the_command_line(self):
        refusal = self.refusal(deploy.deploy, "prod", ["JwtSecret=" + "canary" * 6])
        self.assertIn("write JwtSecret=- to be asked for it", refusal)
        self.assertNotIn("canary", refusal)

    def test_a_stack_that_was_never_confirmed_has_no_values(self):
        self.has_account(AuthMode="jwt", JwtSecret="****").status = "REVIEW_IN_PROGRESS"
        self.assertIn(self.NO_KEY, self.refusal(deploy.deploy, "prod", []))

    def test_no_account(self):
        self.assertIn("there are no AWS credentials", self.refusal(deploy.deploy, "dev", []))
        os.environ |= {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
        del os.environ["AWS_DEFAULT_REGION"]
        self.assertIn("no AWS region is chosen", self.refusal(deploy.deploy, "dev", []))

    def deploy_and_see(self, *given):
        """The commands of a deployment, and the parameters that sam reads, as it reads them."""
        commands, parameters = [], []

        def run(command, **_):
            commands.append(list(command))
            if command[0] == "sam":
                found = CfnParameterOverridesType().convert(command[-1:], None, None)
                parameters.append(found)
            return mock.Mock(returncode=3 if command[1] == "deploy" else 0)

        printed = contextlib.redirect_stdout(io.StringIO())
        with mock.patch("subprocess.run", run), printed, self.assertRaises(SystemExit) as ended:
            deploy.deploy("dev", list(given))
        self.assertEqual(ended.exception.code, 3)
        return commands, parameters

    def test_sam_gets_every_parameter_and_its_status_is_ours(self):
        self.has_account(AuthMode="jwt", JwtSecret="****")
        instructions = 'Be brief, and kind: 😀 "so".'
        (cargo, *sam), parameters = self.deploy_and_see("Architecture=x86_64", f"Instructions={instructions}")
        self.assertEqual(cargo, ["cargo", "lambda", "build", "--release"])
        self.assertEqual([command[:2] for command in sam], [["sam", "build"], ["sam", "deploy"]])
        for each in parameters:
            self.assertRegex(each.pop("Release"), r"^\d{8}T\d{6}$")
            expected = {
                "Architecture": "x86_64",  # from the command line
                "Instructions": instructions,
                "Protection": "false",  # from the file
                "ApiRate": "20",
                "ChatReservedConcurrency": "0",  # the template's defaults, whatever the deployment before was given
                "DomainName": "",
            }
            self.assertEqual({name: each.get(name) for name in expected}, expected)
            # A secret keeps its value.
            self.assertNotIn("JwtSecret", each)
            # It reaches AWS.
            self.assertIn("😀".encode(), each["Instructions"].encode())
        commands, _ = self.deploy_and_see()
        self.assertEqual(commands[0][-1], "--arm64")

    def test_a_document_is_checked_as_the_function_reads_it(self):
        self.has_account()
        (check, *_), _ = self.deploy_and_see("AssistantDocument=example.json")
        self.assertEqual(check[-3:], ["--", "--check-assistant", "infra/assistant/example.json"])

    def test_programs_that_lambda_cannot_start(self):
        with tempfile.TemporaryDirectory() as folder, mock.patch.object(deploy, "ROOT", Path(folder)):
            program = Path(folder) / ".aws-sam/build/ChatFunction/bootstrap"
            program.parent.mkdir(parents=True)
            arm64, x86_64 = (b"\x7fELF".ljust(18, b"\0") + machine.to_bytes(2, "little") for machine in (0xB7, 0x3E))
            program.write_bytes(arm64 + b"GLIBC_2.17\0GLIBC_2.34")
            deploy.check_built("arm64")
            self.assertIn("ChatFunction was not built for x86_64", self.refusal(deploy.check_built, "x86_64"))
            program.write_bytes(x86_64 + b"GLIBC_2.39")
            self.assertIn("ChatFunction needs glibc 2.39, and Lambda has 2.34", self.refusal(deploy.check_built, "x86_64"))


class Operate(Operator):
    ACTIONS = (addresses.show, brake.start, brake.stop, destroy.destroy, logs.follow, set_key.set_key)

    def test_an_unknown_environment(self):
        for action in self.ACTIONS:
            self.assertIn("samconfig.toml has no environment `nope`", self.of(action, "nope"))
            self.assertIn("usage: action.py ENVIRONMENT", self.of(action))

    def test_no_account(self):
        for action in self.ACTIONS:
            self.assertIn("there are no AWS credentials", self.of(action, "dev"))
        os.environ |= {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
        del os.environ["AWS_DEFAULT_REGION"]
        for action in self.ACTIONS:
            self.assertIn("no AWS region is chosen", self.of(action, "dev"))

    def test_an_error_of_aws_is_a_line(self):
        expired = ClientError({"Error": {"Code": "ExpiredToken", "Message": "The token is expired"}}, "DescribeStacks")
        self.has_account().describe_stacks = mock.Mock(side_effect=expired)
        for action in self.ACTIONS:
            self.assertIn("The token is expired", self.of(action, "dev"))

        def deploy_as_typed():
            with stack.briefly():
                deploy.deploy("dev", [])

        self.assertIn("The token is expired", self.refusal(deploy_as_typed))

    def test_a_stack_that_was_never_complete(self):
        self.has_account().has_stack({}, status="ROLLBACK_COMPLETE")
        for action in (addresses.show, logs.follow, set_key.set_key):
            self.assertIn("`chatkit-dev` is ROLLBACK_COMPLETE", self.of(action, "dev"))
        for typed, deleted in (("chatkit-prod", False), ("chatkit-dev", True)):
            with mock.patch("builtins.input", return_value=typed), mock.patch("subprocess.run") as run:
                run.return_value.returncode = 0
                with contextlib.redirect_stdout(io.StringIO()):
                    try:
                        destroy.destroy(stack.Stack("dev"))
                    except SystemExit as refused:
                        self.assertEqual((str(refused), deleted), ("nothing was deleted", False))
                self.assertEqual(run.called, deleted)


if __name__ == "__main__":
    unittest.main()
