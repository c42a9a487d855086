// Draws what the server answers. Text goes in by textContent alone: the ledger's words are not ours.

const MINUTE = 60, HOUR = 3600, DAY = 86400;
export const PARTITION = 2 * HOUR * 1000;

/** An element with attributes (a function is a listener) and children, strings as text. */
export function make(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(name, value);
    else if (value !== undefined && value !== null && value !== false) made.setAttribute(name, value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return made;
}

export const number = (count) => count.toLocaleString("en");
export const spoken = (state) => (state === "none" ? "not expected" : state.replace("_", " "));
export const minute = (at) => new Date(at).toISOString().slice(0, 16).replace("T", " ");
/** A share in percent; one that is small but not nothing does not look like nothing. */
const share = (part) => (part > 0 && part < 0.001 ? "< 0.1 %"
  : `${(100 * part).toLocaleString("en", { maximumFractionDigits: 1 })} %`);

/** Seconds in words, two units at most. */
export function duration(seconds) {
  const days = Math.floor(seconds / DAY), hours = Math.floor((seconds % DAY) / HOUR);
  const minutes = Math.floor((seconds % HOUR) / MINUTE);
  if (days) return `${days} d ${hours} h`;
  return hours ? `${hours} h ${minutes} min` : `${minutes} min`;
}

/** A command with a button that copies it. */
export function command(text) {
  const copy = make("button", { type: "button", click: async () => {
    await navigator.clipboard.writeText(text).then(
      () => { copy.textContent = "Copied"; },
      () => { getSelection().selectAllChildren(copy.previousElementSibling); copy.textContent = "Selected"; },
    );
    setTimeout(() => { copy.textContent = "Copy"; }, 2000);
  } }, "Copy");
  return make("div", { class: "command" }, code(text), copy);
}

/** A command that wraps between its words alone, not at the hyphens of its options. */
const code = (text) => make("code", {}, text.split(" ").flatMap((word) => [make("span", {}, word), " "]).slice(0, -1));

/** A sentence: its words, and what stands between backticks as code. */
const sentence = (text) => text.split("`").map((part, index) => (index % 2 ? code(part) : part));

const URGENT = ["broken", "behind", "missing", "failed", "disputed", "rejects", "conflicts", "surprise"];

/** What needs attention, of all APIs; `choose(api, start)` shows an interval. */
export function attention(status, choose) {
  const found = status.flatMap((api) => api.causes.map((cause) => ({ ...cause, api: api.name })))
    .sort((a, b) => URGENT.indexOf(a.kind) - URGENT.indexOf(b.kind));
  if (!found.length) {
    return [make("li", { class: "fine" }, "Nothing: every interval that is due was read, and no two reads disagree.")];
  }
  return found.map((cause) => make("li",
    { "data-kind": cause.kind, class: cause.under_way ? "under-way" : undefined },
    make("div", {}, sentence(cause.says), " ", cause.start
      ? make("button", { type: "button", click: () => choose(cause.api, cause.start) }, "Show")
      : null),
    make("div", { class: "does" }, sentence(cause.remedy)),
  ));
}

/** How one API is now. */
export function card(api, calendar) {
  const { freshness, budget } = api;
  const fresh = freshness.age_seconds === null
    ? "nothing read yet"
    : `${duration(freshness.age_seconds)} old`;
  const state = freshness.behind ? "behind" : freshness.age_seconds === null ? "" : "fresh";
  return make("article", { class: `card ${state}`, "data-api": api.name },
    make("h3", {}, calendar.title),
    make("p", {}, make("span", { class: "big" }, fresh),
      ` of ${duration(freshness.target_seconds)} allowed${freshness.behind ? ", behind the target" : ""}`),
    freshness.reached ? make("p", { class: "muted" }, `newest interval ended ${minute(freshness.reached)} UTC`) : null,
    lateness(calendar.lateness),
    make("p", { class: "muted" },
      `${number(budget.requests)} requests in 24 h, ${share(budget.share)} of Graph's ${budget.allowed}; `
      + `${number(budget.throttled)} refused, ${duration(budget.waited_seconds)} waited`),
  );
}

/** How many events came after the first timely read, and of how many intervals that can be said. */
function lateness(found) {
  if (!found.intervals) return make("p", { class: "muted" }, "how many events come late cannot be said yet: no interval was read in time and again");
  const part = make("i", { class: "late" }), rest = make("i", {});
  part.style.width = `${(100 * found.late) / Math.max(1, found.events)}%`;
  rest.style.width = `${100 - (100 * found.late) / Math.max(1, found.events)}%`;
  return make("div", {},
    make("div", { class: "shares", "aria-hidden": "true" }, rest, part),
    make("p", { class: "muted" }, `${share(found.events ? found.late / found.events : 0)} came late: ${number(found.late)} of ${number(found.events)} events in ${number(found.intervals)} intervals that were read in time and again`));
}

/** The calendar of one API: days across, twelve intervals down, events a day above. */
export function calendar(api, start, choose) {
  const days = api.cells.length / 12;
  const grid = make("div", { class: "grid", role: "grid", "aria-label": `${api.title}: days across, two-hour intervals down`, "data-api": api.name });
  grid.style.setProperty("--days", days);
  grid.append(...chart(api, start, days), make("div", { role: "row" },
    make("span", { role: "columnheader", class: "hour" }, "UTC"),
    each(days, (day) => {
      const at = new Date(start + day * DAY * 1000);
      const first = at.getUTCDate() === 1 || (day === 0 && at.getUTCDate() < 29);
      return make("span", {
        role: "columnheader", class: at.getUTCDay() === 1 ? "day monday" : "day", title: at.toISOString().slice(0, 10),
        "data-month": first && at.toLocaleString("en", { month: "short", timeZone: "UTC" }),
      }, String(at.getUTCDate()));
    })));
  for (let row = 0; row < 12; row += 1) {
    const hour = `${String(2 * row).padStart(2, "0")}:00`;
    grid.append(make("div", { role: "row" },
      make("span", { role: "rowheader", class: "hour" }, hour),
      each(days, (day) => cell(api, start, 12 * day + row, choose))));
  }
  grid.addEventListener("keydown", move);
  const first = [...grid.querySelectorAll("button")].filter((found) => found.dataset.state !== "none").pop()
    || grid.querySelector("button");
  first.tabIndex = 0;
  return make("article", { class: "calendar" },
    make("h3", {}, api.title, make("span", { class: "counts" }, counted(api.cells))),
    make("div", { class: "scroll" }, grid));
}

const each = (count, made) => Array.from({ length: count }, (_, index) => made(index));

function counted(cells) {
  const counts = new Map();
  for (const [state] of cells) counts.set(state, (counts.get(state) || 0) + 1);
  counts.delete("none");
  const late = cells.reduce((sum, found) => sum + (found[2] || 0), 0);
  const words = [...counts].sort((a, b) => b[1] - a[1]).map(([state, count]) => `${number(count)} ${spoken(state)}`);
  if (late) words.push(`${number(late)} events came late`);
  return words.join(" · ");
}

function chart(api, start, days) {
  const totals = each(days, (day) => api.cells.slice(12 * day, 12 * day + 12)
    .reduce(([events, late], found) => [events + found[1], late + (found[2] || 0)], [0, 0]));
  const most = Math.max(1, ...totals.map(([events]) => events));
  const row = make("div", { role: "row" }, make("span", { role: "rowheader", class: "hour" }, "events"));
  totals.forEach(([events, late], day) => {
    const words = `${new Date(start + day * DAY * 1000).toISOString().slice(0, 10)}: ${number(events)} events, ${number(late)} late`;
    const bar = make("i", {}), above = make("i", { class: "late" });
    bar.style.height = `${(100 * (events - late)) / most}%`;
    above.style.height = `${(100 * late) / most}%`;
    row.append(make("span", { role: "gridcell", class: "events", title: words, "aria-label": words }, above, bar));
  });
  return [row];
}

function cell(api, start, index, choose) {
  const [state, events, late, run] = api.cells[index];
  const at = new Date(start + index * PARTITION);
  const words = [
    `${minute(at)} UTC`, spoken(state), state === "none" ? "" : `${number(events)} events`,
    late ? `${number(late)} late` : "", run ? `run ${run}` : "",
  ].filter(Boolean).join(", ");
  const button = make("button", {
    type: "button", class: "cell", tabindex: "-1", title: words, "aria-label": words,
    "data-state": state, "data-late": late ? "yes" : undefined, "data-run": run || undefined,
    "data-start": at.toISOString().replace(".000", ""), "data-index": index,
    click: () => choose(api.name, at.toISOString().replace(".000", "")),
  });
  return make("span", { role: "gridcell" }, button);
}

/** Arrow keys, Home and End move within a calendar; one cell of each is in the tab order. */
function move(event) {
  const step = { ArrowLeft: -12, ArrowRight: 12, ArrowUp: -1, ArrowDown: 1 }[event.key];
  const from = event.target.closest("button.cell");
  if (!from || (step === undefined && event.key !== "Home" && event.key !== "End")) return;
  event.preventDefault();
  const cells = event.currentTarget.querySelectorAll("button.cell");
  const wanted = event.key === "Home" ? 0 : event.key === "End" ? cells.length - 1 : Number(from.dataset.index) + step;
  const to = event.currentTarget.querySelector(`button[data-index="${wanted}"]`);
  if (!to) return;
  from.tabIndex = -1;
  to.tabIndex = 0;
  to.focus();
}

/** Everything about one interval; `link(dag, run)` leads to a run. */
export function details(title, found, meaning, link) {
  const extra = [
    found.outstanding.length && found.state !== "missing" ? `Sweeps ahead or left out: ${found.outstanding.join(", ")}.` : "",
    found.disagreements ? `Reads that disagreed with an earlier one: ${found.disagreements}.` : "",
  ].filter(Boolean).join(" ");
  return [
    make("h3", {}, `${title}, ${minute(found.start)} to ${minute(found.end).slice(11)} UTC`),
    make("p", { class: "badge" }, make("i", { class: "cell", "data-state": found.state }), spoken(found.state)),
    make("p", { class: "muted" }, meaning, extra ? ` ${extra}` : ""),
    make("p", {}, `${number(found.events)} events in the table, `,
      found.late === null ? "how many of them came late cannot be said." : `${number(found.late)} of them came late.`),
    runs(found.runs, link),
    reads(found.reads, link),
    make("h3", {}, "Read it again from Graph"),
    command(found.commands.graph),
    make("h3", {}, "Load it again from raw, without Graph"),
    command(found.commands.raw),
  ];
}

function runs(found, link) {
  if (!found.length) return make("p", { class: "muted" }, "Airflow has no run for this interval.");
  return make("ul", {}, found.map((run) => make("li", {}, link(run.dag_id, run.run_id, run.dag_id), ` ${run.state}`)));
}

function reads(found, link) {
  if (!found.length) return make("p", { class: "muted" }, "The ledger has no read of it.");
  const heads = ["read at", "kind", "rows", "pages", "added", "changed", "same", "lacked"];
  return make("div", { class: "scroll" }, make("table", {},
    make("caption", { class: "visually-hidden" }, "Reads of this interval"),
    make("thead", {}, make("tr", {}, heads.map((head, index) =>
      make("th", { scope: "col", class: index > 1 ? "number" : undefined }, head)))),
    make("tbody", {}, found.flatMap((read) => read_rows(read, link, heads.length)))));
}

function read_rows(read, link, width) {
  const counts = [read.rows, read.pages, read.added, read.changed, read.unchanged, read.lacked];
  const notes = [
    ...Object.entries(read.surprises).map(([name, events]) => name.endsWith(": null") ? "" : `${name}: no column or does not fit it, ${number(events)} events; kept in _extra`),
    read.events === read.rows ? "" : `its answer had ${number(read.events)} events: ${number(read.distinct)} for the table`
      + Object.entries(read.left_out).map(([why, count]) => count ? `, ${number(count)} ${why}` : "").join(""),
    read.left_out.rejects ? `${number(read.left_out.rejects)} rows without a usable id or time; kept in raw` : "",
    read.past_retention ? "asked after Graph had begun to forget" : "",
    read.of_changes ? `what has changed in ${read.window}` : "",
  ].filter(Boolean);
  return [
    make("tr", {},
      make("td", {}, read.dag_id ? link(read.dag_id, read.run_id, minute(read.read_at)) : minute(read.read_at)),
      make("td", {}, read.kind.replace("_", " ")),
      counts.map((count) => make("td", { class: "number" }, number(count)))),
    ...notes.map((note) => make("tr", {}, make("td", { colspan: width, class: "muted" }, note))),
  ];
}
