// node tests/client_corpus/replay.mjs CORPUS CLIENT.js
//
// Replays the corpus on the machine of a client; exits with 1 where something differs. tests/client_corpus.rs writes the
// corpus.

import { readFileSync } from "node:fs";
import { argv, exit } from "node:process";

import { Replay, linesOf } from "./compare.mjs";

const [, , corpus, client] = argv;
if (corpus === undefined || client === undefined) {
    console.error("usage: node tests/client_corpus/replay.mjs CORPUS CLIENT.js");
    exit(2);
}
// As a module, whatever its file is called and whatever stands beside it.
const source = readFileSync(client, "utf8");
const { Machine } = await import(`data:text/javascript,${encodeURIComponent(source)}`);
const replay = new Replay(Machine);
for (const line of linesOf(readFileSync(corpus, "utf8"))) {
    replay.take(line);
}
const { sequences, steps, different, told } = replay;
console.log(`${sequences} sequences, ${steps} steps: ${different} sequences differ`);
for (const difference of told) {
    console.log(`\n${difference}`);
}
exit(different === 0 && sequences > 0 ? 0 : 1);
