// Sends a crEvent as the enclosing client of a crSocket would, and says what became of it.

import { post } from "./api.js";
import { field, make, problemPlace, setText, showProblem } from "./dom.js";
import { timeOfDay } from "./format.js";
import { fate } from "./words.js";

export class Send {
  constructor(socketId, sent) {
    this.type = make("input", { name: "eventType", required: true, autocomplete: "off", spellcheck: "false", size: 14 });
    this.subType = make("input", { name: "eventSubType", autocomplete: "off", spellcheck: "false", size: 14 });
    this.params = make("textarea", { name: "params", rows: 2, spellcheck: "false" });
    this.buffered = make("input", { type: "checkbox", name: "buffered" });
    this.logged = make("input", { type: "checkbox", name: "logged" });
    this.problem = problemPlace();
    this.fate = make("p", { class: "fate", role: "status" });
    const go = make("button", { class: "button main small" }, "Send");
    const submitted = async (event) => {
      event.preventDefault();
      showProblem(this.problem, null);
      go.setAttribute("aria-busy", "true");
      try {
        this.#show(await post(`sockets/${socketId}/events`, this.#body()));
        sent();
      } catch (error) {
        setText(this.fate, "");
        showProblem(this.problem, error);
      } finally {
        go.removeAttribute("aria-busy");
      }
    };
    const form = make(
      "form",
      { novalidate: true, onsubmit: submitted },
      make("div", { class: "fields" }, field("eventType", this.type), field("eventSubType", this.subType, "may be empty")),
      field("Params", this.params, "one a line; none where empty"),
      make("div", { class: "send" }, make("span", { class: "checks" }, make("label", {}, this.buffered, "buffered"), make("label", {}, this.logged, "logged")), go),
      this.problem,
      this.fate,
    );
    this.element = make("section", { class: "card", "aria-labelledby": "send-title" }, make("h2", { id: "send-title" }, "Send a crEvent"), form);
  }

  #body() {
    const eventType = this.type.value.trim();
    this.type.setAttribute("aria-invalid", String(eventType === ""));
    if (eventType === "") {
      this.type.focus();
      throw new Error("An eventType, please: letters and digits.");
    }
    return {
      eventType,
      eventSubType: this.subType.value.trim(),
      buffered: this.buffered.checked,
      logged: this.logged.checked,
      params: this.params.value === "" ? [] : this.params.value.split("\n"),
    };
  }

  #show({ fate: word, why }) {
    const [tone, sentence] = fate(word);
    this.fate.dataset.tone = tone;
    setText(this.fate, `${timeOfDay(Date.now())} ${sentence}${why ? ` Why: ${why}.` : ""}`);
  }
}
