"""Alarms that name a metric which exists, and say what to do; log lines that the filters can find."""

import json
import re

from cost import ALARM_METRICS, LINE_METRICS

from .template import ROOT

# Fields of the log line, and where they come from.
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
        # `target` is the subscriber's own; the rest of Lambda's lines is Lambda's.
        for field in fields - {"target", "type", "record"}:
            if not re.search(rf"\b{field}\b", line):
                yield f"{name}: the log line has no field `{field}`"
    alarms = template.of_type("AWS::CloudWatch::Alarm")
    of_alarms = 0
    for name, each in alarms.items():
        properties = template.with_parameters(each["Properties"])
        # A sum of which one part has no data has none itself, and alarms of nothing.
        sums = [metric["Expression"] for metric in properties.get("Metrics", []) if "Expression" in metric]
        for expression in sums:
            if re.search(r"[a-z]", re.sub(r"FILL\(\w+, 0\)", "", expression)):
                yield f"{name}: adds what may be missing in {expression}"
        if len(properties["AlarmDescription"]) < 60:
            yield f"{name}: does not say what to do"
        if each["Properties"]["AlarmActions"] != [{"Fn::If": ["HasAlarmEmail", {"Ref": "AlarmTopic"}, {"Ref": "AWS::NoValue"}]}]:
            yield f"{name}: tells nobody"
        # Nobody chats at night, and that is no reason to wake anybody.
        if properties["TreatMissingData"] != "notBreaching":
            yield f"{name}: is raised where nothing happens"
        named = list(named_metrics(properties))
        # Where a tenant has no budget there is none.
        of_alarms += 0 if each.get("Condition") == "AlarmsOfTenants" else len(named)
        for namespace, metric in named:
            if "ChatKit/" in str(namespace) and metric not in metrics:
                yield f"{name}: nothing counts {metric}"
    counted = (of_alarms, len(metrics))
    if counted != (ALARM_METRICS, LINE_METRICS):
        yield f"infra/cost.py does not count the metrics of alarms and of log lines as {counted}"
    text, parts = template.properties("Dashboard")["DashboardBody"]["Fn::Sub"]
    # With the WebSocket API and without, and with a tenant's budget and without, it has to be JSON.
    for socket, budget in (("true", 0), ("false", 1000)):
        chosen = template.with_parameters(parts, WebSocket=socket, LimitTenantTokensPerDay=budget)
        shown = text
        for name, part in chosen.items():
            shown = shown.replace(f"${{{name}}}", part if isinstance(part, str) else part["Fn::Sub"])
        if ("${Socket" in shown) is (socket == "false"):
            yield f"Dashboard: with WebSocket {socket} it does not show what there is"
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
