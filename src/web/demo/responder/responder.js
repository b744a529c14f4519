// The participant's page: waits for a tester, and shows the star.

import { CrSocket } from "../../js/crsocket-client.js";
import { byId, pauseSwitch, remedy, setText, showClientId, showRemedies, tellStates } from "../page.js";
import { addressesForOthers, clientIdParam, practiceController, practiceFailure, qrSource, setParams } from "../pairing.js";
import { REMEDIES } from "../words.js";
import { readStimulus } from "../task.js";
import { Stage } from "./stage.js";

/** A tester that stays away for this long is let go, so that another one can come. */
const RELEASE_MS = 60_000;
const THANKS_MS = 7_000;

const invited = clientIdParam("clientId");
const socket = new CrSocket({
  role: "responder",
  accessToken: "demo",
  timing: { releaseDt: RELEASE_MS },
  ...(invited !== null && { clientId: invited, keepClientId: true }),
});
setParams({});

const stage = new Stage(answer, showMode);
let words = { title: "", detail: "", remedies: [] };
let thanksUntil = null;

socket.addEventListener("crevent", ({ detail }) => {
  if (detail.eventType === "stimulus") {
    const stimulus = readStimulus(detail.eventParams);
    if (stimulus !== null && socket.metastates.has("active")) {
      if (thanksUntil !== null) {
        stage.startOver();
        thanksUntil = null;
      }
      stage.begin(stimulus);
    }
  } else if (detail.eventType === "finished") {
    thanksUntil = performance.now() + THANKS_MS;
    setTimeout(showMode, THANKS_MS + 50);
    showMode();
  }
});

socket.addEventListener("statechange", ({ detail }) => {
  if (detail.to.state === "passive") {
    stage.cancel();
  }
});

socket.addEventListener("partnerchange", ({ detail }) => {
  if (detail.partnerClientId !== null) {
    thanksUntil = null;
    stage.startOver();
  }
});

function answer(trial, reactionMs) {
  // An answer that does not get there is a missed trial, which the tester sees.
  socket.send("reaction", { params: [trial, reactionMs ?? "early"] }).catch(() => {});
}

function mode() {
  const { state, partnerClientId } = socket;
  if (stage.playing) {
    return "play";
  }
  if (thanksUntil !== null && (state === "interacting" || performance.now() < thanksUntil)) {
    return "thanks";
  }
  return state === "readyToPair" && partnerClientId === null ? "join" : "rest";
}

const MOODS = { passive: "asleep", interacting: "happy" };

function showMode() {
  const now = mode();
  document.body.dataset.mode = now;
  byId("friend").dataset.mood = now === "thanks" ? "cheering" : (MOODS[socket.state] ?? "looking");
  setText(byId("title"), now === "thanks" ? "Thank you!" : words.title);
  setText(byId("detail"), now === "thanks" ? "" : words.detail);
  byId("remedies").hidden = now === "thanks";
}

function showState(described) {
  words = described;
  const isMain = (way) => way === words.remedies[0] && way !== "otherPartner";
  showRemedies(
    byId("remedies"),
    words.remedies.map((way) => [REMEDIES[way], () => useRemedy(way), isMain(way)]),
  );
  if (socket.state !== "readyToPair") {
    setText(byId("practice-note"), "");
  }
  showClientId(byId("own"), socket.clientId);
  showMode();
}

function useRemedy(way) {
  if (way === "otherPartner") {
    socket.partnerClientId = null;
  } else {
    remedy(socket, way);
  }
}

// Pairing

let address = null;

async function drawQr() {
  try {
    address ??= (await addressesForOthers())[0] ?? "";
  } catch {
    return; // The number is enough.
  }
  const reached = address !== "" && socket.clientId !== null;
  byId("qr").hidden = !reached;
  byId("qr-words").hidden = false;
  setText(
    byId("qr-words"),
    reached ? "or point its camera here" : "For other devices start the server with --bind 0.0.0.0:8080",
  );
  if (reached) {
    const text = `${address}controller/?partner=${socket.clientId}`;
    byId("qr").src = qrSource(text);
    byId("qr").alt = `QR code for the tester’s device: ${text}`;
  }
}
socket.addEventListener("clientidchange", drawQr);
drawQr();

byId("practice").addEventListener("click", async () => {
  byId("practice").disabled = true;
  setText(byId("practice-note"), "Asking for a practice tester …");
  try {
    await practiceController(socket.clientId);
    setText(byId("practice-note"), "It will be here in a moment.");
  } catch (error) {
    setText(byId("practice-note"), practiceFailure(error));
  }
  byId("practice").disabled = false;
});

pauseSwitch(byId("pause"), socket);
tellStates(socket, showState);
