"""Deletes a stack: `just destroy ENV`. Says what is deleted, what stays and what that costs, and asks first. May be run
again after it has failed, and when only tables are left."""

import subprocess

from botocore.exceptions import ClientError
from stack import main

KEPT_COST = "0.25 USD per GB and month, and 0.20 USD for point-in-time recovery"


def destroy(stack):
    described = stack.find()
    if not described:
        return destroy_what_is_left(stack)
    if not described.get("Outputs"):
        print(f"The stack {stack.name} was never complete. If it has created tables, they stay, and are empty.")
        ask("Type the stack's name to delete it: ", stack.name)
        return delete(stack)
    outputs, parameters = stack.outputs(), stack.parameters()
    tables, is_protected = outputs["TableNames"].split(","), parameters["Protection"] == "true"
    print(f"This deletes the stack {stack.name}: the API, the functions, logs, alarms, the secrets with their keys,")
    print(f"and every attached file (bucket {outputs['FilesBucketName']}).")
    print("\nWhat stays:")
    for line in kept(stack, parameters, tables, is_protected):
        print(f"- {line}")
    print()
    ask("Type the stack's name to delete it: ", stack.name)
    tables_too = not is_protected and wants_tables_deleted()
    empty(stack, outputs["FilesBucketName"])
    delete(stack)
    if tables_too:
        delete_tables(stack, tables)


def kept(stack, parameters, tables, is_protected):
    """What outlives the stack, a line each, with its cost."""
    yield f"the tables {', '.join(tables)}: {KEPT_COST}, until they are deleted"
    if is_protected:
        yield (
            "  they are protected. To delete one: aws dynamodb update-table --no-deletion-protection-enabled --table-name NAME, "
            "then aws dynamodb delete-table --table-name NAME"
        )
    yield "a backup of a table that is deleted, which AWS keeps for 35 days, without cost"
    if parameters["UserPool"] == "true":
        pool = stack.client("cloudformation").describe_stack_resource(StackName=stack.name, LogicalResourceId="Users")
        pool_id = pool["StackResourceDetail"]["PhysicalResourceId"]
        yield (
            f"the user pool {pool_id} with its users, without cost while nobody signs in. To delete it: "
            f"aws cognito-idp update-user-pool --user-pool-id {pool_id} --deletion-protection INACTIVE, "
            f"then aws cognito-idp delete-user-pool --user-pool-id {pool_id}"
        )
    if parameters["ApiLogsRole"] == "create":
        yield "API Gateway's role for logs, without cost, because other APIs of the account use it"
    yield "sam's bucket of what was deployed (stack aws-sam-cli-managed-default), cents a month, because other stacks use it"
    own = {
        "JwtSecretArn": "the secret",
        "KmsKeyArn": "the key",
        "CertificateArn": "the certificate",
        "HostedZoneId": "the hosted zone",
    }
    for name, what in own.items():
        if value := parameters.get(name):
            yield f"{what} {value}, which is yours ({name})"


def destroy_what_is_left(stack):
    """Nothing but tables outlives a stack under its name."""
    pages = stack.client("dynamodb").get_paginator("list_tables").paginate()
    tables = [name for page in pages for name in page["TableNames"] if name.startswith(f"{stack.name}-")]
    if not tables:
        stack.describe()  # says that there is no such stack
    print(f"There is no stack {stack.name}. An earlier one has left the tables {', '.join(tables)}: {KEPT_COST}.")
    if wants_tables_deleted():
        delete_tables(stack, tables)


def delete(stack):
    command = ["sam", "delete", "--stack-name", stack.name, "--region", stack.session.region_name, "--no-prompts"]
    if status := subprocess.run(command, check=False).returncode:
        raise SystemExit(status)


def delete_tables(stack, tables):
    for table in tables:
        unless("ResourceNotFoundException", stack.client("dynamodb").delete_table, TableName=table)
        print(f"deleted the table {table}")


def wants_tables_deleted():
    try:
        return input("Delete the tables as well, with every conversation? [y/N] ") == "y"
    except EOFError:
        return False


def ask(question, answer):
    try:
        typed = input(question)
    except EOFError:
        typed = ""
    if typed != answer:
        raise SystemExit("nothing was deleted")


def empty(stack, bucket):
    """A bucket can be deleted only when nothing is in it. One that is gone is empty."""
    unless("NoSuchBucket", empty_existing, stack.client("s3"), bucket)


def empty_existing(storage, bucket):
    for page in storage.get_paginator("list_object_versions").paginate(Bucket=bucket):
        found = page.get("Versions", []) + page.get("DeleteMarkers", [])
        keys = [{"Key": each["Key"], "VersionId": each["VersionId"]} for each in found]
        if keys:
            answer = storage.delete_objects(Bucket=bucket, Delete={"Objects": keys, "Quiet": True})
            # With status 200.
            for error in answer.get("Errors", []):
                raise SystemExit(
                    f"{error['Key']} in the bucket {bucket} cannot be deleted: {error['Message']}; nothing else was"
                )
    for page in storage.get_paginator("list_multipart_uploads").paginate(Bucket=bucket):
        for upload in page.get("Uploads", []):
            storage.abort_multipart_upload(Bucket=bucket, Key=upload["Key"], UploadId=upload["UploadId"])


def unless(code, action, *arguments, **named):
    """Does something, unless AWS says that it is already done."""
    try:
        action(*arguments, **named)
    except ClientError as error:
        if error.response["Error"]["Code"] != code:
            raise


if __name__ == "__main__":
    main(destroy)
