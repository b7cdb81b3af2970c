"""An AWS account for tests: what it is asked, at the level of API calls, and what it answers. Calls and answers are
checked against botocore's models of the services, as botocore's own Stubber does."""

import re
from datetime import UTC, datetime
from unittest import mock

from botocore.client import BaseClient
from botocore.exceptions import ClientError
from botocore.validate import validate_parameters


class Account:
    """An account like one that was opened today, until the test says otherwise."""

    number = "111122223333"

    def __init__(self):
        self.executions = 10
        self.logs_role = None
        self.caller = f"arn:aws:iam::{self.number}:user/deployer"
        # None: the caller may not ask.
        self.denied = set()
        # Of the one stack; None if there is none.
        self.status, self.parameters, self.outputs, self.physical_ids = None, {}, {}, {}
        self.reserved = {}
        self.provisioned = {}
        self.tables, self.objects, self.undeletable = [], [], set()
        self.calls = []

    def patch(self):
        return mock.patch.object(
            BaseClient, "_make_api_call", lambda client, name, arguments: self.call(client, name, arguments)
        )

    def call(self, client, operation, arguments):
        model = client.meta.service_model.operation_model(operation)
        validate_parameters(arguments, model.input_shape)
        self.calls.append((operation, arguments))
        answer = getattr(self, re.sub(r"(?<=[a-z])(?=[A-Z])", "_", operation).lower())(**arguments) or {}
        if model.output_shape:
            validate_parameters(answer, model.output_shape)
        return answer

    def called(self, *operations):
        return [(name, arguments) for name, arguments in self.calls if name in operations]

    def has_stack(self, parameters, outputs=None, status="UPDATE_COMPLETE"):
        self.status, self.parameters, self.outputs = status, parameters, outputs or {}

    def describe_stacks(self, StackName):
        if not self.status:
            raise refused("DescribeStacks", "ValidationError", f"Stack with id {StackName} does not exist")
        described = {"StackName": StackName, "StackStatus": self.status, "CreationTime": datetime.now(UTC)}
        described["Parameters"] = [
            {"ParameterKey": key, "ParameterValue": value} for key, value in self.parameters.items()
        ]
        if self.outputs:
            described["Outputs"] = [{"OutputKey": key, "OutputValue": value} for key, value in self.outputs.items()]
        return {"Stacks": [described]}

    def describe_stack_resource(self, StackName, LogicalResourceId):
        detail = {
            "LogicalResourceId": LogicalResourceId,
            "PhysicalResourceId": self.physical_ids[LogicalResourceId],
            "ResourceType": "AWS::Any",
            "LastUpdatedTimestamp": datetime.now(UTC),
            "ResourceStatus": "CREATE_COMPLETE",
        }
        return {"StackResourceDetail": detail}

    def get_caller_identity(self):
        return {"Account": self.number, "Arn": self.caller}

    def simulate_principal_policy(self, PolicySourceArn, ActionNames, ResourceArns, **_):
        if self.denied is None:
            raise refused("SimulatePrincipalPolicy", "AccessDenied", "not authorized")
        return {
            "EvaluationResults": [
                {
                    "EvalActionName": action,
                    "EvalResourceName": resource,
                    "EvalDecision": "implicitDeny" if action in self.denied else "allowed",
                }
                for action in ActionNames
                for resource in ResourceArns
            ]
        }

    def get_account_settings(self):
        left = self.executions - sum(self.reserved.values())
        return {"AccountLimit": {"ConcurrentExecutions": self.executions, "UnreservedConcurrentExecutions": left}}

    def get_account(self):
        return {"cloudwatchRoleArn": self.logs_role} if self.logs_role else {}

    def get_function_concurrency(self, FunctionName):
        reserved = self.reserved.get(FunctionName)
        return {} if reserved is None else {"ReservedConcurrentExecutions": reserved}

    def put_function_concurrency(self, FunctionName, ReservedConcurrentExecutions):
        if self.provisioned.get(FunctionName, 0) > ReservedConcurrentExecutions:
            raise refused("PutFunctionConcurrency", "InvalidParameterValueException", "less than what is provisioned")
        self.reserved[FunctionName] = ReservedConcurrentExecutions

    def delete_function_concurrency(self, FunctionName):
        self.reserved.pop(FunctionName, None)

    def put_provisioned_concurrency_config(self, FunctionName, Qualifier, ProvisionedConcurrentExecutions):
        self.provisioned[FunctionName] = ProvisionedConcurrentExecutions

    def delete_provisioned_concurrency_config(self, FunctionName, Qualifier):
        self.provisioned.pop(FunctionName, None)

    def list_tables(self, **_):
        return {"TableNames": self.tables}

    def delete_table(self, TableName):
        if TableName not in self.tables:
            raise refused("DeleteTable", "ResourceNotFoundException", "no such table")
        self.tables.remove(TableName)

    def list_object_versions(self, Bucket):
        if self.objects is None:
            raise refused("ListObjectVersions", "NoSuchBucket", "no such bucket")
        return {"Versions": [{"Key": key, "VersionId": "1"} for key in self.objects], "IsTruncated": False}

    def delete_objects(self, Bucket, Delete):
        keys = {each["Key"] for each in Delete["Objects"]}
        self.objects = [key for key in self.objects if key not in keys - self.undeletable]
        return {"Errors": [{"Key": key, "Message": "Access Denied"} for key in keys & self.undeletable]}

    def list_multipart_uploads(self, Bucket):
        return {"Uploads": [], "IsTruncated": False}


def refused(operation, code, message):
    return ClientError({"Error": {"Code": code, "Message": message}}, operation)
