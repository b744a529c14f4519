// One crSocket: why it is where it is, its facts as switches, its actors, and what happens to it.

import { Actors, Counters } from "./actors.js";
import { get, remove } from "./api.js";
import { confirm } from "./dialog.js";
import { make, problemPlace, setAttribute, setText, showProblem } from "./dom.js";
import { Facts } from "./facts.js";
import { addressOf } from "./filters.js";
import { length } from "./format.js";
import { BRISK, Throttle } from "./live.js";
import { Send } from "./send.js";
import { Timeline } from "./timeline.js";
import { TONES } from "./words.js";

const TICK_MS = 200;

export class SocketView {
  #context;
  #id;
  #socket = null;
  #place = "";
  #wantsParams = false;
  /** Whether it is being removed from here: there will be nothing to read. */
  #isLeaving = false;
  #throttle = new Throttle(() => this.#read(), () => BRISK);
  #ticking = setInterval(() => this.#tick(), TICK_MS);

  constructor(context, _params, id) {
    this.#context = context;
    this.#id = id;
    this.title = `crSocket ${id}`;
    const changed = (socket) => this.#show(socket);
    this.facts = new Facts(id, changed);
    this.actors = new Actors();
    this.counters = new Counters();
    this.send = new Send(id, () => this.#throttle.ask());
    this.timeline = new Timeline((wants) => {
      this.#wantsParams = wants;
      this.timeline.say(wants ? "Params are shown from now on, where the server allows it." : "");
      this.subscribe();
    });
    this.#makeHead();
    const [left, right] = [
      make("div", { class: "column" }, this.facts.element, this.actors.element, this.send.element),
      make("div", { class: "column" }, this.timeline.element, this.counters.element),
    ];
    this.body = make("div", { class: "socket", hidden: true }, this.head, make("div", { class: "columns" }, left, right));
    this.gone = make("section", { class: "card empty", hidden: true });
    this.element = make("div", { class: "view" }, make("p", { class: "trail" }, make("a", { href: "#/" }, "← All crSockets")), this.gone, this.problem, this.body);
    this.subscribe();
    this.refresh();
  }

  #makeHead() {
    this.problem = problemPlace();
    this.heading = make("h1", {});
    this.badge = make("span", { class: "badge large" });
    this.subState = make("span", { class: "sub-state" });
    this.since = make("span", { class: "soft" });
    this.why = make("p", { class: "sentence" });
    this.explain = make("a", { class: "button small" }, "Explain this pair");
    this.partner = make("a", { class: "button small" });
    const away = make("button", { type: "button", class: "button small danger", onclick: () => this.#remove() }, "Remove");
    this.head = make(
      "section",
      { class: "card head" },
      make("div", { class: "heading" }, this.heading, make("div", { class: "buttons" }, this.partner, this.explain, away)),
      make("p", { class: "standing" }, make("span", { role: "status" }, this.badge, " ", this.subState), this.since),
      this.why,
    );
  }

  update() {}

  subscribe() {
    this.#context.live.subscribe({ subscribe: ["stats", "transitions", "events"], socketId: Number(this.#id), ...(this.#wantsParams && { params: true }) });
  }

  stats() {
    this.#throttle.ask();
  }

  transitions() {
    this.#throttle.ask();
  }

  events({ items }) {
    this.timeline.events(items);
    this.#throttle.ask();
  }

  lagged({ missed }) {
    this.timeline.say(`${missed} were left out here: too many at once.`);
  }

  error({ detail }) {
    if (this.#wantsParams) {
      // They are not allowed: what was asked for together with them is asked for without.
      this.#wantsParams = false;
      this.timeline.withParams.checked = false;
      this.subscribe();
    }
    this.timeline.say(detail);
  }

  refresh() {
    this.#throttle.now();
  }

  stop() {
    clearInterval(this.#ticking);
    this.#throttle.stop();
  }

  async #read() {
    if (this.#isLeaving) {
      return;
    }
    try {
      const socket = await get(`sockets/${encodeURIComponent(this.#id)}`);
      showProblem(this.problem, null);
      this.#show(socket);
    } catch (error) {
      this.#failed(error);
    }
  }

  #failed(error) {
    if (error.status === 404) {
      this.#showGone(`There is no crSocket ${this.#id} here.`, "It was removed, or the server was started anew: socketIds are given anew at each start.");
    } else if (error.status !== 0 && error.status !== 401) {
      showProblem(this.problem, error);
    }
  }

  #showGone(title, text) {
    this.body.hidden = true;
    this.gone.hidden = false;
    this.gone.replaceChildren(make("h1", {}, title), make("p", {}, text), make("p", {}, make("a", { href: "#/" }, "All crSockets")));
  }

  #show(socket) {
    this.#socket = socket;
    this.body.hidden = false;
    this.gone.hidden = true;
    const { clientId, partnerClientId, role, app, state, subState } = socket;
    setText(this.heading, `${role} ${clientId ?? "without clientId"}`);
    setText(this.badge, state);
    setAttribute(this.badge, "data-tone", TONES[state]);
    setText(this.subState, subState ?? "");
    setText(this.why, socket.why);
    setAttribute(this.why, "data-tone", TONES[state]);
    this.#place = `crSocket ${socket.socketId} of app ${app}`;
    this.partner.hidden = !partnerClientId;
    setText(this.partner, `Partner ${partnerClientId}`);
    setAttribute(this.partner, "href", addressOf("/", { clientId: partnerClientId }));
    this.explain.hidden = !clientId || !partnerClientId;
    if (!this.explain.hidden) {
      const [controller, responder] = role === "controller" ? [clientId, partnerClientId] : [partnerClientId, clientId];
      setAttribute(this.explain, "href", addressOf("/explain", { controller, responder }));
    }
    this.facts.show(socket);
    this.actors.show(socket);
    this.counters.show(socket);
    this.timeline.show(socket.recent);
    this.#tick();
  }

  #tick() {
    if (this.#socket !== null) {
      setText(this.since, `for ${length(this.#context.clock() - this.#socket.since)} · ${this.#place}`);
      this.actors.tick();
    }
  }

  #remove() {
    confirm({
      title: `Remove crSocket ${this.#id}?`,
      text: "It says goodbye to its partner and is gone. This cannot be undone.",
      word: "Remove",
      act: async () => {
        this.#isLeaving = true;
        try {
          await remove(`sockets/${encodeURIComponent(this.#id)}`);
          location.hash = "#/";
        } catch (error) {
          this.#isLeaving = false;
          throw error;
        }
      },
    });
  }
}
