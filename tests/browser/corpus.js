// Replays the corpus that lies beside the page, on the machine of the client that the server serves.

import { replay } from "./compare.js";

const output = document.querySelector("#result");

try {
    const { Machine } = await import("/crsocket/js/crsocket-client.js");
    const corpus = await fetch("corpus.jsonl");
    if (!corpus.ok) {
        throw new Error(`corpus.jsonl: ${corpus.status}`);
    }
    const result = replay((await corpus.text()).split("\n"), Machine);
    output.textContent = JSON.stringify(result, null, 2);
    window.replayed = result;
} catch (error) {
    output.textContent = String(error.stack ?? error);
    window.replayed = { failed: output.textContent };
}
