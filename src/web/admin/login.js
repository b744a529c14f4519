// The form for the token, where one is needed.

import { login } from "./api.js";
import { field, make, problemPlace, setText, showProblem } from "./dom.js";
import { shortLength } from "./format.js";

export class LoginView {
  title = "Log in";
  #timer = null;

  /** @param entered is told once the token was taken. */
  constructor(entered) {
    this.token = make("input", { name: "token", type: "password", autocomplete: "current-password", required: true });
    this.problem = problemPlace();
    this.go = make("button", { class: "button main" }, "Log in");
    const submitted = (event) => {
      event.preventDefault();
      this.#submit(entered);
    };
    this.element = make(
      "div",
      { class: "view login" },
      make(
        "form",
        { class: "card", novalidate: true, onsubmit: submitted },
        make("h1", {}, "A token is needed"),
        make("p", { class: "soft" }, "It stands in the server’s configuration: ", make("code", {}, "[admin] token"), "."),
        field("Token", this.token),
        this.problem,
        this.go,
      ),
    );
  }

  async #submit(entered) {
    const token = this.token.value;
    if (token === "") {
      showProblem(this.problem, "The token, please.");
      this.token.focus();
      return;
    }
    this.go.disabled = true;
    try {
      await login(token);
      showProblem(this.problem, null);
      entered();
    } catch (error) {
      this.#failed(error);
    }
  }

  #failed(error) {
    this.token.select();
    if (error.status === 429) {
      this.#wait(Date.now() + (error.retryAfterMs ?? 1_000));
      return;
    }
    this.go.disabled = false;
    showProblem(this.problem, error.status === 401 ? "This is not the token of this server." : error);
    this.token.focus();
  }

  /** Says when to try again, and counts down to that. */
  #wait(until) {
    showProblem(this.problem, "Too many wrong tokens. Try again in a moment.");
    clearInterval(this.#timer);
    const show = () => {
      const left = until - Date.now();
      this.go.disabled = left > 0;
      setText(this.go, left > 0 ? `Try again in ${shortLength(Math.ceil(left / 1_000) * 1_000).replace(".0", "")}` : "Log in");
      if (left <= 0) {
        clearInterval(this.#timer);
        showProblem(this.problem, null);
      }
    };
    this.#timer = setInterval(show, 250);
    show();
  }

  stop() {
    clearInterval(this.#timer);
  }
}
