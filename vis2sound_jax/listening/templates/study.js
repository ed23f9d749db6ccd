"use strict";

// The listening study. It shares out the trials by itself, so that one file serves every participant: the
// participant's code draws the order of recordings, one clip of each, the algorithm and the side of the real film.

// Numbers in [0, 1) that depend on the text only: FNV-1a into a xorshift of 32 bits.
function generator(text) {
  let state = 2166136261;
  for (const letter of text) state = Math.imul(state ^ letter.codePointAt(0), 16777619);
  state = state || 1;
  const next = () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 4294967296;
  };
  for (let i = 0; i < 20; i++) next();
  return next;
}

// One entry of a list.
function pick(list, random) {
  return list[Math.floor(random() * list.length)];
}

// The list in another order; the given one stays as it is.
function shuffled(list, random) {
  const out = list.slice();
  for (let i = out.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [out[i], out[j]] = [out[j], out[i]];
  }
  return out;
}

// The trials of a participant: practice first, then at most one clip of a recording.
function plan(study, participant) {
  const random = generator(study.seed + "/" + participant);
  const trial = (clip, practice) => ({
    clip,
    practice,
    algorithm: pick(Object.keys(clip.films), random),
    side: random() < 0.5 ? "left" : "right",
  });
  const practice = study.practice.map((clip) => trial(clip, true));
  const order = shuffled(study.recordings, random).slice(0, study.trials);
  return practice.concat(order.map((clips) => trial(pick(clips, random), false)));
}

// One answer, `ms` milliseconds after the films appeared; its fields are the columns of the CSV.
function record(participant, trial, answer, ms) {
  const { item, recording, material, action, reaction } = trial.clip;
  const { algorithm, side } = trial;
  const correct = Number(answer === side);
  return { participant, item, recording, algorithm, material, action, reaction, side, answer, correct, ms };
}

// The answers as CSV; cells are quoted where they must be.
function table(columns, rows) {
  const cell = (value) => {
    const text = String(value);
    return /[",\r\n]/.test(text) ? '"' + text.replace(/"/g, '""') + '"' : text;
  };
  const lines = [columns, ...rows.map((row) => columns.map((name) => row[name]))];
  return lines.map((cells) => cells.map(cell).join(",") + "\r\n").join("");
}

// Leads a participant through the page.
function run(study) {
  const get = (name) => document.getElementById(name);
  const sides = ["left", "right"];
  const rows = [];
  const played = new Set();
  let participant = "";
  let trials = [];
  let place = 0;
  let shown_ms = 0;

  function show() {
    const trial = trials[place];
    const count = study.practice.length;
    get("place").textContent = trial.practice
      ? `Practice ${place + 1} of ${count}`
      : `Film ${place - count + 1} of ${trials.length - count}`;
    get("progress").max = trials.length;
    get("progress").value = place;
    get("said").textContent = "Play both films, then choose the one with the real sound.";
    get("next").hidden = true;
    played.clear();
    for (const side of sides) {
      get("film-" + side).src = side === trial.side ? trial.clip.real : trial.clip.films[trial.algorithm];
      get("choose-" + side).disabled = true;
    }
    shown_ms = performance.now();
  }

  function choose(answer) {
    const trial = trials[place];
    const ms = Math.round(performance.now() - shown_ms);
    for (const side of sides) get("choose-" + side).disabled = true;
    if (!trial.practice) {
      rows.push(record(participant, trial, answer, ms));
      return advance();
    }
    const verdict = answer === trial.side ? "Right" : "Wrong";
    get("said").textContent = `${verdict}: the real sound was on the ${trial.side}.`;
    get("next").hidden = false;
    get("next").focus();
  }

  function advance() {
    place += 1;
    if (place < trials.length) return show();
    const text = table(study.columns, rows);
    get("trial").hidden = true;
    get("end").hidden = false;
    get("answers").value = text;
    get("save").href = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
    get("save").download = `answers-${participant}.csv`;
    get("save").focus();
  }

  // Nobody answers before both films were heard to their end, and never hears two at once.
  for (const side of sides) {
    const film = get("film-" + side);
    const other = get("film-" + sides[1 - sides.indexOf(side)]);
    film.addEventListener("play", () => other.pause());
    film.addEventListener("ended", () => {
      played.add(side);
      if (played.size === 2 && get("next").hidden) for (const each of sides) get("choose-" + each).disabled = false;
    });
    film.addEventListener("error", () => {
      get("said").textContent = `The film on the ${side} cannot be played. Are all files beside this page?`;
    });
    get("choose-" + side).addEventListener("click", () => choose(side));
  }
  get("next").addEventListener("click", advance);
  get("start").addEventListener("submit", (event) => {
    event.preventDefault();
    participant = get("code").value.trim();
    trials = plan(study, participant);
    get("start").hidden = true;
    get("trial").hidden = false;
    show();
  });
  // Answers that are not saved yet would be lost without a word.
  window.addEventListener("beforeunload", (event) => {
    if (rows.length && get("end").hidden) event.preventDefault();
  });
}

// Outside a browser, where the tests call its functions, there is no page to lead through.
if (typeof document !== "undefined") run(JSON.parse(document.getElementById("study").textContent));
