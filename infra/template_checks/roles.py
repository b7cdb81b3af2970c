"""Everything that each function may do, and the log group it writes to."""

import json

FUNCTIONS = ["Start", "Refresh", "Chat", "Analytics", "Auth", "Socket"]
LOGS = {"logs:CreateLogStream", "logs:PutLogEvents"}
READ_SECRET = {"secretsmanager:GetSecretValue"}
# Nobody in the stack writes what tenants configure.
READ_SETTINGS = {"dynamodb:GetItem", "dynamodb:Query"}

# What a function that answers people may do, over HTTP or a WebSocket.
CONVERSATIONS = {
    "ThreadsTable": {
        "dynamodb:BatchWriteItem",
        "dynamodb:DeleteItem",
        "dynamodb:GetItem",
        "dynamodb:PutItem",
        "dynamodb:Query",
        "dynamodb:UpdateItem",
    },
    "UsageTable": {"dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"},
    "SettingsTable": READ_SETTINGS,
    "FilesBucket": {"s3:ListBucket"},
    "FilesBucket/*": {"s3:DeleteObject", "s3:GetObject", "s3:PutObject"},
    "SessionSigningSecret": READ_SECRET,
    "OpenAiSecret": READ_SECRET,
}

# The services that may use the operator's key on behalf of a role.
VIA = [{"Fn::Sub": f"{each}.${{AWS::Region}}.${{AWS::URLSuffix}}"} for each in ("dynamodb", "lambda", "s3", "secretsmanager")]
USE_KEY = {
    f"KmsKeyArn where {{'StringEquals': {{'kms:ViaService': {VIA}}}}}": {
        "kms:Decrypt",
        "kms:DescribeKey",
        "kms:Encrypt",
        "kms:GenerateDataKey",
        "kms:ReEncryptFrom",
        "kms:ReEncryptTo",
    }
}

# By table, secret, bucket or log group.
PERMISSIONS = {
    "StartRole": {
        "StartLogs": LOGS,
        "CountersTable": {"dynamodb:UpdateItem", "dynamodb:PutItem if IsHosted"},
        "CountersTable where {'ForAllValues:StringLike': {'dynamodb:LeadingKeys': ['O#', {'Fn::If': ['HasLogin', 'U#*', 'U#default#vis_*']}]}}": {"dynamodb:GetItem"},
        "SessionSigningSecret": READ_SECRET,
        "JwtSecretArn if HasJwtSecretArn": READ_SECRET,
        "SessionCookieSecretArn if HasSessionCookieSecret": READ_SECRET,
        "ToolSigningSecret if HasSessions": READ_SECRET,
        "OpenAiSecret if IsHosted": READ_SECRET,
    },
    "RefreshRole": {
        "RefreshLogs": LOGS,
        "CountersTable": {"dynamodb:GetItem", "dynamodb:UpdateItem", "dynamodb:PutItem if IsHosted"},
        "SessionSigningSecret": READ_SECRET,
        "JwtSecretArn if HasJwtSecretArn": READ_SECRET,
        "SessionCookieSecretArn if HasSessionCookieSecret": READ_SECRET,
        "ToolSigningSecret if HasSessions": READ_SECRET,
        "OpenAiSecret if IsHosted": READ_SECRET,
    },
    "ChatRole": {
        "ChatLogs": LOGS,
        **CONVERSATIONS,
        "ToolSigningSecret if AsksSite": READ_SECRET,
        "CountersTable": {"dynamodb:GetItem", "dynamodb:UpdateItem"},
        "JwtSecretArn if HasJwtSecretArn": READ_SECRET,
        "SessionCookieSecretArn if HasSessionCookieSecret": READ_SECRET,
    },
    "SocketRole": {
        "SocketLogs": LOGS,
        **CONVERSATIONS,
        "ToolSigningSecret if HasAssistant": READ_SECRET,
        "CountersTable": {"dynamodb:DeleteItem", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"},
        "SocketApi/prod/POST/@connections/*": {"execute-api:ManageConnections"},
    },
    "AnalyticsRole": {
        "AnalyticsLogs": LOGS,
        "UsageTable": {"dynamodb:Query"},
        "SettingsTable": READ_SETTINGS,
        "CountersTable": {"dynamodb:GetItem", "dynamodb:UpdateItem"},
        "SessionSigningSecret": READ_SECRET,
        "JwtSecretArn if HasJwtSecretArn": READ_SECRET,
        "SessionCookieSecretArn if HasSessionCookieSecret": READ_SECRET,
        "ToolSigningSecret if HasSessions": READ_SECRET,
    },
    "AuthRole": {
        "AuthLogs": LOGS,
        "CountersTable": {"dynamodb:GetItem", "dynamodb:UpdateItem"},
        "SessionSigningSecret": READ_SECRET,
        "JwtSecretArn if HasJwtSecretArn": READ_SECRET,
        "SessionCookieSecretArn if HasSessionCookieSecret": READ_SECRET,
        "ToolSigningSecret if HasSessions": READ_SECRET,
        "OidcClientSecretArn if HasOidcClientSecret": READ_SECRET,
    },
    "RotationRole": {
        "RotationLogs": LOGS,
        "SessionSigningSecret": {
            "secretsmanager:DescribeSecret",
            "secretsmanager:GetSecretValue",
            "secretsmanager:PutSecretValue",
            "secretsmanager:UpdateSecretVersionStage",
        },
        **{f"{target} if HasKey": actions for target, actions in USE_KEY.items()},
    },
}

EVERY_FUNCTION = {f"{function}Role" for function in FUNCTIONS if function != "Socket"} | {"SocketRole if HasSocket"}

# Policies of several roles, each with its condition, its roles and its permissions.
SHARED = {
    "SecretsPolicy": (None, EVERY_FUNCTION, {"*": {"secretsmanager:BatchGetSecretValue"}}),
    "SocketTurnsPolicy": ("HasSocket", {"SocketRole"}, {"SocketFunction": {"lambda:InvokeFunction"}}),
    "TracingPolicy": ("Traces", EVERY_FUNCTION, {"*": {"xray:PutTelemetryRecords", "xray:PutTraceSegments"}}),
    "KeyPolicy": ("HasKey", EVERY_FUNCTION, USE_KEY),
}


def errors(template):
    roles = template.of_type("AWS::IAM::Role")
    if roles.keys() != PERMISSIONS.keys() | {"ApiLogsAccountRole"}:
        yield f"the roles are {sorted(roles)}"
    for name, expected in PERMISSIONS.items():
        properties = roles[name]["Properties"]
        if (found := permissions(properties["Policies"])) != expected:
            yield f"{name}: may {found}, not {expected}"
        if properties.keys() != {"AssumeRolePolicyDocument", "Policies"}:
            yield f"{name}: has permissions other than its policies"
        if principals(properties) != {"lambda.amazonaws.com"}:
            yield f"{name}: can be assumed by others than the functions"
    for name, (condition, whose, expected) in SHARED.items():
        policy = template.resources[name]
        if policy.get("Condition") != condition or permissions([policy["Properties"]]) != expected:
            yield f"{name}: may {permissions([policy['Properties']])} if {policy.get('Condition')}"
        if (found := set(map(name_of, policy["Properties"]["Roles"]))) != whose:
            yield f"{name}: belongs to {sorted(found)}, not to {sorted(whose)}"
    if template.of_type("AWS::IAM::Policy").keys() | template.of_type("AWS::IAM::ManagedPolicy").keys() != SHARED.keys():
        yield "there are other policies than expected"
    for function in [*FUNCTIONS, "Rotation"]:
        properties = template.properties(f"{function}Function")
        if properties["Role"] != {"Fn::GetAtt": [f"{function}Role", "Arn"]}:
            yield f"{function}Function: has the role of another function"
        yield from of_logs(template, function, properties["LoggingConfig"])


def of_logs(template, function, logging):
    if (logging["LogGroup"], logging["LogFormat"]) != ({"Ref": f"{function}Logs"}, "JSON"):
        yield f"{function}Function: does not log JSON to its own log group"
    # Lambda's lines on successful invocations are off; `DeadStreams` counts those on failed ones.
    if logging["SystemLogLevel"] != "WARN":
        yield f"{function}Function: Lambda's own lines are not limited to failures"
    if template.properties(f"{function}Logs").get("RetentionInDays") != {"Ref": "LogRetentionDays"}:
        yield f"{function}Logs: lines are kept forever"


def permissions(policies):
    found = {}
    for policy in policies:
        for statement in policy["PolicyDocument"]["Statement"]:
            only_if = ""
            if "Fn::If" in statement:
                only_if, statement, _ = statement["Fn::If"]
                only_if = f" if {only_if}"
            actions, targets = statement["Action"], statement["Resource"]
            actions = [actions] if isinstance(actions, str) else actions
            targets = targets if isinstance(targets, list) else [targets]
            condition = f" where {plain(statement['Condition'])}" if "Condition" in statement else ""
            for target in targets:
                found.setdefault(name_of(target) + condition + only_if, set()).update(map(name_of, actions))
    return found


def plain(value):
    """A value of the template as plain types, so that it prints as it is written."""
    return json.loads(json.dumps(value))


def name_of(resource):
    """A resource as `PERMISSIONS` names it; anything else, such as `*`, as it is in the template."""
    match resource:
        case {"Ref": name} | {"Fn::GetAtt": [name, "Arn"]}:
            return name
        case {"Fn::Sub": "${FilesBucket.Arn}/*"}:
            return "FilesBucket/*"
        case {"Fn::Sub": target} if target.startswith("arn:") and "${SocketApi}" in target:
            return "SocketApi" + target.rpartition("${SocketApi}")[2]
        case {"Fn::If": [condition, target, {"Ref": "AWS::NoValue"}]}:
            return f"{name_of(target)} if {condition}"
        case other:
            return str(other)


def principals(role):
    return {each["Principal"]["Service"] for each in role["AssumeRolePolicyDocument"]["Statement"]}
