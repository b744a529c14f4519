// What stands in the way, at a glance: the crSockets that have been waiting longest, and what is wrong with the server.

import { get } from "./api.js";
import { make, setText } from "./dom.js";
import { dropsNow } from "./figures.js";
import { count, length, rate } from "./format.js";
import { Throttle } from "./live.js";
import { TONES, waitsFor } from "./words.js";

const SHOWN = 6;
/** Timers that are later than this mean that the machine does not keep up. */
const LATE_MS = 500;

export class Obstacles {
  #clock;
  #stats = null;
  #waiting = [];
  #throttle;
  #list = make("ul", { class: "obstacles" });
  #note = make("p", { class: "soft" });

  constructor({ clock, pace }) {
    this.#clock = clock;
    this.#throttle = new Throttle(() => this.#read(), pace);
    this.element = make("section", { class: "card", "aria-labelledby": "obstacles-title" }, make("h2", { id: "obstacles-title" }, "What stands in the way"), this.#list, this.#note);
  }

  show(stats) {
    this.#stats = stats;
    this.#draw();
  }

  refresh() {
    this.#throttle.ask();
  }

  stop() {
    this.#throttle.stop();
  }

  async #read() {
    const { passive = 0, interacting = 0 } = this.#stats?.sockets.byState ?? {};
    const active = (this.#stats?.sockets.total ?? 0) - passive;
    try {
      // Those that are passive last: that is often meant.
      const waiting = active > interacting ? await longest({ metastate: "active", state: "!interacting" }, SHOWN) : [];
      const away = passive > 0 && waiting.length < SHOWN ? await longest({ state: "passive" }, SHOWN - waiting.length) : [];
      this.#waiting = [...waiting, ...away];
      this.#draw();
    } catch {
      // The page says as a whole that the server cannot be reached; what was read last stays.
    }
  }

  #draw() {
    const stats = this.#stats;
    if (stats === null) {
      return;
    }
    const { total, byState } = stats.sockets;
    const items = [...this.#troubles(stats), ...this.#waiting.map((socket) => this.#item(socket))];
    const focused = this.#list.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
    this.#list.replaceChildren(...items);
    if (focused !== null) {
      [...this.#list.querySelectorAll("a")].find((anchor) => anchor.getAttribute("href") === focused)?.focus({ preventScroll: true });
    }
    setText(this.#note, noteOn(total, total - (byState.interacting ?? 0), this.#waiting.length, items.length));
  }

  #troubles(stats) {
    const drops = dropsNow(stats).map(({ reason, perSecond }) => trouble(`${rate(perSecond)} events a second are dropped: ${reason}`));
    const late = stats.latestTimerMs > LATE_MS ? [trouble(`Timers are up to ${length(stats.latestTimerMs)} late: the machine does not keep up.`)] : [];
    return [...late, ...drops];
  }

  #item(socket) {
    const who = make("a", { href: `#/sockets/${socket.socketId}` }, `${socket.role} ${socket.clientId ?? `#${socket.socketId}`}`);
    const since = make("span", { class: "soft since" }, length(this.#clock() - socket.since));
    return make("li", { "data-tone": TONES[socket.state] }, who, make("span", { class: "what" }, `${socket.state}: ${waitsFor(socket)}`), since);
  }
}

const trouble = (words) => make("li", { "data-tone": "stop" }, make("a", { href: "#/server" }, words));

/** Those that have been in their state longest. */
const longest = async (filter, limit) => (await get("sockets", { ...filter, sort: "since", order: "asc", limit })).sockets;

function noteOn(total, waiting, shown, items) {
  if (total === 0) {
    return items > 0 ? "" : "Nothing: no crSocket is hosted here yet.";
  }
  if (waiting === 0) {
    return items > 0 ? "" : `Nothing: all ${count(total)} crSockets interact.`;
  }
  return waiting > shown && shown > 0 ? `The longest of ${count(waiting)} that do not interact.` : "";
}
