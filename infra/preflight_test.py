"""What an account refuses is said before anything is built, and what to do about it. The account is a new one: ten
concurrent executions, no role of API Gateway's for logs, eu-central-1."""

import contextlib
import io
import os
from unittest import mock

from operate_test import Operator, deploy, preflight, stack
from scripted_account import Account, refused


class Preflight(Operator):
    def setUp(self):
        super().setUp()
        self.account = self.has_account()

    def deploys(self, *given, environment="dev"):
        """What a deployment that is not refused prints before it builds, and the parameters that sam gets."""
        printed, plans = io.StringIO(), []

        def build(_environment, _overrides, values):
            plans.append(values)
            raise SystemExit("it builds")

        with mock.patch.object(deploy, "build", build), contextlib.redirect_stdout(printed):
            with self.assertRaises(SystemExit) as ended:
                deploy.deploy(environment, list(given))
        self.assertEqual(ended.exception.code, "it builds")
        return printed.getvalue(), plans[0]

    def refuses(self, *given):
        return self.refusal(deploy.deploy, "dev", list(given))

    def test_a_new_account_takes_both_environments_as_they_are(self):
        printed, values = self.deploys()
        self.assertIn("This account runs 10 functions at one time, so at most 10 turns", printed)
        self.assertIn("aws service-quotas request-service-quota-increase", printed)
        self.assertNotIn("eu-central-1", printed)
        self.assertEqual(values["ApiLogsRole"], "create")
        with mock.patch("sys.stdin", io.StringIO("s" * 32)):
            self.deploys("JwtSecret=-", "LimitTenantTokensPerDay=1000000", environment="prod")

    def test_reserved_and_provisioned_executions_come_out_of_the_account(self):
        for given in ("ChatReservedConcurrency=1", "SocketReservedConcurrency=1", "ChatProvisionedConcurrency=1"):
            refusal = self.refuses(given)
            self.assertIn("take 1 concurrent executions, and this account, which has 10, can give 0", refusal)
            self.assertIn("raise the quota first (aws service-quotas", refusal)
        self.account.executions = 1000
        self.deploys("ChatReservedConcurrency=900")
        self.assertIn("can give 900", self.refuses("ChatReservedConcurrency=600", "SocketReservedConcurrency=301"))
        # Provisioned environments are among the reserved ones.
        self.deploys("ChatReservedConcurrency=500", "ChatProvisionedConcurrency=450", "SocketReservedConcurrency=400")
        self.deploys("ChatReservedConcurrency=900", "SocketReservedConcurrency=500", "WebSocket=false")
        # What the stack holds it may keep.
        self.account.has_stack({"ChatReservedConcurrency": "700", "SocketReservedConcurrency": "100"})
        self.account.reserved = {"chat": 700, "socket": 100}
        self.deploys("ChatReservedConcurrency=800")
        self.assertIn("can give 900", self.refuses("ChatReservedConcurrency=901"))

    def test_functions_of_a_new_account_are_small(self):
        self.assertIn(
            "ChatMemory is 4096, and functions of a new account have at most 3008 MB", self.refuses("ChatMemory=4096")
        )
        self.deploys("ChatMemory=3008")
        self.account.executions = 1000
        self.deploys("ChatMemory=4096")

    def test_a_role_for_logs_that_the_account_has_is_used(self):
        self.account.logs_role = "arn:aws:iam::111122223333:role/other"
        self.assertEqual(self.deploys()[1]["ApiLogsRole"], "exists")
        # What the operator says counts.
        self.assertEqual(self.deploys("ApiLogsRole=create")[1]["ApiLogsRole"], "create")
        # The stack that has made it keeps it.
        self.account.has_stack({"ApiLogsRole": "create"})
        self.assertEqual(self.deploys()[1]["ApiLogsRole"], "create")
        self.account.logs_role = None
        self.assertIn("leave ApiLogsRole out", self.refuses("ApiLogsRole=exists"))

    def test_a_document_that_is_not_there(self):
        refusal = self.refuses("AssistantDocument=exmaple.json")
        self.assertIn("infra/assistant/ has no such file; there are: example.json", refusal)
        self.deploys("AssistantDocument=example.json")

    def test_variables_are_counted_in_bytes(self):
        origins = ",".join(f"https://shop-{number}.example.com" for number in range(95))
        long = ("Model=" + "m" * 60, "Instructions=" + "é" * 300)
        self.deploys(*long)
        refusal = self.refuses(*long, f"AllowedOrigins={origins}")
        self.assertRegex(
            refusal, r"the variables of `chat` have [45]\d\d\d bytes, and Lambda takes 4096: shorten Instructions"
        )

    def test_rights_that_the_caller_lacks_are_named(self):
        self.account.denied = {"iam:CreateRole", "cognito-idp:CreateUserPool"}
        refusal = self.refuses()
        self.assertIn(
            "arn:aws:iam::111122223333:user/deployer may not: iam:CreateRole. Attach infra/deployer-policy.json",
            refusal,
        )
        refusal = self.refuses("AuthMode=jwt,anonymous", "UserPool=true", "UserPoolPages=https://a.example/")
        self.assertIn("may not: cognito-idp:CreateUserPool, iam:CreateRole", refusal)
        for caller, asked in (
            ("arn:aws:sts::111122223333:assumed-role/deploy/session", "arn:aws:iam::111122223333:role/deploy"),
            ("arn:aws:iam::111122223333:root", None),
        ):
            self.account.caller, self.account.denied = caller, set()
            self.account.calls.clear()
            self.deploys()
            simulated = [arguments for _, arguments in self.account.called("SimulatePrincipalPolicy")]
            self.assertEqual({each["PolicySourceArn"] for each in simulated}, {asked} - {None})
        table = "arn:aws:dynamodb:eu-central-1:111122223333:table/chatkit-dev-x"
        self.account.caller = f"arn:aws:iam::{Account.number}:user/deployer"
        self.deploys()
        resources = [
            each
            for _, arguments in self.account.called("SimulatePrincipalPolicy")
            for each in arguments["ResourceArns"]
        ]
        self.assertIn(table, resources)
        # Who may not ask is not stopped.
        self.account.denied = None
        self.deploys()

    def test_a_region_that_may_not_stream(self):
        os.environ["AWS_DEFAULT_REGION"] = "mx-central-1"
        printed, _ = self.deploys()
        self.assertIn("Whether Lambda streams responses in mx-central-1 is not known", printed)

    def test_a_stack_that_is_stopped_stays_so(self):
        self.account.executions = 1000
        self.account.has_stack({"ChatProvisionedConcurrency": "0"}, {"TurnFunctions": "chat,socket"})
        for status in (0, 1):
            self.account.reserved = {"chat": 0, "socket": 0}

            def sam(command, status=status, **_):
                if command[:2] == ("sam", "deploy"):
                    # CloudFormation may set what the template says, also on the way back.
                    self.account.reserved = {"chat": 100}
                    return mock.Mock(returncode=status)
                return mock.Mock(returncode=0)

            with (
                mock.patch("subprocess.run", sam),
                mock.patch.object(deploy, "check_built"),
                contextlib.redirect_stdout(io.StringIO()) as printed,
                contextlib.nullcontext() if status == 0 else self.assertRaises(SystemExit),
            ):
                deploy.deploy("dev", [])
            self.assertEqual(self.account.reserved, {"chat": 0, "socket": 0})
            self.assertIn("chatkit-dev is still stopped, until: just start dev", printed.getvalue())
        self.assertIn("is stopped", self.refuses("ChatProvisionedConcurrency=1"))

    def test_a_stack_that_cannot_be_updated(self):
        for status, expected in (
            ("ROLLBACK_COMPLETE", "is ROLLBACK_COMPLETE and cannot be deployed again: `just destroy dev` first"),
            ("CREATE_FAILED", "is CREATE_FAILED and cannot be deployed again: `just destroy dev` first"),
            ("UPDATE_ROLLBACK_FAILED", "`aws cloudformation continue-update-rollback --stack-name chatkit-dev` first"),
            ("UPDATE_IN_PROGRESS", "is UPDATE_IN_PROGRESS: wait"),
        ):
            self.account.has_stack({}, status=status)
            self.assertIn(expected, self.refuses())
        self.account.has_stack({}, status="REVIEW_IN_PROGRESS")
        self.deploys()

    def test_a_caller_who_may_not_even_look_is_told_which_rights_to_attach(self):
        denied = refused("GetAccountSettings", "AccessDeniedException", "not authorized")
        with mock.patch.object(self.account, "get_account_settings", side_effect=denied):
            refusal = self.of(lambda stack: deploy.deploy(stack.environment, []), "dev")
        self.assertIn("not authorized. Attach infra/deployer-policy.json (docs/src/deploying.md, Rights)", refusal)

    def test_each_option_has_its_rights(self):
        sids = {statement["Sid"] for statement in preflight.read("deployer-policy-options.json")["Statement"]}
        for sid in sids:
            self.assertTrue(any(sid.startswith(name) for name in preflight.OPTIONS), sid)
        known = deploy.load(str(stack.ROOT / "template.yaml"))["Parameters"]
        self.assertLessEqual(set(preflight.OPTIONS.values()), known.keys())
