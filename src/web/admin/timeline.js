// What happened to one crSocket, with times, the newest first.

import { make, setText } from "./dom.js";
import { exactTime } from "./format.js";
import { TONES, named } from "./words.js";

const KEPT = 500;
/** As many as the API gives at once: where these do not reach what is known, some are missing. */
const RECENT = 100;

export class Timeline {
  #items = [];
  #params = new Map();
  #shown = "";
  #list = make("ol", { class: "timeline", tabindex: "0", "aria-label": "Timeline, the newest first", hidden: true });
  #lead = make("p", { class: "soft" });

  /** @param wantParams is told whether the params of events are to be shown. */
  constructor(wantParams) {
    this.withParams = make("input", { type: "checkbox", onchange: () => wantParams(this.withParams.checked) });
    this.note = make("p", { class: "soft", role: "status" });
    this.element = make(
      "section",
      { class: "card timeline-card", "aria-labelledby": "timeline-title" },
      make(
        "div",
        { class: "heading" },
        make("h2", { id: "timeline-title" }, "Timeline"),
        make("span", { class: "checks" }, make("label", {}, this.withParams, "params")),
      ),
      this.#lead,
      this.note,
      this.#list,
    );
  }

  /** @param recent what the API knows, the oldest first. */
  show(recent) {
    if (recent.length > 0) {
      const begin = recent[0].at;
      const before = this.#items.filter(({ at }) => at < begin);
      const isTorn = before.length > 0 && recent.length >= RECENT && !this.#items.some(({ at }) => at >= begin);
      this.#items = [...before, ...(isTorn ? [{ at: begin, what: "gap" }] : []), ...recent].slice(-KEPT);
    }
    this.#draw();
  }

  /** Events as they come, which alone carry params. */
  events(events) {
    for (const { at, direction, eventType, params } of events) {
      if (params) {
        this.#params.set(`${at} ${direction} ${eventType}`, params);
      }
    }
    const over = this.#params.size - KEPT;
    [...this.#params.keys()].slice(0, Math.max(0, over)).forEach((key) => this.#params.delete(key));
  }

  /** Something about what is shown, such as what was left out. */
  say(words) {
    setText(this.note, words);
  }

  #draw() {
    const items = this.#items;
    const last = items.at(-1);
    const shown = [items.length, last?.at, last?.what, items[0]?.at, this.withParams.checked, this.#params.size].join();
    if (shown === this.#shown) {
      return;
    }
    this.#shown = shown;
    setText(this.#lead, items.length > 0 ? "The newest first. Pings are only counted." : "Nothing that the server remembers: it keeps what happened last in all crSockets. Pings are only counted.");
    this.#list.hidden = items.length === 0;
    const { scrollTop } = this.#list;
    this.#list.replaceChildren(...[...items].reverse().map((item) => this.#row(item)));
    this.#list.scrollTop = scrollTop;
  }

  #row(item) {
    const { what, eventType } = item;
    const row = make("li", { "data-what": what }, make("time", {}, exactTime(item.at)));
    if (what === "transition") {
      const to = make("span", { class: "badge", "data-tone": TONES[item.to.state] }, item.to.state);
      row.append(make("span", {}, to, item.to.subState ? ` ${item.to.subState}` : "", make("span", { class: "soft" }, ` from ${named(item.from)}`)));
    } else if (what === "sent" || what === "received") {
      row.append(make("span", {}, make("span", { class: "way", "aria-hidden": "true" }, what === "sent" ? "→" : "←"), `${what} `, make("b", {}, eventType), this.#paramsOf(item)));
    } else {
      row.append(make("span", {}, what === "gap" ? "… some were left out …" : what));
    }
    return row;
  }

  #paramsOf({ at, what, eventType }) {
    const params = this.withParams.checked ? this.#params.get(`${at} ${what === "sent" ? "out" : "in"} ${eventType}`) : undefined;
    return params === undefined || params.length === 0 ? null : make("code", {}, params.join(", "));
  }
}
