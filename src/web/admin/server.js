// The server itself: figures, latency, counters, and the configuration that holds.

import { showPairs } from "./actors.js";
import { get } from "./api.js";
import { make, problemPlace, setAttribute, setText, showProblem } from "./dom.js";
import { Figures } from "./figures.js";
import { bytes, count, length, micros, orNone, rate } from "./format.js";
import { Table, text } from "./table.js";
import { STATES } from "./words.js";

export class ServerView {
  title = "Server";
  #context;

  constructor(context) {
    this.#context = context;
    this.figures = new Figures();
    this.apps = new Table({ caption: "crSockets by app and role", columns: appColumns(), keyOf: ({ app, role }) => `${role} ${app}` });
    this.counters = new Table({ caption: "Counters that are not zero", columns: counterColumns(), keyOf: ({ family, reason }) => `${family} ${reason}` });
    this.latency = make("dl", { class: "pairs" });
    this.sessions = make("dl", { class: "pairs" });
    this.config = make("pre", { tabindex: "0", "aria-label": "Configuration" });
    this.problem = problemPlace();
    this.noApps = make("p", { class: "soft" }, "No crSocket is hosted here.");
    this.element = make(
      "div",
      { class: "view" },
      make("h1", { class: "hidden-visually" }, "Server"),
      this.figures.element,
      card("crSockets by app", make("div", { class: "table" }, this.apps.element), this.noApps),
      make(
        "div",
        { class: "columns" },
        make("div", { class: "column" }, card("Counters", make("p", { class: "soft" }, "Since the start; those that are zero are left out."), make("div", { class: "table" }, this.counters.element)), card("Configuration", make("p", { class: "soft" }, "What holds. Secrets are masked."), this.problem, this.config)),
        make("div", { class: "column" }, card("Latency of routing", make("p", { class: "soft" }, "From accepted to written, the last minute or so."), this.latency), card("Sessions", this.sessions)),
      ),
    );
    this.subscribe();
    if (context.stats !== null) {
      this.stats(context.stats);
    }
    this.refresh();
  }

  update() {}

  subscribe() {
    this.#context.live.subscribe({ subscribe: ["stats"] });
  }

  stats(stats) {
    this.figures.show(stats);
    const apps = byApp(stats.sockets.byApp);
    this.apps.show(apps, false);
    this.apps.element.hidden = apps.length === 0;
    this.noApps.hidden = apps.length > 0;
    const sorted = [...stats.counters].sort((one, other) => `${one.family} ${one.reason}`.localeCompare(`${other.family} ${other.reason}`));
    this.counters.show(sorted, true);
    showPairs(this.latency, latencyOf(stats));
    showPairs(this.sessions, sessionsOf(stats.sessions));
  }

  async refresh() {
    try {
      const { toml } = await get("config");
      setText(this.config, toml);
      showProblem(this.problem, null);
    } catch (error) {
      if (error.status !== 0 && error.status !== 401) {
        showProblem(this.problem, error);
      }
    }
  }

  stop() {}
}

const card = (title, ...content) => make("section", { class: "card", "aria-label": title }, make("h2", {}, title), ...content);

/** One row for each app and role, with the counts of all states. */
function byApp(counts) {
  const rows = new Map();
  for (const { app, role, state, count: number } of counts) {
    const key = `${role} ${app}`;
    const row = rows.get(key) ?? { app, role, total: 0 };
    row[state] = number;
    row.total += number;
    rows.set(key, row);
  }
  return [...rows.values()].sort((one, other) => one.app.localeCompare(other.app) || one.role.localeCompare(other.role));
}

function appColumns() {
  const states = STATES.map((state) => ({ label: state, show: text((row) => count(row[state] ?? 0)), class: "number", isMarked: true }));
  return [
    { label: "App", show: text(({ app }) => app), class: "key app" },
    { label: "Role", show: text(({ role }) => role), class: "role" },
    ...states,
    { label: "all", show: text(({ total }) => count(total)), class: "number" },
  ];
}

function counterColumns() {
  return [
    { label: "Counter", show: text(({ family }) => family.replaceAll("_", " ")), class: "key" },
    { label: "Reason", show: text(({ reason }) => orNone(reason)) },
    { label: "Count", show: text((row) => count(row.count)), class: "number" },
    { label: "A second", show: showRate, class: "number" },
  ];
}

function showRate(cell, { family, perSecond }) {
  setText(cell, rate(perSecond));
  setAttribute(cell, "data-tone", perSecond > 0 && family.includes("dropped") ? "stop" : null);
}

function latencyOf({ latency, latestTimerMs }) {
  const isKnown = latency.count > 0;
  const names = { p50Us: "p50", p90Us: "p90", p99Us: "p99", p999Us: "p99.9", maxUs: "longest" };
  const figures = Object.entries(names).map(([key, name]) => [name, isKnown ? micros(latency[key]) : "–"]);
  return [["measured", count(latency.count)], ...figures, ["latest timer", latestTimerMs < 1 ? "0 ms late" : latestTimerMs < 1_000 ? `${Math.round(latestTimerMs)} ms late` : `${length(latestTimerMs)} late`]];
}

function sessionsOf(sessions) {
  return [
    ["all", count(sessions.total)],
    ["hosted here", count(sessions.hosted)],
    ["reserved", count(sessions.reserved)],
    ["ending", count(sessions.endings)],
    ["streams", count(sessions.streams)],
    ["waiting output", bytes(sessions.outputBytes)],
    ["lines", bytes(sessions.lineBytes)],
  ];
}
