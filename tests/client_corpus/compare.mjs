// Replays the corpus (see mod.rs) on a machine, and tells what differs. For a page and for Node.

/** How many differences are told in full. */
const TOLD = 3;

/** What came of the sequences that were replayed, each on a fresh machine up to its first difference. */
export class Replay {
    sequences = 0;
    steps = 0;
    different = 0;
    /** The first differences, in words. */
    told = [];
    #Machine;

    /** @param {new (role: string, timing: object) => object} Machine */
    constructor(Machine) {
        this.#Machine = Machine;
    }

    /** Replays one more. @param {string} line of JSON */
    take(line) {
        const sequence = JSON.parse(line);
        this.sequences += 1;
        const difference = firstDifference(sequence, this.#Machine);
        this.steps += difference === null ? sequence.steps.length : difference.step + 1;
        if (difference !== null) {
            this.different += 1;
            if (this.told.length < TOLD) {
                this.told.push(inWords(this.sequences, sequence, difference));
            }
        }
    }
}

/** The sequences of a corpus. */
export const linesOf = (text) => text.split("\n").filter((line) => line !== "");

/** The step at which the machine first does something else, what is expected there, and what it did; null if nowhere. */
function firstDifference({ role, timing, steps }, Machine) {
    let machine = null;
    for (const [step, { now, random, calendar, in: input, ...expected }] of steps.entries()) {
        let got;
        try {
            machine ??= new Machine(role, timing);
            const out = machine.handle(input, { now, random, calendar });
            got = {
                out,
                state: machine.state,
                receiver: machine.receiverState,
                sender: machine.senderState,
            };
        } catch (error) {
            return { step, expected, got: { thrown: String(error.stack ?? error) } };
        }
        if (!isSame(expected, got)) {
            return { step, expected, got };
        }
    }
    return null;
}

/** Whether two values are the same as JSON; the order of keys does not matter. */
export function isSame(one, other) {
    if (typeof one !== "object" || typeof other !== "object" || one === null || other === null) {
        return one === other;
    }
    if (Array.isArray(one) !== Array.isArray(other)) {
        return false;
    }
    const keys = Object.keys(one);
    return (
        keys.length === Object.keys(other).length &&
        keys.every((key) => Object.hasOwn(other, key) && isSame(one[key], other[key]))
    );
}

/** Lists what differs, and between what it stands: the steps before it, and all of both sides. */
function inWords(number, { role, timing, steps }, { step, expected, got }) {
    const { now, random, calendar, in: input } = steps[step];
    const before = steps.slice(Math.max(0, step - 5), step).map((earlier) => {
        return `    ${earlier.now} ${JSON.stringify(earlier.in)} -> ${JSON.stringify(earlier.state)}`;
    });
    const lines = [
        `sequence ${number}, step ${step + 1} of ${steps.length}: ${role}, timing ${JSON.stringify(timing)}`,
        "  the inputs before, and the state after each:",
        ...before,
        `  input at ${now}, random ${random}, calendar ${calendar}: ${JSON.stringify(input)}`,
    ];
    for (const key of new Set([...Object.keys(expected), ...Object.keys(got)])) {
        if (isSame(expected[key], got[key])) {
            lines.push(`  ${key}, as expected: ${JSON.stringify(got[key])}`);
        } else {
            lines.push(`  ${key}, expected: ${listed(expected[key])}`, `  ${key}, got: ${listed(got[key])}`);
        }
    }
    return lines.join("\n");
}

/** One effect a line. */
function listed(value) {
    const isList = Array.isArray(value) && value.some((item) => typeof item === "object");
    return isList ? value.map((item) => `\n      ${JSON.stringify(item)}`).join("") : String(JSON.stringify(value));
}
