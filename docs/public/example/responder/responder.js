import { CrSocket } from "/crsocket/js/crsocket-client.js";
import { buttonResponse, fixation, message, pause, run } from "../timeline.js";

const byId = (id) => document.getElementById(id);
const socket = new CrSocket({ role: "responder", accessToken: "example" });

function showState() {
  byId("number").textContent = socket.clientId ?? "…";
  byId("state").textContent = socket.state;
}
socket.addEventListener("statechange", showState);
socket.addEventListener("clientidchange", showState);
showState();

/** Done when the tester sends this. */
const told = (eventType) =>
  new Promise((done) => {
    const listen = ({ detail }) => {
      if (detail.eventType === eventType) {
        socket.removeEventListener("crevent", listen);
        done();
      }
    };
    socket.addEventListener("crevent", listen);
  });

/** What does not get there is written here; buffered: what is offline now leaves later. */
const tell = (eventType, params = []) => socket.send(eventType, { params, buffered: true }).catch(console.warn);

const CHOICES = ["living", "not living"];

const trials = ["horse", "chair", "daisy", "spoon", "snail"].flatMap((word) => [
  { type: fixation, duration: 700 },
  {
    type: buttonResponse,
    stimulus: word,
    choices: CHOICES,
    data: { word },
    on_finish: ({ response, rt }) => tell("result", [word, CHOICES[response], rt]),
  },
]);

const display = byId("experiment");
for (;;) {
  await run([{ type: message, message: "Wait for the start", until: () => told("start") }, ...trials], { display });
  tell("finished");
  await run([{ type: message, message: "Thank you!", until: () => pause(3_000) }], { display });
}
