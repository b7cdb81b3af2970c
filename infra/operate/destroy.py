"""Deletes a stack: `just destroy ENV`. Says what is deleted and what stays, and asks first."""

import subprocess

from stack import main


def destroy(stack):
    if not stack.describe().get("Outputs"):
        print(f"The stack {stack.name} was never complete. If it has created tables, they stay, and are empty.")
        ask("Type the stack's name to delete it: ", stack.name)
        delete(stack)
        return
    outputs, is_protected = stack.outputs(), stack.parameters()["Protection"] == "true"
    tables = outputs["TableNames"].split(",")
    print(f"This deletes the stack {stack.name}: the API, the functions, logs, alarms, the secrets with their keys,")
    print(f"and every attached file (bucket {outputs['FilesBucketName']}).")
    print(f"The tables are not part of that: {', '.join(tables)}.")
    if is_protected:
        print("They stay, because they are protected. To delete one later: aws dynamodb update-table --table-name <name>")
        print("--no-deletion-protection-enabled, then aws dynamodb delete-table --table-name <name>.")
    print("API Gateway's role for logs stays as well, because other APIs of the account use it.")
    ask("Type the stack's name to delete it: ", stack.name)
    tables_too = not is_protected and input("Delete the tables as well, with every conversation? [y/N] ") == "y"
    empty(stack, outputs["FilesBucketName"])
    delete(stack)
    if tables_too:
        for table in tables:
            stack.client("dynamodb").delete_table(TableName=table)
            print(f"deleted the table {table}")


def delete(stack):
    command = ["sam", "delete", "--stack-name", stack.name, "--region", stack.session.region_name, "--no-prompts"]
    if status := subprocess.run(command, check=False).returncode:
        raise SystemExit(status)


def ask(question, answer):
    try:
        typed = input(question)
    except EOFError:
        typed = ""
    if typed != answer:
        raise SystemExit("nothing was deleted")


def empty(stack, bucket):
    """A bucket can be deleted only when nothing is in it."""
    storage = stack.client("s3")
    for page in storage.get_paginator("list_object_versions").paginate(Bucket=bucket):
        found = page.get("Versions", []) + page.get("DeleteMarkers", [])
        keys = [{"Key": each["Key"], "VersionId": each["VersionId"]} for each in found]
        if keys:
            storage.delete_objects(Bucket=bucket, Delete={"Objects": keys, "Quiet": True})
    for page in storage.get_paginator("list_multipart_uploads").paginate(Bucket=bucket):
        for upload in page.get("Uploads", []):
            storage.abort_multipart_upload(Bucket=bucket, Key=upload["Key"], UploadId=upload["UploadId"])


if __name__ == "__main__":
    main(destroy)
