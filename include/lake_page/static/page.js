// Asks the server, keeps what is chosen, and fits into the Airflow UI around this page.

import { attention, calendar, card, details, minute } from "./draw.js";

const EVERY = 60_000;
const at = (id) => document.getElementById(id);
const base = location.pathname.replace(/\/lake\/?$/, "");
const state = { overview: null, shown: null, tenant: null, until: null, chosen: null };

/** The Airflow page around this one; null where the page was opened by itself. */
function surroundings() {
  try {
    return window.parent !== window && window.parent.document ? window.parent : null;
  } catch {
    return null;
  }
}
const around = surroundings();

/** Dark or light, font and colours as Airflow has them now. */
function dress() {
  const root = document.documentElement;
  const chosen = localStorage.getItem("theme");
  const dark = around
    ? around.document.documentElement.classList.contains("dark")
    : chosen === "dark" || (chosen !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
  root.classList.toggle("dark", dark);
  if (!around) return;
  const theirs = around.getComputedStyle(around.document.documentElement);
  const same = { bg: "bg", subtle: "bg-subtle", "muted-bg": "bg-muted", fg: "fg", muted: "fg-muted", border: "border", strong: "border-emphasized" };
  for (const [ours, name] of Object.entries(same)) {
    const value = theirs.getPropertyValue(`--chakra-colors-${name}`).trim();
    if (value) root.style.setProperty(`--${ours}`, value);
  }
  document.body.style.fontFamily = around.getComputedStyle(around.document.body).fontFamily;
}

/** A link to a run. Airflow shows this page in a frame that may not navigate, so its page does. */
function link(dag, run, text) {
  const href = `${base}/dags/${encodeURIComponent(dag)}/runs/${encodeURIComponent(run)}`;
  const made = document.createElement("a");
  made.href = href;
  made.textContent = text;
  made.addEventListener("click", (event) => {
    if (!around) return;
    event.preventDefault();
    const theirs = around.document.createElement("a");
    theirs.href = href;
    around.document.body.append(theirs);
    theirs.click();
    theirs.remove();
  });
  return made;
}

/** The answer of one of our routes; its own sentence as an error if it has none. */
async function ask(path, question = {}) {
  const asked = new URLSearchParams(Object.entries(question).filter(([, value]) => value));
  const answer = await fetch(`${path}?${asked}`, { credentials: "same-origin" });
  if (answer.ok) return answer.json();
  const told = await answer.json().catch(() => ({}));
  const sentence = typeof told.detail === "string" ? told.detail : `Airflow answered with ${answer.status}.`;
  throw new Error(answer.status === 401 ? "You are not logged in any more: reload the page." : sentence);
}

/** Do it, and show why it could not be done. */
async function attempt(doing) {
  document.body.setAttribute("aria-busy", "true");
  try {
    await doing();
    at("trouble").hidden = true;
  } catch (error) {
    at("trouble").textContent = error.message;
    at("trouble").hidden = false;
  }
  document.body.removeAttribute("aria-busy");
}

async function load() {
  const overview = await ask("overview", { tenant: state.tenant });
  state.overview = overview;
  state.tenant = overview.tenant;
  const newest = overview.calendar;
  state.shown = state.until ? await ask("calendar", { tenant: state.tenant, until: state.until }) : newest;
  at("about").textContent = `${overview.lake} · as of ${minute(overview.now)} UTC`;
  tenants(overview);
  at("attention").replaceChildren(...attention(overview.status, show));
  at("status").replaceChildren(...overview.status.map((api, index) => card(api, newest.apis[index])));
  draw();
}

function tenants({ tenants: all, tenant }) {
  at("tenant-choice").hidden = all.length < 2;
  at("tenant").replaceChildren(...all.map((name) => new Option(name, name, false, name === tenant)));
}

function draw() {
  const start = Date.parse(state.shown.start);
  const last = new Date(Date.parse(state.shown.end) - 86_400_000).toISOString().slice(0, 10);
  at("days").textContent = `${state.shown.start.slice(0, 10)} to ${last}`;
  at("until").value = last;
  at("newer").disabled = !state.until;
  const focused = document.activeElement?.dataset?.start && [document.activeElement.closest(".grid").dataset.api, document.activeElement.dataset.start];
  at("calendars").replaceChildren(...state.shown.apis.map((api) => calendar(api, start, choose)));
  for (const scroll of document.querySelectorAll("#calendars .scroll")) scroll.scrollLeft = scroll.scrollWidth;
  mark();
  if (focused) cell(...focused)?.focus();
}

const cell = (api, start) => document.querySelector(`.grid[data-api="${CSS.escape(api)}"] button[data-start="${CSS.escape(start)}"]`);

function mark() {
  for (const old of document.querySelectorAll(".cell[aria-pressed]")) old.removeAttribute("aria-pressed");
  if (state.chosen) cell(...state.chosen)?.setAttribute("aria-pressed", "true");
}

function choose(api, start) {
  state.chosen = [api, start];
  mark();
  return attempt(tell);
}

/** The details of the chosen interval. */
async function tell() {
  const [api, start] = state.chosen;
  const found = await ask("interval", { tenant: state.tenant, api, start });
  const { title } = state.shown.apis.find(({ name }) => name === api);
  const meaning = document.querySelector(`#legend dt[data-state="${found.state}"] + dd`)?.textContent ?? "";
  at("details").replaceChildren(...details(title, found, meaning, link));
}

/** Choose an interval from the list above: show its days, move there. */
function show(api, start) {
  return attempt(async () => {
    if (start < state.shown.start || start >= state.shown.end) await turn(start.slice(0, 10));
    state.chosen = [api, start];
    mark();
    cell(api, start)?.focus();
    await tell();
  });
}

/** Show the days up to `until`; null means today, which moves on by itself. */
async function turn(until) {
  const today = state.overview.now.slice(0, 10);
  state.until = until && until < today ? until : null;
  state.shown = state.until ? await ask("calendar", { tenant: state.tenant, until }) : state.overview.calendar;
  draw();
}

function days(by) {
  const until = new Date(Date.parse(`${at("until").value}T00:00:00Z`) + by * 86_400_000);
  return until.toISOString().slice(0, 10);
}

at("older").addEventListener("click", () => attempt(() => turn(days(-30))));
at("newer").addEventListener("click", () => attempt(() => turn(days(30))));
at("until").addEventListener("change", () => attempt(() => turn(at("until").value || null)));
at("tenant").addEventListener("change", () => { state.tenant = at("tenant").value; state.chosen = null; attempt(load); });
setInterval(() => { if (!document.hidden) attempt(load); }, EVERY);

dress();
if (around) new MutationObserver(dress).observe(around.document.documentElement, { attributeFilter: ["class", "style"] });
addEventListener("storage", dress);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", dress);
attempt(load);
