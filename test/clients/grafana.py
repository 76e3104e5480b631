# Reads a dashboard by Grafana's own types and writes it again: what they do not know does not come back.

import json
import sys

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard


def lost(before, after, where):
    if isinstance(before, dict) and isinstance(after, dict):
        for name, value in before.items():
            if name in after:
                yield from lost(value, after[name], f"{where}.{name}")
            else:
                yield f"{where}.{name} is unknown"
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for i, pair in enumerate(zip(before, after)):
            yield from lost(*pair, f"{where}[{i}]")
    elif before != after:
        yield f"{where}: {before!r} became {after!r}"


register_default_plugins()
with open(sys.argv[1]) as file:
    dashboard = json.load(file)
again = json.loads(json.dumps(Dashboard.from_json(dashboard), cls=JSONEncoder))
sys.exit("\n".join(lost(dashboard, again, "dashboard")) or 0)
