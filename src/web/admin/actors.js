// The three actors of one crSocket: states, queues, timers, events by type.

import { make, setAttribute, setText } from "./dom.js";
import { count, exactTime, length, orNone, shortLength } from "./format.js";
import { TONES } from "./words.js";

const RECEIVER_TONES = { open: "good", opening: "wait", closing: "wait", closed: "off", aborted: "stop" };
const SENDER_TONES = { ready: "good", notReady: "stop", partnerRejected: "stop" };
const ACTORS = { crSocket: "crSocket", eventReceiver: "eventReceiver", eventSender: "eventSender" };
const EVENT_TYPES = ["ping", "inactive", "unassign", "reject", "alive", "close", "other"];

export class Actors {
  #boxes = new Map();
  #timers = [];

  constructor() {
    const boxes = Object.entries(ACTORS).map(([name, label]) => this.#box(name, label));
    this.element = make("section", { class: "card", "aria-labelledby": "actors-title" }, make("h2", { id: "actors-title" }, "Actors"), make("div", { class: "actors" }, boxes));
  }

  #box(name, label) {
    const [badge, subState, facts, timers] = [make("span", { class: "badge" }), make("p", { class: "sub-state" }), make("dl", {}), make("ul", { class: "timers" })];
    this.#boxes.set(name, { badge, subState, facts, timers });
    return make("div", { class: "actor" }, make("h3", {}, label), badge, subState, facts, timers);
  }

  show(socket) {
    const { receiver, sender, rejection } = socket;
    this.#showActor("crSocket", TONES[socket.state], socket, [
      ["metastates", socket.metastates.join(", ") || "–"],
      ["resets", count(socket.resets)],
    ]);
    this.#showActor("eventReceiver", RECEIVER_TONES[receiver.state], receiver, [
      ...streamFacts(receiver.stream),
    ]);
    this.#showActor("eventSender", SENDER_TONES[sender.state], sender, [
      ["queued", count(sender.queued)],
      ["buffered", count(sender.buffered)],
      ["in line", count(sender.inLine)],
      ["awaits answer", sender.awaitsAnswer ? "yes" : "no"],
      ...(rejection === null ? [] : [["rejected by", `${rejection.by ?? "the server"}: ${rejection.reason}`]]),
    ]);
    this.#showTimers(socket.timers);
  }

  #showActor(name, tone, { state, subState }, facts) {
    const box = this.#boxes.get(name);
    setText(box.badge, state);
    setText(box.subState, subState);
    setAttribute(box.badge, "data-tone", tone ?? "off");
    showPairs(box.facts, facts);
  }

  #showTimers(timers) {
    const now = performance.now();
    this.#timers = timers.map(({ actor, timer, dueInMs }) => ({ actor, timer, dueAt: now + dueInMs, place: make("span", { class: "due" }) }));
    for (const [name, box] of this.#boxes) {
      const own = this.#timers.filter(({ actor }) => actor === name);
      box.timers.replaceChildren(...own.map(({ timer, place }) => make("li", {}, make("span", {}, timer), place)));
    }
    this.tick();
  }

  /** Counts the timers down. */
  tick() {
    const now = performance.now();
    for (const { dueAt, place } of this.#timers) {
      setText(place, dueAt <= now ? "due" : `in ${shortLength(dueAt - now)}`);
    }
  }
}

/** What is known of a stream: no clientId and no age while nothing tells them. */
function streamFacts(stream) {
  if (!stream) {
    return [["stream", "none"]];
  }
  const known = [["clientId", stream.clientId], ["pid", stream.pid], ["open for", stream.sinceMs && length(stream.sinceMs)]];
  return known.filter(([, value]) => value).map(([name, value]) => [name, orNone(value)]);
}

/** Names and values of a list; its elements stay where only values change. */
export function showPairs(list, pairs) {
  const names = pairs.map(([name]) => name).join();
  if (list.dataset.names !== names) {
    list.dataset.names = names;
    list.replaceChildren(...pairs.map(([name]) => make("div", {}, make("dt", {}, name), make("dd"))));
  }
  pairs.forEach(([, value], place) => setText(list.children[place].lastChild, value));
}

export class Counters {
  #cells = new Map();

  constructor() {
    const rows = EVENT_TYPES.map((type) => {
      const cells = ["out", "in"].map((way) => make("td", { class: "number", "data-way": way }));
      this.#cells.set(type, cells);
      return make("tr", {}, make("th", { scope: "row" }, type), cells);
    });
    const head = make("tr", {}, ["Type", "Out", "In"].map((label, place) => make("th", { scope: "col", class: place > 0 ? "number" : null }, label)));
    this.error = make("p", { class: "last-error" });
    this.element = make(
      "section",
      { class: "card", "aria-labelledby": "counters-title" },
      make("h2", { id: "counters-title" }, "Events by type"),
      make("table", { class: "plain" }, make("caption", { class: "hidden-visually" }, "Events by type, out and in"), make("thead", {}, head), make("tbody", {}, rows)),
      make("h3", {}, "Last error"),
      this.error,
    );
  }

  show({ eventsByType, lastError }) {
    for (const [type, [out, into]] of this.#cells) {
      setText(out, count(eventsByType.out[type]));
      setText(into, count(eventsByType.in[type]));
    }
    setText(this.error, lastError === null ? "none" : `${exactTime(lastError.at)} ${lastError.what}`);
    setAttribute(this.error, "data-tone", lastError === null ? "off" : "stop");
  }
}
