/* The explorer's view in a notebook: controls, the risk in a table, charts. Python computes; this draws. */

import { write as say } from "./charts.js";
import { controlsOf } from "./controls.js";
import { make } from "./elements.js";
import { picturesOf } from "./pictures.js";
import { requests } from "./requests.js";
import { fillRows, mark, newId } from "./rows.js";

const SETTLED = 700;
const STATES = {
  idle: "",
  busy: "Computing \u2026",
  silent: "Python does not answer. Is the kernel running, or busy with another cell? What is shown is the last answer.",
};
const KEPT = "What is shown is still the last setting that fits.";

/** Show an explorer in an element of the notebook; returns what takes it away again. */
export function render({ model, el }) {
  const setup = model.get("setup");
  const parts = layout(setup);
  const sender = requests(model, (state) => say(parts.lines.status, STATES[state]));
  const controls = controlsOf(setup, sender.ask);
  const pictures = picturesOf(setup, (month) => pictures.read(month ?? reading.month()));
  const reading = readerOf(setup, (month) => pictures.read(month));
  parts.place(controls, pictures, reading);
  const endKeys = keys(parts.root, sender.ask);

  let settle = 0;
  function draw() {
    const shown = model.get("shown");
    if (!sender.pending()) controls.sync(shown);
    parts.write(shown);
    pictures.draw(shown, model.get("series"), reading.month());
    mark(parts.root, "data-answered", shown.answered);
    clearTimeout(settle);
    settle = setTimeout(() => say(parts.lines.spoken, shown.error ? "" : `${shown.finding} ${shown.differences}`), SETTLED);
  }
  const changed = () => {
    sender.answered();
    draw();
  };
  model.on("change:shown", changed);
  el.append(parts.root);
  controls.sync(model.get("shown"));
  draw();
  return () => {
    model.off("change:shown", changed);
    sender.stop();
    endKeys();
    clearTimeout(settle);
  };
}

function layout(setup) {
  const heading = make("h3", { id: newId() }, setup.title);
  const root = make("section", { class: "ts ts-explorer", "aria-labelledby": heading.id, lang: "en", dir: "ltr" });
  const lines = {};
  for (const name of ["caution", "finding", "differences", "cost", "status", "error", "spoken"])
    lines[name] = make("p", { class: `ts-${name}` });
  mark(lines.status, "role", "status");
  mark(lines.error, "role", "alert");
  mark(lines.spoken, "aria-live", "polite");
  const risk = riskTable();
  const notes = make("div");
  const about = make("details", {}, make("summary", {}, "What the numbers mean, and where they come from"), notes);

  function write(shown) {
    say(lines.caution, shown.notes[0]);
    say(lines.error, shown.error ? `${shown.error}. ${KEPT}` : "");
    for (const name of ["finding", "differences", "cost"]) say(lines[name], shown[name]);
    risk.write(shown);
    const told = [...shown.notes, shown.source, ...setup.controls.map(({ label, help }) => `${label}: ${help}`)];
    if (notes.childElementCount !== told.length) notes.replaceChildren(...told.map(() => make("p")));
    told.forEach((text, i) => say(notes.children[i], text));
  }

  function place(controls, pictures, reading) {
    const small = "What each driver multiplies the baseline hazard by. An accounting of the model, not causal attribution.";
    const drivers = make("div", { class: "ts-part" }, make("h4", {}, "Hazard by driver"),
      pictures.drivers, make("p", { class: "ts-small-print" }, small));
    const pair = make("div", { class: "ts-pair" }, make("div", { class: "ts-part" }, pictures.risk, pictures.watched), drivers);
    const numbers = make("details", {}, make("summary", {}, "The charts in numbers"), scroller("The charts in numbers", pictures.numbers));
    const results = make("div", { class: "ts-results" }, lines.status, lines.error, lines.finding, lines.differences, pair, key(),
      scroller("Risk by year", risk.element), lines.cost, reading.element, numbers, about, lines.spoken);
    root.append(heading, lines.caution, make("div", { class: "ts-body" }, controls.element, results));
  }
  return { root, lines, write, place };
}

/** Make the table of the risk by year: `{element, write(shown)}`. */
function riskTable() {
  const heads = make("tr");
  const rows = make("tbody");
  const caption = make("caption", {}, "Risk of relapse by years from the mandate: range over worlds, median in brackets");
  return {
    element: make("table", {}, caption, make("thead", {}, heads), rows),
    write(shown) {
      const titles = shown.heads.map(([, title]) => title);
      if ([...heads.cells].map((cell) => cell.textContent).join() !== titles.join())
        heads.replaceChildren(...titles.map((title) => make("th", { scope: "col" }, title)));
      fillRows(rows, shown.rows.map((row) => shown.heads.map(([name]) => row[name])));
    },
  };
}

/** Put a table where it can be scrolled sideways, by keyboard too. */
function scroller(name, table) {
  return make("div", { class: "ts-scroll", tabindex: "0", role: "group", "aria-label": name }, table);
}

/** Return the key to lines and bands. */
function key() {
  const entry = (kind, words) => make("span", {}, make("span", { class: `ts-swatch ts-swatch-${kind}` }), words);
  const rest = "line: median; band: 10th to 90th percentile over worlds; grey: planned draw-down; dots: election; below each chart: years from the mandate";
  return make("p", { class: "ts-key" }, entry("now", "now"), entry("pinned", "pinned"), rest);
}

/** Make the slider that reads all charts at one year: `{element, month()}`, null until it is moved. */
function readerOf(setup, onMove) {
  const last = setup.months[setup.months.length - 1];
  const input = make("input", { type: "range", id: newId(), min: 0, max: last, step: setup.months[1] - setup.months[0], value: last });
  const output = make("output", { for: input.id });
  const tell = () => {
    const words = `year ${Number(input.value) / 12}`;
    say(output, words);
    mark(input, "aria-valuetext", words);
  };
  tell();
  let month = null;
  input.addEventListener("input", () => {
    tell();
    month = Number(input.value);
    onMove(month);
  });
  const element = make("div", { class: "ts-control ts-reader" }, make("label", { for: input.id }, "Read the charts at"), output, input);
  return { element, month: () => month };
}

/** Undo and redo by keyboard, and keep other keys from the notebook's shortcuts; returns what ends that.

    JupyterLab's shortcuts for arrows and letters hold wherever the focus is inside a notebook, and it looks for a mark at
    the element that has the focus. So the mark is set before anyone else hears of the key. Keys with Ctrl or Command (to
    save, say) and Shift+Enter stay the notebook's. Visual Studio Code takes what reaches the window as pressed in the
    notebook, where an arrow leaves the cell and D D deletes it: so keys that mean something here end here. */
function keys(root, ask) {
  const wanted = (event) => {
    const letter = event.ctrlKey || event.metaKey ? event.key.toLowerCase() : "";
    return letter === "y" || (letter === "z" && event.shiftKey) ? "redo" : letter === "z" ? "undo" : "";
  };
  const before = (event) => {
    if (!root.contains(event.target)) return;
    const theirs = event.ctrlKey || event.metaKey || (event.shiftKey && event.key === "Enter");
    mark(event.target, "data-lm-suppress-shortcuts", theirs && !wanted(event) ? null : "true");
  };
  const leaves = ({ key, ctrlKey, metaKey, altKey, shiftKey }) =>
    ctrlKey || metaKey || altKey || (shiftKey && key === "Enter") || key === "Tab" || key === "Escape" || /^F\d/.test(key);
  root.addEventListener("keydown", (event) => {
    const what = wanted(event);
    if (what || !leaves(event)) event.stopPropagation();
    if (!what) return;
    event.preventDefault();
    ask({ do: what });
  });
  window.addEventListener("keydown", before, true);
  return () => window.removeEventListener("keydown", before, true);
}
