// The start page: opens a controller and a responder that are paired, side by side.

import { freshClientId } from "./pairing.js";
import { byId } from "./page.js";

const both = byId("both");
const note = byId("note");

// On tablets and phones a second window hides the first.
both.hidden = !matchMedia("(hover: hover) and (pointer: fine)").matches;

both.addEventListener("click", async () => {
  const width = Math.floor(screen.availWidth / 2);
  const place = `popup,left=${screen.availWidth - width},top=0,width=${width},height=${screen.availHeight}`;
  // At once: later it would no longer be the click that opens it.
  const other = window.open("", "_blank", place);
  if (other === null) {
    note.textContent = "This browser keeps the second window from opening. Open the two pages above in a window each.";
    return;
  }
  try {
    const responder = await freshClientId();
    other.location.replace(new URL(`responder/?clientId=${responder}`, location.href));
    location.assign(`controller/?partner=${responder}`);
  } catch {
    other.close();
    note.textContent = "The server does not answer. Is it still running?";
  }
});
