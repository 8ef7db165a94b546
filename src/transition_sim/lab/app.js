/* The page: what the reader does becomes a state, a state becomes lines and bands, these become charts and words. */

import { readAddress, writeAddress } from "./address.js";
import { write as writeText } from "./charts.js";
import { readCode, settingsOf, usualState, writeCode } from "./codec.js";
import { bandMaker } from "./compute.js";
import { controls, leverText } from "./controls.js";
import { drawing, moment, WIDE } from "./drawing.js";
import { figures, translate } from "./layout.js";
import { isMoved, moved, switched } from "./levers.js";
import { runner } from "./runs.js";
import { picture, save, tableText } from "./sharing.js";
import { store } from "./store.js";
import { firstLanguage, speaker } from "./text.js";
import { changeText, fillTable, horizons, meansOther, why } from "./words.js";

const $ = (id) => document.getElementById(id);
const facts = JSON.parse($("facts").textContent);
const source = ["engine", "worker"].map((id) => $(id).textContent).join("\n");
const runs = runner(facts, bandMaker({ worlds: facts.worlds, owner: facts.owner, rule: facts.rule }, source));
const tableOf = (model) => facts.models[model].table;
const tables = Object.keys(facts.models).map(tableOf);
const fresh = (model) => ({ model, ensemble: facts.ensembles[0], levers: usualState(tableOf(model)) });
const states = store(fresh(facts.first), (state, final) => later(final));

let speak = null;
let pinned = null;
let charts = null;
let panel = null;
let placedFor = "";
let cursor = null;
let lastBand = null;

/* ---- from states to runs ---- */

/** Return the run of a state, over the worlds that the page shows now. */
function runOf({ model, levers }) {
  return { model, ensemble: states.now.ensemble, given: settingsOf(tableOf(model), levers) };
}

const comparable = (state) => (state && state.model === states.now.model ? state : null);
const horizon = () => Number($("horizon").value);
const definition = (run) => facts.definitions[run.given[facts.panels[run.model].risk.definition] ?? 0];

/* ---- drawing, at most once a frame ---- */

let waiting = false;
let settling = false;

function later(final) {
  settling ||= final;
  busy(true);
  if (waiting) return;
  waiting = true;
  requestAnimationFrame(() => {
    waiting = false;
    const last = settling;
    settling = false;
    update(last);
  });
}

/** Draw the present state: the line at once, the band when it has been computed. It is asked for after the line, since
    workers slow the page where there are few processors. */
function update(final) {
  const begun = performance.now();
  const run = runOf(states.now);
  place(states.now.model);
  panel.show(states.now.levers);
  const band = runs.bandOf(run);
  if (band) lastBand = { run, band };
  const faded = lastBand && lastBand.run.model === run.model ? lastBand.band : null;
  show(run, band ?? faded, !band);
  say(run, band);
  if (final) settle(run);
  measured("line", begun);
  runs.band(run, (found) => banded(run, found));
}

function banded(run, band) {
  if (runs.keyOf(run) !== runs.keyOf(runOf(states.now))) return;
  if (lastBand?.band !== band) {
    const begun = performance.now();
    lastBand = { run, band };
    show(run, band, false);
    say(run, band);
    measured("band", begun);
  }
  const other = reference();
  if (!other || runs.bandOf(runOf(other))) busy(false);
  else
    runs.band(runOf(other), () => {
      say(run, band);
      busy(false);
    });
}

/** Say whether something is still being computed or drawn. */
function busy(is) {
  const text = String(is);
  if ($("bench").getAttribute("aria-busy") !== text) $("bench").setAttribute("aria-busy", text);
}

/** Return the state that the present is told against: the pinned one, else the one before; null where there is
    none. */
function reference() {
  return comparable(pinned ?? states.before);
}

function show(run, band, stale) {
  const compared = comparable(pinned);
  charts.draw({
    now: runs.line(run),
    pinned: compared && runs.line(runOf(compared)),
    band,
    stale,
    given: run.given,
    definition: definition(run),
    horizon: horizon(),
    cursor,
  });
}

/** Leave a mark of how long a drawing took, for whoever measures the page. */
function measured(what, start) {
  performance.measure(`lab ${what}`, { start, end: performance.now() });
}

/** Make what hangs on the model and the language anew, where either changed. */
function place(model) {
  const key = `${model} ${speak.code}`;
  if (key === placedFor) return;
  placedFor = key;
  const places = figures($("panels"), $("risk"), facts.panels[model], speak, savePicture);
  charts = drawing(places, facts, model, speak, point);
  const change = (i, index) => ({ ...states.now, levers: moved(tableOf(model), states.now.levers, i, index) });
  panel = controls($("controls"), tableOf(model), facts.panels[model], speak, {
    onPreview: (i, index) => states.preview(change(i, index)),
    onSet: (i, index) => states.commit(change(i, index)),
    onSwitch: (choice) =>
      states.commit({ ...states.now, levers: switched(tableOf(model), states.now.levers, choice) }),
  });
  for (const input of document.querySelectorAll("[name=model]")) input.checked = input.value === model;
  $("about-model").textContent = speak.say(`model.${model}.about`, { stocks: facts.models[model].stocks });
  $("worlds").hidden = model !== facts.owner;
  $("borrowed").hidden = model === facts.owner;
}

/* ---- words ---- */

function say(run, band) {
  const line = runs.line(run);
  const at = line.time.indexOf(12 * horizon());
  const values = { years: speak.span(horizon(), "year"), own: speak.number(100 * line.risk[at], 1) };
  write("own", speak.say("headline.own", values));
  write("what", speak.say(`headline.what.${definition(run)}`, values));
  sayWhy(run, line, band);
  $("range").classList.toggle("stale", !band);
  if (!band) return;
  const rows = horizons(speak, band, comparable(pinned) && runs.bandOf(runOf(pinned)));
  const { now } = rows.find((row) => row.year === horizon());
  write("range", speak.say("headline.range", { range: now }));
  fillTable($("table"), speak, rows);
  announce(speak.say("summary", { ...values, range: now }));
}

const write = (id, text) => writeText($(id), text);

/** Say what changed against the reference, over worlds and on the line, and through which drivers. */
function sayWhy(run, line, band) {
  const state = reference();
  const name = pinned ? "pinned" : "before";
  $("why-worlds").classList.toggle("stale", !band);
  if (!state) {
    write("why-worlds", "");
    write("why", speak.say("why.nothing"));
    return;
  }
  const before = runs.line(runOf(state));
  if (meansOther(before, line)) {
    write("why-worlds", "");
    write("why", speak.say("why.other_meaning", { reference: speak.say(`why.${name}`) }));
    return;
  }
  const about = { panels: facts.panels[run.model], drivers: facts.models[run.model].drivers, rule: facts.rule };
  write("why", why(speak, about, before, line, horizon()));
  const other = runs.bandOf(runOf(state));
  if (band && other) write("why-worlds", changeText(speak, band, other, horizon(), name));
}

let telling = 0;

/** Tell screen readers what the page shows, once it has stood still. */
function announce(text) {
  clearTimeout(telling);
  telling = setTimeout(() => write("live", [text, $("why-worlds").textContent, $("why").textContent].join(" ")), 700);
}

function notice(text, wrong = false) {
  $("notice").textContent = text;
  $("notice").classList.toggle("wrong", wrong);
}

/* ---- reading the charts at a time ---- */

/** Move the cursor of all charts; null takes it away. */
function point(at) {
  if (at === cursor) return;
  cursor = at;
  if (at !== null) {
    const line = runs.line(runOf(states.now));
    const own = speak.number(100 * line.risk[Math.max(line.time.indexOf(Math.round(at)), 0)], 1);
    $("risk").setAttribute("aria-valuenow", String(Math.round(at)));
    $("risk").setAttribute("aria-valuetext", speak.say("chart.reading", { moment: moment(speak, at), own }));
  }
  charts.cursor(at);
}

const STEPS = { ArrowRight: 3, ArrowUp: 3, ArrowLeft: -3, ArrowDown: -3, PageUp: 12, PageDown: -12 };

function onKey(event) {
  const { time } = runs.line(runOf(states.now));
  const [from, to] = [time[0], time[time.length - 1]];
  if (event.key in STEPS) point(Math.min(Math.max(Math.round(cursor ?? 0) + STEPS[event.key], from), to));
  else if (event.key === "Home") point(from);
  else if (event.key === "End") point(to);
  else if (event.key === "Escape") point(null);
  else return;
  event.preventDefault();
}

/* ---- codes and links ---- */

const code = (state) => writeCode(tableOf(state.model), state.levers);

/** Return the state that a code stands for, over some worlds; CodeError with what is wrong. */
function decoded(text, ensemble) {
  const { table, state } = readCode(text, tables);
  return { model: table.model, ensemble, levers: state };
}

/** What follows once a change is made: buttons, the code, the address. */
function settle() {
  const state = states.now;
  $("undo").disabled = !states.canUndo;
  $("redo").disabled = !states.canRedo;
  $("pin").setAttribute("aria-pressed", String(Boolean(pinned)));
  write("pin", speak.say(pinned ? "action.unpin" : "action.pin"));
  $("key-pinned").hidden = !comparable(pinned);
  for (const input of document.querySelectorAll("[name=ensemble]")) input.checked = input.value === state.ensemble;
  write("code", code(state));
  write("settings", notes().join(" "));
  const worlds = state.ensemble === facts.ensembles[0] ? "" : state.ensemble;
  try {
    const address = writeAddress({ code: code(state), pinned: pinned && code(pinned), worlds, language: speak.code });
    history.replaceState(null, "", address);
  } catch {
    /* some viewers of files allow no change of the address; the code is shown all the same */
  }
}

/** Say in the reader's words what is wrong with a code; anything else that fails is a fault of the page. */
function refuse(error) {
  if (!error.reason) throw error;
  const meant = error.meant ? ` ${speak.say("code.meant", { code: error.meant })}` : "";
  notice(speak.say(`code.wrong.${error.reason}`) + meant, true);
}

function openCode(event) {
  event.preventDefault();
  try {
    states.commit(decoded($("code-in").value, states.now.ensemble));
    $("code-in").value = "";
    notice(speak.say("code.opened"));
  } catch (error) {
    refuse(error);
  }
}

/** Show what the address says; an address that cannot be read changes nothing. */
function openAddress() {
  const asked = readAddress(location.hash);
  const language = firstLanguage(facts.catalogue, asked.language ?? speak?.code, navigator.languages ?? []);
  if (speak?.code !== language) setLanguage(language);
  try {
    const worlds = asked.worlds ?? facts.ensembles[0];
    const next = asked.code ? decoded(asked.code, worlds) : states.now;
    if (asked.pinned) pinned = decoded(asked.pinned, worlds);
    states.commit(next);
  } catch (error) {
    later(true);
    refuse(error);
  }
}

function setLanguage(name) {
  speak = speaker(facts.catalogue, name);
  translate(speak);
  notice("");
}

/* ---- files ---- */

/** Return what every picture and table says of itself. */
function notes() {
  const { model, ensemble, levers } = states.now;
  const table = tableOf(model);
  const set = table.levers
    .map((lever, i) => ({ lever: speak.say(`lever.${lever.id}`), value: leverText(lever, levers[i], speak) }))
    .filter((_, i) => isMoved(table, levers, i))
    .map((said) => speak.say("export.setting", said));
  const told = { code: code(states.now), model: speak.say(`model.${model}`), version: facts.version };
  const rest = {
    settings: set.length ? speak.list(set) : speak.say("export.defaults"),
    worlds: speak.say(`worlds.${ensemble}`),
  };
  return [speak.say("caution"), speak.say("export.run", { ...told, ...rest })];
}

function savePicture(id, title) {
  picture(charts.charts[id].svg, title, notes(), speak.direction)
    .then((blob) => save(`transition-sim-${id.replaceAll(" ", "-")}.png`, blob))
    .catch((error) => notice(error.message, true));
}

function saveTable() {
  const run = runOf(states.now);
  const { units } = facts.models[run.model];
  const text = tableText(notes(), runs.line(run), runs.bandOf(run), units, facts.panels[run.model].risk.cumulative);
  save("transition-sim.csv", new Blob(["\ufeff", text], { type: "text/csv" }));
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    notice(speak.say("code.copied"));
  } catch {
    getSelection().selectAllChildren($("code"));
    notice(speak.say("code.selected"));
  }
}

/* ---- start ---- */

function onShortcut(event) {
  if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== "z" || event.target.type === "text") return;
  event.preventDefault();
  if (event.shiftKey) states.redo();
  else states.undo();
}

function begin() {
  const onClick = {
    undo: () => states.undo(),
    redo: () => states.redo(),
    reset: () => states.commit({ ...states.now, levers: usualState(tableOf(states.now.model)) }),
    pin: () => {
      pinned = pinned ? null : states.now;
      later(true);
    },
    "copy-code": () => copy($("code").textContent),
    "copy-link": () => copy(location.href),
    "save-table": saveTable,
    "save-picture": () => savePicture("risk", $("what").textContent),
    print: () => print(),
    skip: (event) => {
      event.preventDefault();
      $("controls").querySelector("summary").focus();
    },
  };
  for (const id in onClick) $(id).addEventListener("click", onClick[id]);
  $("horizon").addEventListener("change", () => later(true));
  $("language").addEventListener("change", () => {
    setLanguage($("language").value);
    later(true);
  });
  const choose = (name, next) => {
    for (const input of document.querySelectorAll(`[name=${name}]`))
      input.addEventListener("change", () => states.commit(next(input.value)));
  };
  choose("model", (model) => ({ ...fresh(model), ensemble: states.now.ensemble }));
  choose("ensemble", (ensemble) => ({ ...states.now, ensemble }));
  $("code-form").addEventListener("submit", openCode);
  $("risk").addEventListener("keydown", onKey);
  addEventListener("keydown", onShortcut);
  addEventListener("hashchange", openAddress);
  matchMedia(WIDE).addEventListener("change", () => {
    placedFor = "";
    later(true);
  });
  openAddress();
}

begin();
