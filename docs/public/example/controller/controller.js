import { CrSocket } from "/crsocket/js/crsocket-client.js";

const byId = (id) => document.getElementById(id);
const kept = sessionStorage.getItem("partner"); // Still there after a reload.
const socket = new CrSocket({ role: "controller", accessToken: "example", partnerClientId: kept });

byId("number").value = kept ?? "";
byId("pair").addEventListener("submit", (event) => {
  event.preventDefault();
  socket.partnerClientId = byId("number").value;
  sessionStorage.setItem("partner", byId("number").value);
});

function showState() {
  byId("state").textContent = `${socket.state} ${socket.subState}`;
  byId("start").disabled = socket.state !== "interacting";
}
socket.addEventListener("statechange", showState);
showState();

byId("start").addEventListener("click", async () => {
  byId("results").replaceChildren();
  byId("end").textContent = "";
  try {
    await socket.send("start");
  } catch (error) {
    byId("end").textContent = `It did not start: ${error.message}`;
  }
});

socket.addEventListener("crevent", ({ detail: { eventType, eventParams } }) => {
  if (eventType === "result") {
    const [word, answer, rt] = eventParams;
    const row = byId("results").insertRow();
    for (const text of [word, answer, `${Number(rt)} ms`]) {
      row.insertCell().textContent = text; // Never as HTML: it comes from elsewhere.
    }
  } else if (eventType === "finished") {
    byId("end").textContent = "The experiment is over.";
  }
});
