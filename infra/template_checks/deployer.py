"""The policies for whoever deploys: they allow what CloudFormation needs for every resource of the template, as the schemas
of the resource types list it, what sam and the programs of infra/operate/ call, and nothing else.

`deployer-policy.json` is for the stack as dev.yaml and prod.yaml describe it, `deployer-policy-options.json` for what is
created by further parameters.
"""

import json
import re
from fnmatch import fnmatchcase

from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

from .template import ROOT

# The parameters of the stack that the first policy is for.
USUAL = {
    "AuthMode": "anonymous",
    "AlarmEmail": "a@example.com",
    "LimitTenantTokensPerDay": "1",
    "AssistantDocument": "a.json",
    "ChatProvisionedConcurrency": "1",
}
MAX_CHARS = 6144  # of a managed policy, white space not counted

# Rights that the schemas list for properties that the template does not set.
NOT_NEEDED = [
    r"(acm-pca|amplify|apprunner|appsync|bedrock-agentcore|billing|codedeploy|ec2|elasticfilesystem|elasticloadbalancing|firehose|kinesis|payments|s3files|s3tables):.*",
    r"apigateway:UpdateRestApiPolicy",
    r"cloudfront:.*(ConnectionGroup|VpcOrigin|WithTags|WithStagingConfig)",
    # Cognito's own domain belongs to no distribution of the account.
    r"cloudfront:updateDistribution",
    r"cognito-idp:(AddCustomAttributes|.*WebACL.*)",
    # Items, replicas, imports, streams, a policy of the table.
    r"dynamodb:(.*(Item|Replica|Import|ImportTable|Insights|StreamingDestination)|Query|Scan|(Put|Delete)ResourcePolicy)",
    r"iam:(.*(User|Group)Policy|.*PermissionsBoundary|CreateServiceLinkedRole|UpdateRoleDescription)",
    r"lambda:(.*(CodeSigningConfig|ScalingConfig|RecursionConfig|CapacityProvider|RuntimeAlias)|PutRuntimeManagementConfig)",
    r"logs:((Put|Delete)(DataProtection|Index)Policy|PutBearerToken.*|PutLogGroupDeletionProtection|(Put|Delete)ResourcePolicy|CreateLogStream|PutLogEvents)",
    r"s3:.*(Abac|Accelerate|Analytics|Intelligent|Inventory|Metadata|Metrics|Notification|ObjectLock|Replication|Website).*",
    r"s3:(PutBucketAcl|PutObjectAcl|PutBucketLogging|DeleteBucket(Cors|Encryption|Lifecycle)|REST\.PUT\.OBJECT|GetObjectMetadata)",
    # The value of a secret is generated or set by the operator; the deployer does not read it.
    r"secretsmanager:(GetSecretValue|.*Replication|ReplicateSecret.*)",
    r"sns:PutDataProtectionPolicy",
    r"wafv2:.*PermissionPolicy",
]
# Only with a key of one's own.
NEEDS_KEY = r"kms:.*|logs:(A|Disa)ssociateKmsKey"
NOT_NEEDED_WITH_KEY = r"kms:(GenerateDataKeyWithoutPlaintext|ListAliases|RevokeGrant)"

# What the schemas do not list, by who calls it.
CALLED = {
    "sam, CloudFormation": r"cloudformation:.*",
    "sam: its bucket, and what is in it": r"s3:(PutObject|PutBucketVersioning)",
    "just deploy": r"lambda:GetAccountSettings|iam:SimulatePrincipalPolicy",
    "API Gateway, with the first API of an account": r"iam:CreateServiceLinkedRole",
    "just set-key": r"secretsmanager:PutSecretValue",
    "just logs": r"logs:FilterLogEvents",
    "just destroy": r"s3:(DeleteObjectVersion|AbortMultipartUpload)|dynamodb:ListTables",
    "the access log of a WebSocket stage": r"logs:((Create|Delete|Get|Update)LogDelivery|ListLogDeliveries|PutResourcePolicy)",
    "CloudFormation: the secret in CloudFront's header and in the firewall's rule": r"secretsmanager:GetSecretValue",
}
READS = re.compile(r"(Get|List|Describe)\*")


def errors(template):
    usual, options = (read(name) for name in ("deployer-policy.json", "deployer-policy-options.json"))
    kinds = {each["Type"] for each in template.resources.values()}
    conditions = {
        name: template.with_parameters({"Condition": name}, **USUAL) for name in template.written["Conditions"]
    }
    in_usual = {each["Type"] for each in template.resources.values() if conditions.get(each.get("Condition"), True)}
    listed = {kind: needed(kind) for kind in kinds}
    for kind in sorted(kinds):
        policy = actions(usual) if kind in in_usual else actions(usual) + actions(options)
        for right in sorted(listed[kind]):
            of_key = re.fullmatch(NEEDS_KEY, right)
            if not any(allows(action, right) for action in (actions(options) if of_key else policy)):
                yield f"nobody may {right}, which {kind} needs"
    known = set().union(*listed.values())
    for action in actions(usual) + actions(options):
        name = action.partition(":")[2]
        if "*" in name and not READS.fullmatch(name):
            yield f"{action}: only what reads may be allowed by a pattern"
        if not any(allows(action, right) for right in known) and not any(
            re.fullmatch(each, action) for each in CALLED.values()
        ):
            yield f"{action}: nothing in the template and no program needs it"
    for name, policy in (("deployer-policy.json", usual), ("deployer-policy-options.json", options)):
        if (size := len(json.dumps(policy, separators=(",", ":")))) > MAX_CHARS:
            yield f"{name}: has {size} characters, and a managed policy at most {MAX_CHARS}"


def read(name):
    return json.loads((ROOT / "infra" / name).read_text())


def actions(policy):
    return [action for statement in policy["Statement"] for action in statement["Action"]]


def allows(action, right):
    return fnmatchcase(right.lower(), action.lower())


def needed(kind):
    """What CloudFormation must be allowed to do to create, read, update and delete a resource of this type."""
    handlers = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", kind).schema["handlers"]
    rights = {right for name, handler in handlers.items() if name != "list" for right in handler["permissions"]}
    return {
        right for right in rights if not any(re.fullmatch(each, right) for each in [*NOT_NEEDED, NOT_NEEDED_WITH_KEY])
    }
