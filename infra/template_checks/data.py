"""Tables, files and secrets: encrypted, kept, and private."""

TABLES = ["ThreadsTable", "CountersTable", "UsageTable", "SettingsTable"]
KEY = "arn:aws:kms:eu-central-1:111122223333:key/0"
# The property that names the operator's own key, by type of resource. A type that stores data must be in this list.
KEY_PROPERTY = {
    "AWS::DynamoDB::Table": "SSESpecification",
    "AWS::Lambda::Function": "KmsKeyArn",
    "AWS::Logs::LogGroup": "KmsKeyId",
    "AWS::S3::Bucket": "BucketEncryption",
    "AWS::SecretsManager::Secret": "KmsKeyId",
    "AWS::SNS::Topic": "KmsMasterKeyId",
}


def errors(template):
    yield from of_tables(template)
    yield from of_files(template)
    for kind, name_of_property in KEY_PROPERTY.items():
        for name in template.of_type(kind):
            properties = template.properties(name)
            with_key = template.with_parameters(properties, KmsKeyArn=KEY).get(name_of_property)
            without = template.with_parameters(properties, KmsKeyArn="").get(name_of_property)
            if KEY not in str(with_key) or KEY in str(without):
                yield f"{name}: is not encrypted with KmsKeyArn"
    if "SecretString" in template.properties("OpenAiSecret"):
        yield "OpenAiSecret: has a value, which could be taken for a key"
    # A deployment must neither choose nor replace the values of the secrets.
    for name, length in {"SessionSigningSecret": 64, "ToolSigningSecret": 64}.items():
        generated = template.properties(name)["GenerateSecretString"]
        if generated != {"PasswordLength": length, "ExcludePunctuation": True}:
            yield f"{name}: is generated as {generated}"


def of_tables(template):
    if sorted(template.of_type("AWS::DynamoDB::Table")) != sorted(TABLES):
        yield "there are other tables than expected"
    for name in TABLES:
        table, properties = template.resources[name], template.properties(name)
        if (table["DeletionPolicy"], table["UpdateReplacePolicy"]) != ("Retain", "Retain"):
            yield f"{name}: does not outlive the stack"
        for protection in ("true", "false"):
            is_protected = template.with_parameters(properties, Protection=protection)["DeletionProtectionEnabled"]
            if is_protected is not (protection == "true"):
                yield f"{name}: with Protection {protection}, deletion protection is {is_protected}"
        expected = {
            "BillingMode": "PAY_PER_REQUEST",
            "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
            "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
            "TimeToLiveSpecification": {"AttributeName": "expires_at", "Enabled": True},
        }
        for key, value in expected.items():
            if properties[key] != value:
                yield f"{name}: {key} is {properties[key]}"


def of_files(template):
    files = template.properties("FilesBucket")
    if set(files["PublicAccessBlockConfiguration"].values()) != {True} or len(files["PublicAccessBlockConfiguration"]) != 4:
        yield "FilesBucket: can be public"
    if "VersioningConfiguration" in files:
        yield "FilesBucket: keeps what was deleted"
    lifecycle = {each.get("Prefix"): each for each in files["LifecycleConfiguration"]["Rules"]}
    if lifecycle["uploads/"]["ExpirationInDays"] != 1:
        yield "FilesBucket: unused uploads stay"
    if lifecycle[None]["AbortIncompleteMultipartUpload"] != {"DaysAfterInitiation": 1}:
        yield "FilesBucket: unfinished uploads stay"
    if template.with_parameters(files, AllowedOrigins="").get("CorsConfiguration"):
        yield "FilesBucket: answers pages although there are no origins"
    origins = ["https://a.example", "https://b.example"]
    (rule,) = template.with_parameters(files, AllowedOrigins=",".join(origins))["CorsConfiguration"]["CorsRules"]
    if rule["AllowedOrigins"] != origins or rule["AllowedMethods"] != ["PUT", "GET"]:
        yield f"FilesBucket: answers {rule['AllowedMethods']} of {rule['AllowedOrigins']}"
    (statement,) = template.properties("FilesBucketPolicy")["PolicyDocument"]["Statement"]
    if statement["Effect"] != "Deny" or statement["Condition"] != {"Bool": {"aws:SecureTransport": "false"}}:
        yield "FilesBucketPolicy: is not exactly the refusal of requests without TLS"
