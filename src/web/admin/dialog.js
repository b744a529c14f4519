// Dialogs of the page's own: Escape closes them, and the focus goes back to where it was.

import { make, problemPlace, showProblem } from "./dom.js";

/** Shows a dialog until it is closed; then it is taken away. */
export function open(title, ...content) {
  const heading = make("h2", { id: "dialog-title" }, title);
  const dialog = make("dialog", { "aria-labelledby": "dialog-title" }, heading, ...content);
  const invoker = document.activeElement;
  dialog.addEventListener("close", () => {
    dialog.remove();
    if (invoker?.isConnected) {
      invoker.focus();
    }
  });
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

/**
 * Asks before something that cannot be undone, and does it.
 *
 * @param act is waited for; what goes wrong is shown in the dialog, which stays open then.
 */
export function confirm({ title, text, word, act }) {
  const problem = problemPlace();
  const cancel = make("button", { type: "button", class: "button" }, "Cancel");
  const go = make("button", { type: "button", class: "button danger" }, word);
  const dialog = open(title, make("p", {}, text), problem, make("div", { class: "buttons end" }, cancel, go));
  cancel.addEventListener("click", () => dialog.close());
  go.addEventListener("click", async () => {
    go.disabled = true;
    showProblem(problem, null);
    try {
      await act();
      dialog.close();
    } catch (error) {
      showProblem(problem, error);
      go.disabled = false;
    }
  });
  cancel.focus();
}
