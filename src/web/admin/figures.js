// The headline figures.

import { make, setAttribute, setText } from "./dom.js";
import { bytes, count, length, micros, rate } from "./format.js";

/** Each: name, figure, and a line below; a tone where it deserves a look. */
const FIGURES = [
  {
    name: "crSockets",
    figure: ({ sockets }) => count(sockets.total),
    note: ({ sockets }) => (sockets.total === 0 ? "none hosted" : `${count(sockets.byState.interacting)} interacting`),
  },
  {
    name: "Sessions",
    figure: ({ sessions }) => count(sessions.total),
    note: ({ sessions }) => `${count(Math.max(0, sessions.total - sessions.hosted))} from outside`,
  },
  {
    name: "Events / s",
    figure: ({ rates }) => rate(rates.eventsAccepted),
    note: ({ rates }) => `${rate(rates.transitions)} changes / s`,
  },
  {
    name: "Drops / s",
    figure: ({ rates }) => rate(rates.eventsDropped),
    note: (stats) => dropsNow(stats).map(({ reason }) => reason)[0] ?? "none now",
    tone: ({ rates }) => (rates.eventsDropped > 0 ? "stop" : null),
  },
  {
    name: "Latency p50",
    figure: ({ latency }) => (latency.count ? micros(latency.p50Us) : "–"),
    note: ({ latency }) => `p99 ${latency.count ? micros(latency.p99Us) : "–"}`,
  },
  {
    name: "Memory",
    figure: ({ process }) => bytes(process.memoryBytes),
    note: ({ process }) => `${count(process.openFiles)} open files`,
  },
  {
    name: "CPU of a core",
    figure: ({ process }) => percent(process.cpuCores),
    note: ({ process }) => `${count(process.threads)} threads`,
  },
  {
    name: "Up",
    figure: ({ uptimeMs }) => length(uptimeMs),
    note: ({ version }) => `version ${version}`,
  },
];

const percent = (cores) => (cores === null || cores === undefined ? "–" : `${(cores * 100).toFixed(cores < 0.1 ? 1 : 0)} %`);

/** What is dropped right now, the most first: `{ reason, perSecond }`. */
export function dropsNow(stats) {
  return stats.counters
    .filter(({ family, perSecond }) => family === "events_dropped" && perSecond > 0)
    .sort((one, other) => other.perSecond - one.perSecond)
    .map(({ reason, perSecond }) => ({ reason: reason || "no reason given", perSecond }));
}

export class Figures {
  #tiles = FIGURES.map(({ name }) => {
    const [figure, note] = [make("dd", { class: "figure" }, "–"), make("dd", { class: "note" }, "\u00a0")];
    return { figure, note, tile: make("div", {}, make("dt", {}, name), figure, note) };
  });

  constructor() {
    this.element = make("section", { "aria-label": "Figures" }, make("dl", { class: "figures" }, this.#tiles.map(({ tile }) => tile)));
  }

  show(stats) {
    FIGURES.forEach(({ figure, note, tone }, place) => {
      const tile = this.#tiles[place];
      setText(tile.figure, figure(stats));
      setText(tile.note, note(stats));
      setAttribute(tile.tile, "data-tone", tone?.(stats) ?? null);
    });
  }
}
