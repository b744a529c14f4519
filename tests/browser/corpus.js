// Replays the corpus that lies beside the page, on the machine of the client that the server serves.

import { Replay, linesOf } from "./compare.js";

const output = document.querySelector("#result");

try {
    const { Machine } = await import("/crsocket/js/crsocket-client.js");
    const corpus = await fetch("corpus.jsonl");
    if (!corpus.ok) {
        throw new Error(`corpus.jsonl: ${corpus.status}`);
    }
    const replay = new Replay(Machine);
    for (const line of linesOf(await corpus.text())) {
        replay.take(line);
        if (replay.sequences % 100 === 0) {
            output.textContent = `${replay.sequences} sequences`;
            await new Promise((resolve) => setTimeout(resolve));
        }
    }
    window.replayed = { ...replay };
    output.textContent = JSON.stringify(window.replayed, null, 2);
} catch (error) {
    output.textContent = String(error.stack ?? error);
    window.replayed = { failed: output.textContent };
}
