"""ministack, an AWS emulator, with what this stack needs of AWS and it has not:

- API Gateway's streaming integrations: their address, and Lambda's streaming format. The answer arrives as a whole.
- API Gateway's answers of its own, which it knows, but not as part of an API's document.
- `Fn::Join` in conditions, where it joins a list of parameters.
- `AWS::SecretsManager::RotationSchedule`, and a rotation that asks the function for its four steps.
- `ExcludePunctuation` of generated secrets, `Ref` of a secret (the ARN), secrets without a value.
- The subprotocol of a WebSocket, which the function's answer to `$connect` names.
- `AWS::WAFv2::WebACLAssociation`, `AWS::Budgets::Budget`.
- Alarms over several metrics: of those it keeps the first.
- Time to live and point-in-time recovery of tables, which it knows, but not as properties of a template.

And it prints each call that a role's policies deny, in a line that begins with `denied: `.

Takes ministack's own environment variables; `infra/ministack/run.sh` sets them. Needs ministack 1.5.33.
"""

import json
import string
import threading
from contextvars import ContextVar

import boto3
from ministack import app
from ministack.core import iam_evaluator, lambda_runtime
from ministack.services import apigateway, apigateway_v1, dynamodb, secretsmanager
from ministack.services.cloudformation import changesets, engine, handlers, provisioners, stacks

DELIMITER = "\0" * 8


def proxy_answer(payload):
    """An answer in Lambda's streaming format as one of the format that API Gateway buffers."""
    if not isinstance(payload, str) or DELIMITER not in payload:
        return payload
    prelude, _, body = payload.partition(DELIMITER)
    prelude = json.loads(prelude)
    answer = {"statusCode": prelude["statusCode"], "headers": prelude.get("headers", {}), "body": body}
    if cookies := prelude.get("cookies"):
        answer["multiValueHeaders"] = {"set-cookie": cookies}
    return answer


def with_streaming():
    record, reference = lambda_runtime.ProvidedWorker._record_result, apigateway_v1._extract_lambda_ref_from_integration_uri

    def record_result(self, generation, request_id, kind, payload):
        return record(self, generation, request_id, kind, proxy_answer(payload))

    def extract(uri):
        return reference(uri.replace("/response-streaming-invocations", "/invocations"))

    lambda_runtime.ProvidedWorker._record_result = record_result
    apigateway_v1._extract_lambda_ref_from_integration_uri = extract


def with_subprotocols():
    """A WebSocket is accepted with the subprotocol that the function's answer to `$connect` names."""
    invoke, handle = apigateway._invoke_ws_lambda, apigateway.handle_websocket
    chosen = ContextVar("chosen", default=None)

    async def invoke_function(*arguments, **named):
        answer = await invoke(*arguments, **named)
        headers = {name.lower(): value for name, value in ((answer or {}).get("headers") or {}).items()}
        chosen.set(headers.get("sec-websocket-protocol"))
        return answer

    async def handle_web_socket(scope, receive, send, *arguments, **named):
        async def send_with_choice(event):
            if event["type"] == "websocket.accept":
                event = event | {"subprotocol": chosen.get()}
            await send(event)

        await handle(scope, receive, send_with_choice, *arguments, **named)

    apigateway._invoke_ws_lambda = invoke_function
    apigateway.handle_websocket = handle_web_socket


def with_denials_in_the_log():
    enforce = iam_evaluator.enforce

    def enforce_and_tell(access_key, action, service, region, resource_arn="*", service_context=None):
        result = enforce(access_key, action, service, region, resource_arn, service_context)
        if isinstance(result, iam_evaluator.EvalResult):
            print(f"denied: {result.principal_arn.split('/')[-1]} {action} {resource_arn}", flush=True)
        return result

    iam_evaluator.enforce = enforce_and_tell


def with_gateway_responses():
    handlers = provisioners._RESOURCE_HANDLERS["AWS::ApiGateway::RestApi"]
    create = handlers["create"]

    def create_api(logical_id, properties, stack_name):
        api, attributes = create(logical_id, properties, stack_name)
        for kind, response in properties["Body"]["x-amazon-apigateway-gateway-responses"].items():
            status, _, body = apigateway_v1._put_gateway_response(api, kind, response)
            if status != 201:
                raise ValueError(body)
        return api, attributes

    handlers["create"] = create_api


def with_join_in_conditions():
    evaluate = engine._evaluate_conditions

    def joined(value, parameters):
        match value:
            case {"Fn::Join": [between, {"Ref": name}]}:
                return between.join(each.strip() for each in parameters[name]["Value"].split(","))
            case dict():
                return {key: joined(each, parameters) for key, each in value.items()}
            case list():
                return [joined(each, parameters) for each in value]
        return value

    def evaluate_conditions(template, parameters):
        conditions = joined(template.get("Conditions", {}), parameters)
        return evaluate(template | {"Conditions": conditions}, parameters)

    for module in (changesets, engine, handlers, stacks):
        if hasattr(module, "_evaluate_conditions"):
            module._evaluate_conditions = evaluate_conditions


def with_rotation():
    def run_steps(arn, function, token):
        lambdas = boto3.client("lambda")
        for step in ("createSecret", "setSecret", "testSecret", "finishSecret"):
            event = {"SecretId": arn, "ClientRequestToken": token, "Step": step}
            answer = lambdas.invoke(FunctionName=function, Payload=json.dumps(event))
            if "FunctionError" in answer:
                print(f"rotation: {step}: {answer['Payload'].read().decode()}", flush=True)
                return

    def rotate(data):
        _, secret = secretsmanager._resolve(data["SecretId"])
        if not secret or not secret.get("RotationLambdaARN"):
            return secretsmanager.error_response_json("InvalidRequestException", "no rotation function", 400)
        token = data.get("ClientRequestToken") or secretsmanager.new_uuid()
        # As on AWS the call returns before the rotation has happened.
        threading.Thread(target=run_steps, args=(secret["ARN"], secret["RotationLambdaARN"], token)).start()
        return secretsmanager.json_response({"ARN": secret["ARN"], "Name": secret["Name"], "VersionId": token})

    def schedule(logical_id, properties, stack_name):
        _, secret = secretsmanager._resolve(properties["SecretId"])
        secret["RotationLambdaARN"] = properties["RotationLambdaARN"]
        secret["RotationRules"] = properties["RotationRules"]
        secret["RotationEnabled"] = True
        return secret["ARN"], {}

    def stop(physical_id, properties):
        _, secret = secretsmanager._resolve(physical_id)
        if secret:
            secret["RotationEnabled"] = False

    secretsmanager._rotate_secret = rotate
    provisioners._RESOURCE_HANDLERS["AWS::SecretsManager::RotationSchedule"] = {
        "create": schedule,
        "update": lambda physical_id, old, new, stack_name: schedule(physical_id, new, stack_name),
        "delete": stop,
    }


def without_punctuation():
    secret_string = provisioners._sm_secret_string

    def generated(properties):
        rules = dict(properties.get("GenerateSecretString") or {})
        if rules.pop("ExcludePunctuation", False):
            excluded = rules.get("ExcludeCharacters", "") + string.punctuation
            properties = properties | {"GenerateSecretString": rules | {"ExcludeCharacters": excluded}}
        return secret_string(properties)

    provisioners._sm_secret_string = generated


def with_secrets_as_on_aws():
    """`Ref` is the ARN, which policies need, and a secret without a value has no version."""
    handlers = provisioners._RESOURCE_HANDLERS["AWS::SecretsManager::Secret"]
    create, update, delete = handlers["create"], handlers["update"], handlers["delete"]

    def create_secret(logical_id, properties, stack_name):
        name, attributes = create(logical_id, properties, stack_name)
        if not properties.keys() & {"SecretString", "GenerateSecretString"}:
            secretsmanager._secrets[name]["Versions"].clear()
        return attributes["Arn"], attributes

    def update_secret(arn, *properties, **names):
        return arn, update(secretsmanager._resolve(arn)[0], *properties, **names)[1]

    handlers["create"] = create_secret
    handlers["update"] = update_secret
    handlers["delete"] = lambda arn, properties: delete(secretsmanager._resolve(arn)[0], properties)


def with_web_acl_association():
    def associate(logical_id, properties, stack_name):
        return f"{properties['WebACLArn']}|{properties['ResourceArn']}", {}

    provisioners._RESOURCE_HANDLERS["AWS::WAFv2::WebACLAssociation"] = {
        "create": associate,
        "update": lambda physical_id, old, new, stack_name: associate(physical_id, new, stack_name),
        "delete": lambda physical_id, properties: None,
    }


def with_budget():
    provisioners._RESOURCE_HANDLERS["AWS::Budgets::Budget"] = {
        "create": lambda logical_id, properties, stack_name: (properties["Budget"]["BudgetName"], {}),
        "update": lambda physical_id, old, new, stack_name: (new["Budget"]["BudgetName"], {}),
        "delete": lambda physical_id, properties: None,
    }


def with_metric_math():
    handlers = provisioners._RESOURCE_HANDLERS["AWS::CloudWatch::Alarm"]

    def of_one_metric(properties):
        if "Metrics" not in properties:
            return properties
        first = next(each["MetricStat"] for each in properties["Metrics"] if "MetricStat" in each)
        kept = {name: value for name, value in properties.items() if name != "Metrics"}
        return kept | first["Metric"] | {"Period": first["Period"], "Statistic": first["Stat"]}

    create, update = handlers["create"], handlers["update"]
    handlers["create"] = lambda name, properties, stack: create(name, of_one_metric(properties), stack)
    handlers["update"] = lambda name, old, new, stack: update(name, of_one_metric(old), of_one_metric(new), stack)


def with_properties_of_tables():
    handlers = provisioners._RESOURCE_HANDLERS["AWS::DynamoDB::Table"]
    create = handlers["create"]

    def create_table(logical_id, properties, stack_name):
        name, attributes = create(logical_id, properties, stack_name)
        for action, key in (
            (dynamodb._update_ttl, "TimeToLiveSpecification"),
            (dynamodb._update_continuous_backups, "PointInTimeRecoverySpecification"),
        ):
            status, _, body = action({"TableName": name, key: properties[key]})
            if status != 200:
                raise ValueError(body)
        return name, attributes

    handlers["create"] = create_table


if __name__ == "__main__":
    with_streaming()
    with_subprotocols()
    with_denials_in_the_log()
    with_gateway_responses()
    with_join_in_conditions()
    with_rotation()
    without_punctuation()
    with_secrets_as_on_aws()
    with_web_acl_association()
    with_budget()
    with_metric_math()
    with_properties_of_tables()
    app.main()
