// The facts of one crSocket, each with what changes it, and a place for what went wrong with that.

import { patch, post } from "./api.js";
import { make, problemPlace, setAttribute, setText, showProblem } from "./dom.js";

const SWITCHES = [
  ["visible", "Visible"],
  ["online", "Online"],
  ["paused", "Paused"],
];

export class Facts {
  #path;
  #changed;
  #switches = new Map();

  /** @param changed is told of the crSocket as it is after a change. */
  constructor(socketId, changed) {
    this.#path = `sockets/${socketId}`;
    this.#changed = changed;
    this.#makeClientId();
    this.#makeAccessToken();
    this.#makePartner();
    this.unloading = make("p", { class: "soft", hidden: true }, "It is going away (unloading).");
    this.element = make(
      "section",
      { class: "card facts", "aria-labelledby": "facts-title" },
      make("h2", { id: "facts-title" }, "Facts"),
      make("div", { class: "switches" }, SWITCHES.map(([name, label]) => this.#switch(name, label))),
      this.unloading,
      this.partner.element,
      this.accessToken.element,
      this.clientId.element,
    );
  }

  #switch(name, label) {
    const problem = problemPlace();
    const button = make("button", { type: "button", class: "switch", role: "switch", "aria-checked": "false", onclick: () => toggle() }, make("i"), label);
    const toggle = () => {
      const wanted = button.getAttribute("aria-checked") !== "true";
      button.setAttribute("aria-checked", String(wanted));
      return this.#change(problem, [button], () => patch(this.#path, { [name]: wanted })).then((isDone) => isDone || button.setAttribute("aria-checked", String(!wanted)));
    };
    this.#switches.set(name, button);
    return make("div", {}, button, problem);
  }

  #makePartner() {
    const input = make("input", { "aria-label": "Partner’s clientId", inputmode: "numeric", maxlength: 6, size: 8, autocomplete: "off", placeholder: "six digits" });
    this.partner = this.#fact("Partner", input, {
      set: ["Assign", () => patch(this.#path, { partnerClientId: input.value.trim() })],
      take: ["Unassign", () => patch(this.#path, { partnerClientId: null })],
    });
  }

  #makeAccessToken() {
    const input = make("input", { "aria-label": "New accessToken", type: "password", size: 12, autocomplete: "off", placeholder: "new token" });
    this.accessToken = this.#fact("accessToken", input, {
      set: ["Set", () => patch(this.#path, { accessToken: input.value })],
      take: ["Take away", () => patch(this.#path, { accessToken: null })],
    });
  }

  #makeClientId() {
    this.clientId = this.#fact("clientId", null, { take: ["Clear", () => post(`${this.#path}/clear-client-id`)] });
  }

  /** One fact: what it is, a field that sets it, and a button that takes it away. */
  #fact(label, input, { set, take }) {
    const [value, problem] = [make("strong", {}), problemPlace()];
    const away = make("button", { type: "button", class: "button small", "aria-label": `${take[0]} ${label}` }, take[0]);
    away.addEventListener("click", () => this.#change(problem, [away], take[1]));
    const parts = [make("div", { class: "fact-value" }, make("span", { class: "soft" }, label), value, away)];
    if (input !== null) {
      const go = make("button", { class: "button small", "aria-label": `${set[0]} ${label}` }, set[0]);
      const submitted = async (event) => {
        event.preventDefault();
        if (input.value.trim() === "") {
          input.focus();
        } else if (await this.#change(problem, [go], set[1])) {
          input.value = "";
        }
      };
      parts.push(make("form", { class: "fact-set", novalidate: true, onsubmit: submitted }, input, go));
    }
    return { value, away, element: make("div", { class: "fact" }, parts, problem) };
  }

  /** Does it, shows what came of it, and tells whether it went well. */
  async #change(problem, controls, act) {
    showProblem(problem, null);
    controls.forEach((control) => control.setAttribute("aria-busy", "true"));
    try {
      this.#changed(await act());
      return true;
    } catch (error) {
      showProblem(problem, error);
      return false;
    } finally {
      controls.forEach((control) => control.removeAttribute("aria-busy"));
    }
  }

  show({ facts }) {
    for (const [name, button] of this.#switches) {
      if (button.getAttribute("aria-busy") === null) {
        setAttribute(button, "aria-checked", String(facts[name]));
      }
    }
    this.unloading.hidden = !facts.unloading;
    showFact(this.partner, facts.partnerClientId, facts.partnerValid);
    showFact(this.accessToken, facts.hasAccessToken ? "set" : null, facts.accessTokenValid);
    showFact(this.clientId, facts.clientId, facts.clientIdValid);
  }
}

function showFact({ value, away }, words, isValid) {
  setText(value, words === null ? "none" : isValid ? words : `${words} (not valid)`);
  setAttribute(value, "data-tone", words === null ? "off" : isValid ? null : "stop");
  away.disabled = words === null;
}
