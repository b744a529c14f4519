// What stands between any two clientIds and interacting.

import { showPairs } from "./actors.js";
import { get } from "./api.js";
import { field, make, problemPlace, setAttribute, setText, showProblem } from "./dom.js";
import { addressOf } from "./filters.js";
import { count, length, orNone, shortLength } from "./format.js";
import { BRISK, Throttle } from "./live.js";

const CLIENT_ID = /^\d{6}$/;

export class ExplainView {
  title = "Explain";
  #context;
  #params = {};
  #shown = "";
  #throttle = new Throttle(() => this.#read(), () => BRISK);

  constructor(context, params) {
    this.#context = context;
    this.#makeForm();
    this.sentence = make("p", { class: "sentence", role: "status" });
    this.obstacles = make("ol", { class: "reasons" });
    this.sides = { controller: side("Controller"), responder: side("Responder") };
    this.result = make("section", { class: "card", hidden: true, "aria-label": "Answer" }, this.sentence, this.obstacles, make("div", { class: "sides" }, Object.values(this.sides).map(({ element }) => element)));
    this.element = make("div", { class: "view narrow" }, this.form, this.result);
    this.update(params);
  }

  #makeForm() {
    const attributes = { inputmode: "numeric", maxlength: 6, size: 8, autocomplete: "off", placeholder: "six digits" };
    this.controller = make("input", { name: "controller", ...attributes });
    this.responder = make("input", { name: "responder", ...attributes });
    this.problem = problemPlace();
    const swap = () => this.#go(this.responder.value.trim(), this.controller.value.trim());
    const submitted = (event) => {
      event.preventDefault();
      const [controller, responder] = [this.controller, this.responder].map((input) => input.value.trim());
      if (this.#check(controller, responder)) {
        this.#go(controller, responder);
        this.#throttle.now();
      }
    };
    this.form = make(
      "form",
      { class: "card explain", novalidate: true, onsubmit: submitted },
      make("h1", {}, "Why do these two not interact?"),
      make("p", { class: "soft" }, "Any two clientIds, those of browsers too: what stands between them and interacting."),
      make("div", { class: "fields" }, field("Controller", this.controller), make("button", { type: "button", class: "button small", onclick: swap }, "Swap"), field("Responder", this.responder), make("button", { class: "button main small" }, "Explain")),
      this.problem,
    );
  }

  #check(controller, responder) {
    const [isController, isResponder] = [CLIENT_ID.test(controller), CLIENT_ID.test(responder)];
    this.controller.setAttribute("aria-invalid", String(!isController));
    this.responder.setAttribute("aria-invalid", String(!isResponder));
    const missing = isController ? (isResponder ? null : "responder") : "controller";
    showProblem(this.problem, missing === null ? null : `The ${missing}’s clientId, please: six digits.`);
    if (missing !== null) {
      this[missing].focus();
    }
    return missing === null;
  }

  #go(controller, responder) {
    location.hash = addressOf("/explain", { controller, responder });
  }

  update(params) {
    this.#params = params;
    this.controller.value = params.controller ?? "";
    this.responder.value = params.responder ?? "";
    this.result.hidden = true;
    this.subscribe();
    showProblem(this.problem, null);
    if (this.#isWhole()) {
      this.#throttle.now();
    }
  }

  #isWhole() {
    return CLIENT_ID.test(this.#params.controller ?? "") && CLIENT_ID.test(this.#params.responder ?? "");
  }

  subscribe() {
    this.#context.live.subscribe({ subscribe: ["stats"] });
  }

  stats() {
    if (this.#isWhole()) {
      this.#throttle.ask();
    }
  }

  refresh() {
    this.stats();
  }

  stop() {
    this.#throttle.stop();
  }

  async #read() {
    const params = this.#params;
    try {
      const answer = await get("explain", { controller: params.controller, responder: params.responder });
      if (params === this.#params) {
        showProblem(this.problem, null);
        this.#show(answer);
      }
    } catch (error) {
      if (error.status !== 0 && error.status !== 401) {
        this.result.hidden = true;
        showProblem(this.problem, error);
      }
    }
  }

  #show({ interacting, sentence, obstacles, controller, responder }) {
    this.result.hidden = false;
    setText(this.sentence, sentence);
    setAttribute(this.sentence, "data-tone", interacting ? "good" : "stop");
    const shown = JSON.stringify(obstacles);
    if (shown !== this.#shown) {
      this.#shown = shown;
      this.obstacles.replaceChildren(...obstacles.map(({ code, text }) => make("li", {}, make("span", {}, text), make("code", {}, code))));
    }
    this.sides.controller.show(this.#params.controller, controller);
    this.sides.responder.show(this.#params.responder, responder);
  }
}

/** What is known of one of the two. */
function side(role) {
  const [heading, facts] = [make("h2", {}), make("dl", {})];
  const show = (clientId, session) => {
    setText(heading, `${role} ${clientId}`);
    showPairs(facts, session === null ? [["session", "none on this server"]] : factsOf(session));
  };
  return { element: make("div", {}, heading, facts), show };
}

function factsOf(session) {
  if (session.standing === "reserved") {
    return [["session", `none; reserved for ${length(session.reservedForMs)} more`]];
  }
  return [
    ["app", orNone(session.app)],
    ["role", orNone(session.role)],
    ["host", session.hosted ? "this server" : orNone(session.remoteAddress)],
    ["open for", length(session.openForMs)],
    ["silent for", shortLength(session.silentForMs)],
    ["last pinged", session.lastPinged ? `${session.lastPinged.clientId}, ${shortLength(session.lastPinged.agoMs)} ago` : "nobody"],
    ["last reject", session.lastReject ? `by ${session.lastReject.by ?? "the server"}: ${session.lastReject.reason}, ${shortLength(session.lastReject.agoMs)} ago` : "none"],
    ["waiting frames", count(session.queue?.frames ?? 0)],
  ];
}
