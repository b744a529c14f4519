// The tester's page: pairs with a responder, and runs the task with it.

import { CrSocket } from "../../js/crsocket-client.js";
import { byId, make, pauseSwitch, remedy, setText, showClientId, showRemedies, tellStates } from "../page.js";
import {
  addressesForOthers,
  clientIdIn,
  clientIdParam,
  freshClientId,
  practiceFailure,
  practiceResponder,
  qrSource,
  setParams,
} from "../pairing.js";
import { REMEDIES } from "../words.js";
import { median, reactionTimes, toCsv } from "../task.js";
import { drawPlot } from "./plot.js";
import { Trials } from "./trials.js";

const params = new URLSearchParams(location.search);
let isPractice = params.has("practice");

const socket = new CrSocket({ role: "controller", accessToken: "demo", partnerClientId: clientIdParam("partner") });
const trials = new Trials(socket, () => showTask());

// Pairing

function pairWith(partner, practice = false) {
  isPractice = practice;
  socket.partnerClientId = partner;
  setParams({ ...(partner !== null && { partner }), ...(practice && { practice: "" }) });
  setText(byId("pair-note"), "");
  byId("digits").value = "";
  markDigits("");
  showPairing();
}

function markDigits(problem) {
  setText(byId("digits-note"), problem);
  byId("digits").setAttribute("aria-invalid", String(problem !== ""));
}

function problemWith(digits) {
  const clientId = clientIdIn(digits);
  if (clientId === null) {
    return "Six digits, please: the number that the responder shows.";
  }
  return clientId === socket.clientId ? "This is the number of this controller. The responder shows another one." : "";
}

byId("pair").addEventListener("submit", (event) => {
  event.preventDefault();
  const digits = byId("digits").value;
  const problem = problemWith(digits);
  markDigits(problem);
  if (problem === "") {
    pairWith(clientIdIn(digits));
  } else {
    byId("digits").focus();
  }
});

byId("digits").addEventListener("input", () => {
  const clientId = clientIdIn(byId("digits").value);
  if (clientId !== null) {
    byId("digits").value = clientId;
  }
  markDigits("");
});

function otherPartner() {
  closeQr();
  pairWith(null);
  byId("digits").focus();
}
byId("change").addEventListener("click", otherPartner);

async function practise() {
  byId("practice").disabled = true;
  setText(byId("pair-note"), "Asking for a practice partner …");
  try {
    pairWith(await practiceResponder(), true);
  } catch (error) {
    isPractice = false;
    setParams({});
    setText(byId("pair-note"), practiceFailure(error));
  }
  byId("practice").disabled = false;
}
byId("practice").addEventListener("click", practise);

// QR code

let invited = null;

async function pairByQr() {
  byId("by-qr").disabled = true;
  setText(byId("pair-note"), "");
  try {
    const addresses = await addressesForOthers();
    if (addresses.length > 0) {
      invited = await freshClientId();
      pairWith(invited);
      const choices = addresses.map((address) => make("option", { value: address }, new URL(address).host));
      byId("qr-addresses").replaceChildren(...choices);
      drawQr();
    }
    byId("qr-choice").hidden = addresses.length < 2;
    byId("qr-none").hidden = addresses.length > 0;
    for (const id of ["qr", "qr-address"]) {
      byId(id).hidden = addresses.length === 0;
    }
    byId("qr-title").hidden = addresses.length === 0;
    byId("qr-card").hidden = false;
    byId("qr-close").focus({ preventScroll: true });
    byId("qr-card").scrollIntoView({ block: "nearest" });
  } catch {
    setText(byId("pair-note"), "The server does not answer. Is it still running?");
  }
  byId("by-qr").disabled = false;
}
byId("by-qr").addEventListener("click", pairByQr);

function drawQr() {
  const text = `${byId("qr-addresses").value}responder/?clientId=${invited}`;
  byId("qr").src = qrSource(text);
  byId("qr").alt = `QR code of ${text}`;
  setText(byId("qr-address"), text);
}
byId("qr-addresses").addEventListener("change", drawQr);

function closeQr() {
  byId("qr-card").hidden = true;
}
byId("qr-close").addEventListener("click", closeQr);

// State

function showPairing() {
  const partner = socket.partnerClientId;
  showClientId(byId("own"), socket.clientId);
  showClientId(byId("partner"), partner);
  setText(byId("partner-label"), isPractice ? "Practice partner" : "Its responder");
  byId("paired").hidden = partner === null;
  byId("pair").hidden = partner !== null;
}

function showState(words) {
  byId("state").dataset.tone = words.tone;
  setText(byId("title"), words.title);
  setText(byId("detail"), words.detail);
  const ways = words.remedies.map((way, index) => [REMEDIES[way], () => useRemedy(way), index === 0]);
  if (isPractice && socket.state === "searching") {
    ways.push(["New practice partner", practise, false]);
  }
  showRemedies(byId("remedies"), ways);
  if (socket.state === "interacting" && socket.partnerClientId === invited) {
    closeQr();
  }
  showPairing();
}

function useRemedy(way) {
  if (way === "otherPartner") {
    otherPartner();
  } else {
    remedy(socket, way);
  }
}

// Task

/** What the plot and the table show: made anew they lose the focus. */
let shown = "";

function showTask() {
  const { run, running, auto, next } = trials;
  const can = trials.ready && running === null && !auto;
  const done = run.filter((one) => one.outcome !== "open").length;
  byId("choices").hidden = next === null && (trials.repeatable === null || auto);
  byId("start").hidden = next === null;
  byId("all").hidden = next === null;
  byId("start").disabled = !can;
  byId("all").disabled = !can && !auto;
  setText(byId("start"), `Start trial ${running?.trial ?? next}`);
  setText(byId("all"), auto ? "Stop" : done === 0 ? "Run all ten" : "Run the rest");
  byId("repeat").hidden = trials.repeatable === null || auto;
  byId("repeat").disabled = !can;
  setText(byId("repeat"), `Repeat trial ${trials.repeatable}`);
  byId("intro").hidden = done > 0;
  setText(byId("said"), trials.said);
  const toShow = JSON.stringify([run, running, can]);
  if (shown !== toShow) {
    shown = toShow;
    drawPlot(byId("plot"), run, running?.trial ?? null);
    showResults(run, done, can);
  }
}

function showResults(run, done, can) {
  byId("results").hidden = done === 0;
  if (done === 0) {
    return;
  }
  const times = reactionTimes(run);
  const middle = median(times);
  const counted = `${times.length} of ${run.length} trials`;
  setText(byId("summary"), middle === null ? "No reaction time yet." : `Median ${Math.round(middle)} ms, ${counted}.`);
  byId("rows").replaceChildren(...run.filter((one) => one.outcome !== "open").map((one) => row(one, can)));
  byId("over").disabled = trials.running !== null;
  URL.revokeObjectURL(byId("csv").href);
  byId("csv").href = URL.createObjectURL(new Blob([toCsv(run)], { type: "text/csv" }));
}

function row(one, can) {
  const time = new Date(one.time).toLocaleTimeString([], { hour12: false });
  const result = make("td", {}, one.reactionMs === null ? one.outcome : `${one.reactionMs} ms`);
  if (one.reactionMs === null && can) {
    const again = make("button", { type: "button", className: "button small" }, "Repeat");
    again.setAttribute("aria-label", `Repeat trial ${one.trial}`);
    again.addEventListener("click", () => trials.start(one.trial));
    result.append(" ", again);
  }
  const number = make("th", { scope: "row" }, String(one.trial));
  return make("tr", {}, number, make("td", {}, `${one.waitMs} ms`), result, make("td", {}, time));
}

byId("start").addEventListener("click", () => trials.start(trials.next));
byId("all").addEventListener("click", () => (trials.auto ? trials.stop() : trials.runAll()));
byId("repeat").addEventListener("click", () => trials.start(trials.repeatable));
byId("over").addEventListener("click", () => trials.startOver());

new ResizeObserver(() => drawPlot(byId("plot"), trials.run, trials.running?.trial ?? null)).observe(byId("plot"));
pauseSwitch(byId("pause"), socket);
tellStates(socket, showState);
showTask();
if (isPractice && socket.partnerClientId === null) {
  practise();
}
