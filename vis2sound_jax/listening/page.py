"""The page of the listening study: markup, look and script; `listening` fills the capitals in.

The script shares out the trials by itself, so that one file serves every participant: from the participant's code
it draws the order of recordings, one clip of each, the algorithm and the side of the real film.
"""

STYLE = """
.films { display: grid; grid-template-columns: 1fr 1fr; gap: 1.2rem; margin: 1rem 0; }
.films video { width: 100%; background: #000000; }
button, input, a.save { font: inherit; padding: .5rem .9rem; border: 1px solid var(--line); border-radius: .4rem; }
button, a.save { background: var(--accent); color: var(--paper); cursor: pointer; text-decoration: none; }
button:disabled { background: var(--line); color: var(--quiet); cursor: default; }
.films button { width: 100%; margin-top: .5rem; }
progress { width: 100%; }
textarea { width: 100%; height: 12rem; font: .8rem/1.4 monospace; }
[hidden] { display: none; }
"""

SCRIPT = r"""
"use strict";

// Numbers in [0, 1) that depend on the text only: FNV-1a into a xorshift of 32 bits.
function generator(text) {
  let state = 2166136261;
  for (const letter of text) state = Math.imul(state ^ letter.codePointAt(0), 16777619);
  state = state || 1;
  const next = () => {
    state ^= state << 13; state ^= state >>> 17; state ^= state << 5;
    return (state >>> 0) / 4294967296;
  };
  for (let i = 0; i < 20; i++) next();
  return next;
}

function pick(list, random) { return list[Math.floor(random() * list.length)]; }

function shuffled(list, random) {
  const out = list.slice();
  for (let i = out.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [out[i], out[j]] = [out[j], out[i]];
  }
  return out;
}

function plan(study, participant) {
  const random = generator(study.seed + "/" + participant);
  const trial = (clip, practice) => ({
    clip, practice, algorithm: pick(Object.keys(clip.films), random), side: random() < 0.5 ? "left" : "right",
  });
  const practice = study.practice.map((clip) => trial(clip, true));
  const order = shuffled(study.recordings, random).slice(0, study.trials);
  return practice.concat(order.map((clips) => trial(pick(clips, random), false)));
}

function record(participant, trial, answer, ms) {
  const { item, recording, material, action, reaction } = trial.clip;
  const { algorithm, side } = trial;
  const correct = Number(answer === side);
  return { participant, item, recording, algorithm, material, action, reaction, side, answer, correct, ms };
}

function table(columns, rows) {
  const cell = (value) => (/[",\r\n]/.test(value) ? '"' + String(value).replace(/"/g, '""') + '"' : String(value));
  return [columns, ...rows.map((row) => columns.map((name) => row[name]))]
    .map((cells) => cells.map(cell).join(",") + "\r\n").join("");
}

function run(study) {
  const get = (name) => document.getElementById(name);
  const sides = ["left", "right"];
  let participant = "", trials = [], place = 0, shown = 0;
  const rows = [], played = new Set();

  function show() {
    const trial = trials[place], count = study.practice.length;
    get("place").textContent = trial.practice ? `Practice ${place + 1} of ${count}`
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
    shown = performance.now();
  }

  function choose(answer) {
    const trial = trials[place];
    const ms = Math.round(performance.now() - shown);
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

  for (const side of sides) {
    const film = get("film-" + side), other = get("film-" + sides[1 - sides.indexOf(side)]);
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
  window.addEventListener("beforeunload", (event) => {
    if (rows.length && get("end").hidden) event.preventDefault();
  });
}

if (typeof document !== "undefined") run(JSON.parse(document.getElementById("study").textContent));
"""

PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="POLICY">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>TITLE</title>
<style>STYLE</style>
</head>
<body>
<main>
<h1>TITLE</h1>
<form id="start">
<p>You will see pairs of films of the same blow. In one of each pair you hear the sound that was recorded, in the other
a sound that was made by a computer. Choose the film whose sound is real. PRACTICE Headphones help.</p>
<p><label for="code">Your code</label> <input id="code" required pattern="[A-Za-z0-9_.\\-]+" maxlength="40"
autocomplete="off" title="letters, digits, dots, dashes and underscores"> <button>Start</button></p>
</form>
<section id="trial" hidden>
<h2 id="place"></h2>
<progress id="progress" value="0" max="1" aria-labelledby="place"></progress>
<p id="said" aria-live="polite"></p>
<div class="films">
<div><video id="film-left" controls playsinline aria-label="film on the left"></video>
<button type="button" id="choose-left" disabled>The left one is real</button></div>
<div><video id="film-right" controls playsinline aria-label="film on the right"></video>
<button type="button" id="choose-right" disabled>The right one is real</button></div>
</div>
<button type="button" id="next" hidden>Next</button>
</section>
<section id="end" hidden>
<h2>Thank you</h2>
<p>Please save your answers and send the file back. If saving fails, copy the text below.</p>
<p><a id="save" class="save" href="#">Save answers</a></p>
<label for="answers">Answers</label> <textarea id="answers" readonly></textarea>
</section>
</main>
<script type="application/json" id="study">STUDY</script>
<script>SCRIPT</script>
</body>
</html>
"""
