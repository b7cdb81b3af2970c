"""Alarms name an existing metric and say what to do; metric filters name existing fields of the log line."""

import json
import re

from cost import ALARM_METRICS, LINE_METRICS

from .template import ROOT

# The file that writes the fields of the log line.
LINE = ROOT / "shared/src/http/log.rs"


def errors(template):
    filters = template.of_type("AWS::Logs::MetricFilter")
    metrics = set()
    line = LINE.read_text()
    for name, each in filters.items():
        properties = each["Properties"]
        (transformation,) = properties["MetricTransformations"]
        metrics.add(transformation["MetricName"])
        fields = set(re.findall(r"\$\.([a-z_]+)", properties["FilterPattern"] + transformation["MetricValue"]))
        # `target` is tracing's own field, the other two are of Lambda's own lines.
        for field in fields - {"target", "type", "record"}:
            if not re.search(rf"\b{field}\b", line):
                yield f"{name}: the log line has no field `{field}`"
    alarms = template.of_type("AWS::CloudWatch::Alarm")
    of_alarms = 0
    for name, each in alarms.items():
        properties = template.with_parameters(each["Properties"])
        # A sum has no data if one of its terms has none, and then the alarm is never raised.
        sums = [metric["Expression"] for metric in properties.get("Metrics", []) if "Expression" in metric]
        for expression in sums:
            if re.search(r"[a-z]", re.sub(r"FILL\(\w+, 0\)", "", expression)):
                yield f"{name}: a term without data hides the sum {expression}"
        if len(str(properties["AlarmDescription"])) < 60:
            yield f"{name}: does not say what to do"
        if each["Properties"]["AlarmActions"] != [{"Fn::If": ["HasAlarmEmail", {"Ref": "AlarmTopic"}, {"Ref": "AWS::NoValue"}]}]:
            yield f"{name}: does not notify AlarmTopic"
        # A night without chats has no data, and is not a reason for an alarm.
        if properties["TreatMissingData"] != "notBreaching":
            yield f"{name}: is raised when there is no data"
        named = list(named_metrics(properties))
        # These alarms exist only if tenants have a budget.
        of_alarms += 0 if each.get("Condition") == "AlarmsOfTenants" else len(named)
        for namespace, metric in named:
            if "ChatKit/" in str(namespace) and metric not in metrics:
                yield f"{name}: nothing counts {metric}"
    if "just stop" not in str(template.properties("BudgetAlarm")["AlarmDescription"]):
        yield "BudgetAlarm: does not name the brake"
    counted = (of_alarms, len(metrics))
    if counted != (ALARM_METRICS, LINE_METRICS):
        yield f"infra/cost.py does not count the metrics of alarms and of log lines as {counted}"
    text, parts = template.properties("Dashboard")["DashboardBody"]["Fn::Sub"]
    # It must be JSON with and without the WebSocket API, and with and without a tenant's budget.
    for socket, budget in (("true", 0), ("false", 1000)):
        chosen = template.with_parameters(parts, WebSocket=socket, LimitTenantTokensPerDay=budget)
        shown = text
        for name, part in chosen.items():
            shown = shown.replace(f"${{{name}}}", part if isinstance(part, str) else part["Fn::Sub"])
        if ("${Socket" in shown) is (socket == "false"):
            yield f"Dashboard: with WebSocket={socket} it shows the WebSocket API wrongly"
        json.loads(shown)
    widgets = json.loads(shown)["widgets"]
    for metric in metrics:
        if f'"{metric}"' not in text:
            yield f"Dashboard: does not show {metric}"
    shown = set(re.findall(r"\$\{(\w+)Alarm\.Arn\}", str(widgets) + str(parts)))
    if missing := {name.removesuffix("Alarm") for name in alarms} - shown - {"Rotation"}:
        yield f"Dashboard: does not show the alarms {sorted(missing)}"


def named_metrics(alarm):
    if "MetricName" in alarm:
        yield alarm["Namespace"], alarm["MetricName"]
    for each in alarm.get("Metrics", []):
        if "MetricStat" in each:
            yield each["MetricStat"]["Metric"]["Namespace"], each["MetricStat"]["Metric"]["MetricName"]
