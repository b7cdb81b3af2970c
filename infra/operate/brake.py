"""Stops every turn of a stack at once, and lets them run again: `just stop ENV`, `just start ENV`."""

import sys

from stack import main

# By function, in the order of the output TurnFunctions.
RESERVES = ("ChatReservedConcurrency", "SocketReservedConcurrency")
# Provisioned environments belong to this alias of chat.
ALIAS = "live"


def stop(stack):
    functions, provisioned = turn_functions(stack), stack.parameters()["ChatProvisionedConcurrency"] != "0"
    hold(stack, functions, provisioned)
    print(f"{stack.name} is stopped: Lambda no longer starts its functions {' and '.join(functions)}.")
    print("Answers under way end by themselves, after 15 minutes at the latest. Other requests get 503 `unavailable`.")
    print(f"It stays stopped, also when it is deployed, until: just start {stack.environment}")


def hold(stack, functions, provisioned):
    lambdas = stack.client("lambda")
    if provisioned:
        # A function keeps at least as much as is provisioned.
        lambdas.delete_provisioned_concurrency_config(FunctionName=functions[0], Qualifier=ALIAS)
    for function in functions:
        lambdas.put_function_concurrency(FunctionName=function, ReservedConcurrentExecutions=0)


def start(stack):
    functions, parameters, lambdas = turn_functions(stack), stack.parameters(), stack.client("lambda")
    for function, reserve in zip(functions, RESERVES, strict=False):
        if reserved := int(parameters[reserve]):
            lambdas.put_function_concurrency(FunctionName=function, ReservedConcurrentExecutions=reserved)
        else:
            lambdas.delete_function_concurrency(FunctionName=function)
    if provisioned := int(parameters["ChatProvisionedConcurrency"]):
        lambdas.put_provisioned_concurrency_config(
            FunctionName=functions[0], Qualifier=ALIAS, ProvisionedConcurrentExecutions=provisioned
        )
    print(f"{stack.name} runs turns again, with the concurrency that it was deployed with")


def is_stopped(stack):
    if not stack.describe().get("Outputs"):
        return False  # its creation has failed
    lambdas = stack.client("lambda")
    reserved = [lambdas.get_function_concurrency(FunctionName=function) for function in turn_functions(stack)]
    return any(each.get("ReservedConcurrentExecutions") == 0 for each in reserved)


def turn_functions(stack):
    return stack.outputs()["TurnFunctions"].split(",")


if __name__ == "__main__":
    actions = {"stop": stop, "start": start}
    if len(sys.argv) < 2 or sys.argv[1] not in actions:
        raise SystemExit(f"usage: {sys.argv[0]} stop|start ENVIRONMENT")
    main(actions[sys.argv.pop(1)])
