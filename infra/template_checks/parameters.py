"""What the template refuses: single values by their patterns, and combinations by its rules."""

import re

from .template import Resolver

SECRET = "s" * 32
SECRET_ARN = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:jwt-AbCdEf"

REFUSED = {
    "AllowedOrigins": ["https://WWW.example.com", "http://www.example.com", "https://example.com/", "*", "https://*.example.com", "example.com"],
    "AssistantDocument": ["../secrets.json", "shop.yaml", "a b.json", "/etc/passwd"],
    "AuthMode": ["development", "jwt anonymous", ""],
    "FilesTypes": ["image", "*/*", "image/*,", "image/p*"],
    "JwtSecret": ["short", "s" * 31],
    # A role needs the whole ARN, with the six characters that Secrets Manager appends.
    "JwtSecretArn": ["jwt", "arn:aws:s3:::bucket", "arn:aws:secretsmanager:eu-central-1:111122223333:secret:jwt"],
    "JwksUrl": ["http://example.com/keys", "https://example.com/keys?x=1"],
    "KmsKeyArn": ["alias/mine", "arn:aws:kms:eu-central-1:111122223333:alias/mine"],
    "MaxOutputTokens": ["0", "15", "-1", "many", "16.5"],
    "MaxContextTokens": ["15"],
    "OpenAiBaseUrl": ["http://example.com/v1", "https://user:password@example.com/v1", "https://example.com/v1?key=1", ""],
    "ReasoningSummaries": ["yes"],
    "LimitUserTokensPerHour": ["-1", "many", "", "1.5", "1000000001"],
    "LogRetentionDays": ["2", "0"],
    "WorkflowId": ["my workflow", "workflow_1"],
    "AlarmEmail": ["nobody", "a@b"],
    "DomainName": ["https://chat.example.com", "chat", "chat.example.com/"],
    "HostedZoneId": ["example.com"],
    "UserPoolPages": ["http://example.com/", "javascript:alert(1)", "https://*.example.com/"],
    "OidcIssuer": ["http://id.example", "https://id.example?a=b", "https://u:p@id.example", "id.example"],
    "OidcClientSecretArn": ["secret", "arn:aws:secretsmanager:eu-central-1:111122223333:secret:oidc"],
    "OidcScopes": [" ", "openid  email"],
    "LoginHours": ["0", "721"],
    "SamlMetadataUrl": ["http://id.example/metadata", "https://a.example,https://b.example"],
    "Release": ["a b", "x" * 65],
    "SessionIntrospectionUrl": ["http://example.com/session", "https://example.com/session?key=1"],
    "UserClaims": ["user", "user=", "user=sub,,"],
    "UserTokenCookies": ["", "a b", "a=b"],
    "UserTokenHeader": ["", "X-Session", "a b"],
}
ACCEPTED = {
    "AllowedOrigins": ["", "https://www.example.com", "http://localhost:3000,https://www.example.com"],
    "AssistantDocument": ["", "example.json", "shop-2.json"],
    "AuthMode": ["jwt", "anonymous", "jwt,anonymous", "session", "jwt,session", "jwt,session,anonymous", "login", "jwt,login,anonymous"],
    "FilesTypes": ["", "application/pdf", "image/*,text/plain"],
    "JwtSecret": ["", SECRET],
    "JwtSecretArn": ["", SECRET_ARN],
    "MaxOutputTokens": ["", "16", "99", "8192", "1000000"],
    "LimitUserTokensPerHour": ["0", "50000"],
    "LogRetentionDays": ["1", "731"],
    "OpenAiBaseUrl": ["https://api.openai.com/v1", "https://llm.example.com:8443/v1"],
    "SessionCookieSecretArn": ["", SECRET_ARN],
    "UserClaims": ["", "user=user.id,tenant=https://example.com/org"],
    "UserTokenCookies": ["session_token", "better-auth.session_token,sid"],
    "OidcIssuer": ["", "https://accounts.google.com", "https://login.microsoftonline.com/9188040d/v2.0", "https://a.eu.auth0.com/"],
    "OidcClientId": ["", "1-a.apps.googleusercontent.com"],
    "OidcScopes": ["", "openid", "openid profile email"],
    "SamlMetadataUrl": ["", "https://login.microsoftonline.com/1/federationmetadata/2007-06/federationmetadata.xml?appid=1"],
    "UserPoolPages": ["", "https://example.com/chat", "https://example.com/,http://localhost:3000/"],
}

VISITORS = {"AuthMode": "anonymous", "LimitTenantTokensPerDay": 1}
SIGN_UP = {"UserPool": "true", "UserPoolPages": "https://a.example/", "UserPoolSignUp": "true"}

SIGN_IN = {
    "AuthMode": "login",
    "OidcIssuer": "https://id.example",
    "OidcClientId": "chat",
    "DomainName": "chat.example.com",
    "HostedZoneId": "Z1",
    "LimitTenantTokensPerDay": 1,
}
POOL = {"UserPool": "true", "UserPoolPages": "https://a.example/"}

# Combinations of parameters, each with the rule that refuses it; None if it can be deployed.
SETS = [
    ({"JwtSecret": SECRET}, None),
    (VISITORS, None),
    ({"JwtSecretArn": SECRET_ARN}, None),
    ({"JwksUrl": "https://id.example/keys", "JwtIssuer": "https://id.example", "JwtAudience": "chat"}, None),
    ({"UserPool": "true", "UserPoolPages": "https://example.com/"}, None),
    ({"AuthMode": "anonymous"}, "SelfMadeUsersNeedABudgetForAll"),
    (SIGN_UP, "SelfMadeUsersNeedABudgetForAll"),
    ({**SIGN_UP, "LimitTenantTokensPerDay": 1}, None),
    ({}, "UserTokensNeedTheirKey"),
    ({"AuthMode": "session"}, "SessionsNeedTheirAddress"),
    ({"AuthMode": "session", "SessionIntrospectionUrl": "https://a.example/session"}, None),
    ({"AuthMode": "jwt,session", "SessionIntrospectionUrl": "https://a.example/session"}, "UserTokensNeedTheirKey"),
    ({"AuthMode": "session,anonymous", "SessionIntrospectionUrl": "https://a.example/session"}, "SelfMadeUsersNeedABudgetForAll"),
    ({"AuthMode": "jwt,anonymous", "LimitTenantTokensPerDay": 1}, "UserTokensNeedTheirKey"),
    ({"JwtSecret": SECRET, "JwtSecretArn": SECRET_ARN}, "JwtSecretIsTheOnlyKey"),
    ({"JwtSecret": SECRET, "UserPool": "true", "UserPoolPages": "https://example.com/"}, "JwtSecretIsTheOnlyKey"),
    ({"JwtSecretArn": SECRET_ARN, "UserPool": "true", "UserPoolPages": "https://example.com/"}, "JwtSecretArnIsTheOnlyKey"),
    ({"JwksUrl": "https://id.example/keys"}, "PublishedKeysNeedIssuerAndAudience"),
    ({"UserPool": "true"}, "TheUserPoolNamesItself"),
    ({"UserPool": "true", "UserPoolPages": "https://example.com/", "JwtIssuer": "me"}, "TheUserPoolNamesItself"),
    (SIGN_IN, None),
    ({**SIGN_IN, "AuthMode": "jwt,login,anonymous", "JwtSecret": SECRET}, None),
    ({**SIGN_IN, "AuthMode": "jwt,login"}, "UserTokensNeedTheirKey"),
    ({**SIGN_IN, "OidcClientId": ""}, "SignInNeedsAProviderAndADomain"),
    ({**SIGN_IN, "DomainName": "", "HostedZoneId": ""}, "SignInNeedsAProviderAndADomain"),
    ({**SIGN_IN, "LimitTenantTokensPerDay": 0}, "SelfMadeUsersNeedABudgetForAll"),
    ({**SIGN_IN, **POOL}, "TheUserPoolNamesItself"),
    ({**SIGN_IN, **POOL, "OidcIssuer": "", "OidcClientId": ""}, None),
    ({**POOL, **VISITORS}, "TheUserPoolNamesItself"),
    ({**POOL, "SamlMetadataUrl": "https://id.example/metadata"}, None),
    ({"JwtSecret": SECRET, "SamlMetadataUrl": "https://id.example/metadata"}, "SamlNeedsTheUserPool"),
    ({**VISITORS, "Mode": "hosted"}, "HostedModeNeedsItsWorkflow"),
    ({**VISITORS, "Mode": "hosted", "WorkflowId": "wf_1"}, None),
    ({**VISITORS, "Alarms": "false", "AlarmEmail": "a@example.com"}, "AlarmEmailNeedsAlarms"),
    ({**VISITORS, "Alarms": "false", "AlarmEmail": "a@example.com", "BudgetUsdPerMonth": 50}, None),
    ({**VISITORS, "BudgetUsdPerMonth": 50}, "ABudgetNeedsAlarmEmail"),
    ({**VISITORS, "DomainName": "chat.example.com"}, "ADomainNeedsACertificate"),
    ({**VISITORS, "DomainName": "chat.example.com", "HostedZoneId": "Z1"}, None),
    ({**VISITORS, "HostedZoneId": "Z1"}, "ACertificateNeedsADomain"),
    ({**VISITORS, "CloudFront": "true"}, "CloudFrontNeedsTheFirewall"),
    ({**VISITORS, "CloudFront": "true", "Firewall": "true"}, None),
    (
        {**VISITORS, "CloudFront": "true", "Firewall": "true", "DomainName": "a.example", "HostedZoneId": "Z1"},
        "CloudFrontNeedsTheFirewall",
    ),
    ({**VISITORS, "EdgeWebAclArn": "arn"}, "AnEdgeAclNeedsCloudFront"),
    ({**VISITORS, "ChatProvisionedConcurrency": 1}, "ProvisionedVersionsHaveNames"),
    ({**VISITORS, "ChatProvisionedConcurrency": 1, "Release": "1"}, None),
]


def errors(template):
    parameters = template.written["Parameters"]
    for name, parameter in parameters.items():
        if not parameter.get("Description"):
            yield f"{name}: has no description"
        is_bounded = {"AllowedPattern", "AllowedValues", "MaxLength", "MaxValue"} & parameter.keys()
        if not is_bounded:
            yield f"{name}: accepts any value"
    for table, expected in ((REFUSED, False), (ACCEPTED, True)):
        for name, values in table.items():
            for value in values:
                if accepts(parameters[name], value) is not expected:
                    yield f"{name}: `{value}` is {'refused' if expected else 'accepted'}"
    for values, rule in SETS:
        broken = broken_rules(template.written, values).keys()
        if broken != ({rule} if rule else set()):
            yield f"{sorted(values)}: breaks {sorted(broken)}, not {rule}"
    if unused := template.written["Rules"].keys() - {rule for _, rule in SETS}:
        yield f"no combination breaks {sorted(unused)}"


def accepts(parameter, value):
    """Whether a parameter accepts a value, given as text."""
    if parameter["Type"] == "CommaDelimitedList":
        return all(accepts(parameter | {"Type": "String"}, each.strip()) for each in value.split(","))
    if "AllowedValues" in parameter:
        return value in map(str, parameter["AllowedValues"])
    if parameter["Type"] == "Number":
        return value.isdecimal() and int(parameter["MinValue"]) <= int(value) <= int(parameter["MaxValue"])
    if len(value) > int(parameter.get("MaxLength", 4096)):
        return False
    return re.fullmatch(parameter.get("AllowedPattern", ".*"), value) is not None


def broken_rules(written, values):
    """The rules that refuse a combination, each with its messages."""
    resolver = Resolver(written, values)
    return {
        name: [each["AssertDescription"] for each in rule["Assertions"] if not resolver.resolve(each["Assert"])]
        for name, rule in written["Rules"].items()
        if resolver.resolve(rule["RuleCondition"])
        and not all(resolver.resolve(each["Assert"]) for each in rule["Assertions"])
    }
