// A small trial runner in the style of jsPsych: a timeline of trials, one after the other, each with its type, its parameters
// and `on_finish`. With jsPsych itself, its trials take the place of these, and `initJsPsych` that of `run`.

/** Runs the trials, and gives what each of them found. `on_trial_finish` is called after each, with its data. */
export async function run(timeline, { display, on_trial_finish = () => {} }) {
  const results = [];
  for (const trial of timeline) {
    display.replaceChildren();
    const data = { trial_index: results.length, ...(trial.data ?? {}), ...(await trial.type(trial, display)) };
    results.push(data);
    trial.on_finish?.(data);
    on_trial_finish(data);
  }
  display.replaceChildren();
  return results;
}

/** A text, until the promise that `until` gives is done: `{ message, until }`. */
export async function message(trial, display) {
  display.append(paragraph(trial.message));
  await trial.until();
  return {};
}

/** Nothing but a cross for a while: `{ duration }` in ms. */
export async function fixation(trial, display) {
  display.append(paragraph("+"));
  await pause(trial.duration);
  return {};
}

/** A word, and buttons to answer: `{ stimulus, choices }`. Gives `response`, the place of the choice, and `rt` in ms. */
export async function buttonResponse(trial, display) {
  const stimulus = paragraph(trial.stimulus);
  const choices = document.createElement("div");
  choices.className = "choices";
  const answered = new Promise((done) => {
    trial.choices.forEach((choice, response) => {
      const button = document.createElement("button");
      button.textContent = choice;
      button.addEventListener("click", ({ timeStamp }) => done({ response, timeStamp }));
      choices.append(button);
    });
  });
  display.append(stimulus, choices);
  // The frame after the one in which it is drawn: then it can be seen.
  const shownAt = await new Promise((next) => requestAnimationFrame(() => requestAnimationFrame(next)));
  const { response, timeStamp } = await answered;
  return { response, rt: Math.max(0, Math.round(timeStamp - shownAt)) };
}

export const pause = (duration) => new Promise((done) => setTimeout(done, duration));

function paragraph(text) {
  const element = document.createElement("p");
  element.className = "stimulus";
  element.textContent = text;
  return element;
}
