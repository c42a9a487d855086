"""The emulator's own endpoints below `/_emulator/`, for tests and demos.

| request | what it does |
| --- | --- |
| `GET clock` | `{"now", "speed"}` |
| `PUT clock` `{"now"?, "speed"?}` | sets the clock |
| `PUT plan` `{"faults": [...], "seed"?}` | replaces the plan of faults, counts from now |
| `GET plan` | the faults, and how often each has hit |
| `GET truth?api=&start=&end=&by=&at=&tenant=&events=&names=&where=&version=` | \
what lies in `[start, end)` |
| `GET stats` | requests, refusals, pages, peaks per API |
| `GET log` | the last requests |
| `POST events` `{"api", "events": [...], "tenant"?}` | adds events; `_arrives` says when |
| `PATCH settings` `{name: value}` | changes settings while it runs |
| `POST expire-tokens` | ends every access token |
| `POST render` `{"api", "start", "end"}` | renders a window ahead of being asked |
| `POST reset` | no plan, counts and throttling at zero, no dead links |
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

import orjson
from pydantic import ValidationError

from include.graph_emulator import odata, ticks
from include.graph_emulator.answers import Answer, json_answer
from include.graph_emulator.catalogue import BY_NAME
from include.graph_emulator.faults import Fault, Plan
from include.graph_emulator.graph import Graph
from include.graph_emulator.requests import Request
from include.graph_emulator.stats import Stats
from include.graph_emulator.truth import Asked, truth
from include.graph_emulator.world import World

Json = dict[str, Any]
_FIXED = {
    "seed", "now", "sign_ins_per_day", "audits_per_day", "risks_per_day", "lateness", "cache_mb",
}  # fmt: skip


@dataclass
class Control:
    """Answers below `/_emulator/`."""

    graph: Graph
    world: World

    def answer(self, request: Request) -> Answer:
        """The answer; 400 with the reason for a request that is not understood."""
        name = request.path.removeprefix("/_emulator/").strip("/")
        act = self._acts().get((request.method, name))
        if act is None:
            return json_answer({"error": f"no {request.method} {name} in /_emulator/"}, 404)
        try:
            fields: Json = orjson.loads(request.body) if request.body else {}
            return json_answer(act(fields | dict(parse_qsl(request.query.decode()))))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            if isinstance(error, ValidationError):
                return json_answer({"error": error.errors(include_url=False)}, 400)
            return json_answer({"error": f"{type(error).__name__}: {error}"}, 400)

    def _acts(self) -> dict[tuple[str, str], Callable[[Json], Any]]:
        return {
            ("GET", "clock"): self._clock,
            ("PUT", "clock"): self._set_clock,
            ("GET", "plan"): self._plan,
            ("PUT", "plan"): self._set_plan,
            ("GET", "truth"): self._truth,
            ("GET", "stats"): lambda _: self.graph.stats.as_json(),
            ("GET", "log"): lambda _: list(self.graph.stats.log),
            ("POST", "events"): self._add,
            ("PATCH", "settings"): self._settings,
            ("POST", "expire-tokens"): lambda _: {"expired": self.graph.tokens.expire()},
            ("POST", "render"): self._render,
            ("POST", "reset"): self._reset,
        }

    def _clock(self, _: Json) -> Json:
        clock = self.graph.clock
        return {"now": ticks.to_text(clock.now()), "speed": clock.speed}

    def _set_clock(self, fields: Json) -> Json:
        clock = self.graph.clock
        at = ticks.from_text(fields["now"]) if "now" in fields else clock.exact()
        clock.set(at, None if fields.get("speed") is None else float(fields["speed"]))
        return self._clock({})

    def _plan(self, _: Json) -> Json:
        plan = self.graph.plan
        faults = [fault.model_dump(exclude_defaults=True) for fault in plan.faults]
        return {"faults": faults, "hits": plan.hits}

    def _set_plan(self, fields: Json) -> Json:
        faults = [Fault.model_validate(line) for line in fields["faults"]]
        self.graph.plan = Plan(faults, int(fields.get("seed", 0)))
        self.graph.dead.clear()
        return self._plan({})

    def _tenant(self, fields: Json) -> str:
        return str(fields.get("tenant") or next(iter(self.graph.settings.tenants)))

    def _truth(self, fields: Json) -> Json:
        collection, version = BY_NAME[fields["api"]], fields.get("version") or "v1.0"
        where = odata.EVERYTHING
        if fields.get("where"):
            where = odata.parse(fields["where"], collection, "works")
        asked = Asked(
            start=ticks.from_text(fields["start"]),
            end=ticks.from_text(fields["end"]),
            by=fields.get("by") or collection.event_time,
            at=ticks.from_text(fields["at"]) if fields.get("at") else self.graph.clock.now(),
            events=fields.get("events") in ("1", "true"),
            names=fields.get("names", "1") in ("1", "true"),
            where=where,
            version=version,
        )
        timelines = self.world.shown(self._tenant(fields), collection.name, version, where.kinds)
        return truth(timelines, collection, asked)

    def _add(self, fields: Json) -> Json:
        now, events = self.graph.clock.now(), fields["events"]
        self.world.add(self._tenant(fields), fields["api"], events, now)
        return {"added": len(events)}

    def _settings(self, fields: Json) -> Json:
        fixed = _FIXED & fields.keys()
        if fixed:
            raise ValueError(f"can be set at the start only: {', '.join(sorted(fixed))}")
        for name, value in fields.items():
            setattr(self.graph.settings, name, value)
        if "speed" in fields:
            self._set_clock({"speed": fields["speed"]})
        return self.graph.settings.model_dump(exclude={"applications"})

    def _render(self, fields: Json) -> Json:
        at = self.graph.clock.now()
        timeline = self.world.timeline(self._tenant(fields), fields["api"])
        low, high = ticks.from_text(fields["start"]), ticks.from_text(fields["end"]) - 1
        events = size = 0
        for stretch in timeline.stretches(low, high, at):
            size += len(timeline.block(stretch, at, beta=False).text)
            events += stretch.stop - stretch.start
        return {"events": events, "bytes": size}

    def _reset(self, _: Json) -> Json:
        self.graph.plan = Plan()
        self.graph.dead.clear()
        self.graph.stats = Stats()
        self.graph.throttle.forget()
        return {}
