/* The page: what the reader does becomes a state, a state becomes lines and bands, these become charts and words. */

import { readAddress, writeAddress } from "./address.js";
import { codes } from "./codes.js";
import { bandMaker } from "./compute.js";
import { controls, leverText, make } from "./controls.js";
import { atTime, drawing } from "./drawing.js";
import { runner } from "./runs.js";
import { picture, save, tableText } from "./sharing.js";
import { store } from "./store.js";
import { firstLanguage, speaker } from "./text.js";
import { fillTable, horizons, range, why } from "./words.js";

const facts = JSON.parse(document.getElementById("facts").textContent);
const source = ["engine", "worker"].map((id) => document.getElementById(id).textContent).join("\n");
const maker = bandMaker({ worlds: facts.worlds, owner: facts.owner, rule: facts.rule }, source);
const runs = runner(facts, maker);
const $ = (id) => document.getElementById(id);

let speak;
let charts = null;
let panel = null;
let pinned = null;
let cursor = null;
let drawnFor = "";
let told = 0;

/** Return the state in which a model stands at its own values. */
function fresh(model) {
  return { model, ensemble: facts.ensembles[0], values: Object.fromEntries(facts.models[model].levers.map((l) => [l.id, l.value])) };
}

/** Return what a state sets: the constants of levers that are not where they stand by themselves. */
function given(state) {
  const set = {};
  for (const lever of facts.models[state.model].levers) {
    const value = state.values[lever.id];
    if (value === lever.value) continue;
    const chosen = lever.options?.find((option) => option.id === value);
    Object.assign(set, chosen ? chosen.set : { [lever.constant]: value });
  }
  return set;
}

const asRun = (state) => ({ model: state.model, ensemble: state.ensemble, given: given(state) });
const coder = codes(facts);
const states = store(fresh(facts.first), (state, final) => later(final));

/* ---- drawing: at most once a frame ---- */

let waiting = false;
let finished = false;

function later(final) {
  finished ||= final;
  if (waiting) return;
  waiting = true;
  requestAnimationFrame(() => {
    waiting = false;
    const last = finished;
    finished = false;
    update(last);
  });
}

function definition() {
  const set = given(states.now);
  const names = ["war", "armed_conflict", "major_war"];
  return names[set["relapse definition"] ?? 0];
}

function view(band, stale) {
  const now = asRun(states.now);
  const to = pinned && pinned.model === now.model ? runs.line(asRun(pinned)) : null;
  return {
    now: runs.line(now), pinned: to, band, stale, given: now.given, definition: definition(), horizon: horizon(), cursor,
  };
}

const horizon = () => Number($("horizon").value);
let lastBand = null;

/** Draw the present state: the line at once, the band when it has been computed. */
function update(final) {
  const begun = performance.now();
  const state = states.now;
  const now = asRun(state);
  place(state);
  panel.show(state);
  const ready = runs.bandOf(now);
  if (lastBand && lastBand.model !== state.model) lastBand = null;
  charts.draw(view(ready ?? lastBand?.band ?? null, !ready));
  sayNow(ready);
  if (final) settle(state);
  measured("line", begun);
  runs.band(now, (band) => banded(now, band));
}

function banded(run, band) {
  if (runs.keyOf(run) !== runs.keyOf(asRun(states.now))) return;
  const begun = performance.now();
  lastBand = { model: run.model, band };
  charts.draw(view(band, false));
  sayNow(band);
  measured("band", begun);
  if (pinned && !pinnedBand()) askPinned();
}

/** Compute the band of the pinned run where it is not known, such as when a link brought it. */
function askPinned() {
  runs.band(asRun(pinned), () => sayNow(runs.bandOf(asRun(states.now))));
}

function pinnedBand() {
  return pinned && pinned.model === states.now.model ? runs.bandOf(asRun(pinned)) : null;
}

/** Keep how long a drawing took, for whoever measures the page. */
function measured(what, begun) {
  const took = performance.now() - begun;
  performance.measure(`lab ${what}`, { start: begun, duration: took });
}

/* ---- words ---- */

function sayNow(band) {
  const state = states.now;
  const line = runs.line(asRun(state));
  const at = line.time.indexOf(12 * horizon());
  const own = range(speak, line.risk[at], line.risk[at]);
  const values = { years: speak.span(horizon(), "year"), own: speak.number(100 * line.risk[at], 1) };
  $("own").textContent = speak.say("headline.own", values);
  $("what").textContent = speak.say(`headline.what.${definition()}`, values);
  if (band) {
    const rows = horizons(speak, band, pinnedBand());
    const row = rows.find((each) => each.year === horizon());
    $("range").textContent = speak.say("headline.range", { range: row.now });
    fillTable($("table"), speak, rows);
    announce(speak.say("summary", { ...values, range: row.now }));
  }
  $("range").classList.toggle("stale", !band);
  sayWhy(state, line);
  return own;
}

function sayWhy(state, line) {
  const compared = pinned ?? states.before;
  const node = $("why");
  if (!compared || compared.model !== state.model) {
    node.textContent = speak.say("why.nothing");
    return;
  }
  const about = { panels: facts.panels[state.model], drivers: facts.models[state.model].drivers, rule: facts.rule };
  const reference = pinned ? "pinned" : "before";
  node.textContent = why(speak, about, runs.line(asRun(compared)), line, horizon(), reference);
}

/** Tell screen readers what the page shows, once it has stood still. */
function announce(text) {
  clearTimeout(told);
  told = setTimeout(() => {
    const words = `${text} ${$("why").textContent}`;
    if ($("live").textContent !== words) $("live").textContent = words;
  }, 700);
}

function notice(text, wrong = false) {
  $("notice").textContent = text;
  $("notice").classList.toggle("wrong", wrong);
}

/* ---- the parts of the page ---- */

/** Make what hangs on the model and the language anew, where either changed. */
function place(state) {
  const key = `${state.model} ${speak.code}`;
  if (key === drawnFor) return;
  drawnFor = key;
  const info = facts.models[state.model];
  const shown = facts.panels[state.model];
  const figure = (id, title, wide) => {
    const host = make("div", { class: "chart" });
    const button = make("button", { type: "button", class: "quiet shot", onclick: () => shoot(id, title) }, speak.say("export.picture"));
    button.setAttribute("aria-label", speak.say("export.picture_of", { title }));
    const head = make("figcaption", {}, make("h3", {}, title), button);
    $("panels").append(make("figure", { class: wide ? "panel wide" : "panel" }, head, host));
    return host;
  };
  $("panels").replaceChildren();
  const hazard = figure("hazard", speak.say("panel.hazard"));
  const gap = figure("gap", speak.say("panel.gap"));
  const chain = figure("chain", speak.say("panel.chain"));
  const drivers = figure("drivers", speak.say("panel.drivers"), true);
  const small = Object.fromEntries(shown.small.map((name) => [name, figure(name, speak.say(`variable.${name}`))]));
  $("risk").querySelector("svg")?.remove();
  charts = drawing({ risk: $("risk"), hazard, gap, chain, drivers, small }, facts, state.model, speak, point);
  panel = controls($("controls"), info, speak, (id, value) => states.preview(changed(id, value)), (id, value) => states.commit(changed(id, value)));
  for (const input of document.querySelectorAll("[name=model]")) input.checked = input.value === state.model;
  $("about-model").textContent = speak.say(`model.${state.model}.about`);
  $("worlds").hidden = facts.ensembles.length < 2 || state.model !== facts.owner;
}

/** Return the present state with one lever set; shares that together may not exceed the whole give way. */
function changed(id, value) {
  const state = states.now;
  const values = { ...state.values, [id]: value };
  const info = facts.models[state.model];
  const lever = info.levers.find((each) => each.id === id);
  if (lever.budget) giveWay(values, info.levers.filter((each) => each.budget === lever.budget && each.id !== id), 1 - value);
  return { ...state, values };
}

function giveWay(values, others, left) {
  const sum = others.reduce((total, lever) => total + values[lever.id], 0);
  if (sum <= left + 1e-9) return;
  for (const lever of others) {
    const share = (values[lever.id] / sum) * left;
    values[lever.id] = Number((Math.floor(share / lever.step + 1e-9) * lever.step).toFixed(6));
  }
}

/** Move the cursor of all charts; null takes it away. */
function point(at) {
  if (at === cursor) return;
  cursor = at;
  const risk = $("risk");
  if (at !== null) {
    const line = runs.line(asRun(states.now));
    const index = Math.max(line.time.indexOf(Math.round(at)), 0);
    risk.setAttribute("aria-valuenow", String(Math.round(at)));
    const values = { time: atTime(speak, at), own: speak.number(100 * line.risk[index], 1) };
    risk.setAttribute("aria-valuetext", speak.say("chart.reading", values));
  }
  charts.cursor(at);
}

function onKey(event) {
  const line = runs.line(asRun(states.now));
  const [from, to] = [line.time[0], line.time[line.time.length - 1]];
  const steps = { ArrowRight: 3, ArrowUp: 3, ArrowLeft: -3, ArrowDown: -3, PageUp: 12, PageDown: -12 };
  const at = cursor ?? 0;
  if (event.key in steps) point(Math.min(Math.max(Math.round(at) + steps[event.key], from), to));
  else if (event.key === "Home") point(from);
  else if (event.key === "End") point(to);
  else if (event.key === "Escape") point(null);
  else return;
  event.preventDefault();
}

/** What follows once a change is made: buttons, the code, the address. */
function settle(state) {
  $("undo").disabled = !states.canUndo;
  $("redo").disabled = !states.canRedo;
  const code = coder.write(state.model, given(state));
  $("code").textContent = code;
  $("pin").setAttribute("aria-pressed", String(Boolean(pinned)));
  $("pin").textContent = speak.say(pinned ? "action.unpin" : "action.pin");
  for (const input of document.querySelectorAll("[name=ensemble]")) input.checked = input.value === state.ensemble;
  const address = writeAddress({
    code,
    pinned: pinned ? coder.write(pinned.model, given(pinned)) : "",
    worlds: state.ensemble === facts.ensembles[0] ? "" : state.ensemble,
    language: speak.code,
  });
  try {
    history.replaceState(null, "", address);
  } catch {
    /* some viewers of files allow no change of the address; the code is still shown */
  }
}

/* ---- codes and links ---- */

/** Return the state that a code stands for; it throws what is wrong with the code. */
function decoded(code, ensemble) {
  const { model, given: set } = coder.read(code);
  const state = fresh(model);
  const left = { ...set };
  for (const lever of facts.models[model].levers) {
    if (lever.options) {
      const fits = lever.options.find((option) => Object.entries(option.set).every(([name, value]) => left[name] === value) && Object.keys(option.set).length);
      if (!fits) continue;
      state.values[lever.id] = fits.id;
      for (const name in fits.set) delete left[name];
    } else if (lever.constant in left) {
      state.values[lever.id] = left[lever.constant];
      delete left[lever.constant];
    }
  }
  if (Object.keys(left).length) throw new Error(speak.say("code.not_a_lever", { names: speak.list(Object.keys(left)) }));
  return { ...state, ensemble: ensemble ?? facts.ensembles[0] };
}

function openCode(text) {
  try {
    states.commit(decoded(text, states.now.ensemble));
    notice(speak.say("code.opened"));
    $("code-in").value = "";
  } catch (error) {
    notice(error.message, true);
  }
}

function openAddress() {
  const asked = readAddress(location.hash);
  const language = firstLanguage(facts.catalogue, asked.language ?? speak?.code, navigator.languages ?? []);
  if (speak?.code !== language) setLanguage(language);
  if (!asked.code) return later(true);
  try {
    pinned = asked.pinned ? decoded(asked.pinned, asked.worlds) : null;
    states.commit(decoded(asked.code, asked.worlds));
  } catch (error) {
    notice(error.message, true);
    later(true);
  }
  return undefined;
}

function setLanguage(code) {
  speak = speaker(facts.catalogue, code);
  document.documentElement.lang = code;
  document.documentElement.dir = speak.direction;
  document.title = speak.say("title");
  for (const node of document.querySelectorAll("[data-text]")) node.textContent = speak.say(node.dataset.text);
  for (const node of document.querySelectorAll("[data-label]")) node.setAttribute("aria-label", speak.say(node.dataset.label));
  for (const option of $("horizon").options) option.textContent = speak.span(Number(option.value), "year");
  $("language").value = code;
  notice("");
}

/* ---- files ---- */

function notes() {
  const state = states.now;
  const set = facts.models[state.model].levers
    .filter((lever) => state.values[lever.id] !== lever.value)
    .map((lever) => {
      const value = state.values[lever.id];
      const words = lever.options ? speak.say(`lever.${lever.id}.${value}`) : leverText(lever, value, speak);
      return speak.say("export.setting", { lever: speak.say(`lever.${lever.id}`), value: words });
    });
  const values = { code: coder.write(state.model, given(state)), model: speak.say(`model.${state.model}`), version: facts.version };
  const settings = set.length ? speak.list(set) : speak.say("export.defaults");
  return [speak.say("caution"), speak.say("export.run", { ...values, settings, worlds: speak.say(`worlds.${state.ensemble}`) })];
}

function shoot(id, title) {
  picture(charts.charts[id].svg, title, notes(), speak.direction)
    .then((blob) => save(`transition-sim-${id.replaceAll(" ", "-")}.png`, blob))
    .catch((error) => notice(error.message, true));
}

function saveTable() {
  const line = runs.line(asRun(states.now));
  const band = runs.bandOf(asRun(states.now)) ?? null;
  const shown = band ? ["relapse risk", ...Object.keys(band.tables).filter((name) => name !== facts.panels[states.now.model].risk.cumulative)] : [];
  const text = tableText(notes(), line, band, facts.models[states.now.model].units, shown);
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

function begin() {
  $("undo").onclick = () => states.undo();
  $("redo").onclick = () => states.redo();
  $("reset").onclick = () => states.commit({ ...fresh(states.now.model), ensemble: states.now.ensemble });
  $("pin").onclick = () => {
    pinned = pinned ? null : states.now;
    later(true);
  };
  $("horizon").onchange = () => later(true);
  $("language").onchange = () => {
    setLanguage($("language").value);
    later(true);
  };
  for (const input of document.querySelectorAll("[name=model]")) input.onchange = () => states.commit(fresh(input.value));
  for (const input of document.querySelectorAll("[name=ensemble]"))
    input.onchange = () => states.commit({ ...states.now, ensemble: input.value });
  $("copy-code").onclick = () => copy($("code").textContent);
  $("copy-link").onclick = () => copy(location.href);
  $("code-form").onsubmit = (event) => {
    event.preventDefault();
    openCode($("code-in").value);
  };
  $("save-table").onclick = saveTable;
  $("save-picture").onclick = () => shoot("risk", $("what").textContent);
  $("print").onclick = () => print();
  $("risk").onkeydown = onKey;
  $("skip").onclick = (event) => {
    event.preventDefault();
    $("controls").querySelector("summary, input")?.focus();
  };
  addEventListener("hashchange", openAddress);
  addEventListener("keydown", (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== "z" || event.target.id === "code-in") return;
    event.preventDefault();
    if (event.shiftKey) states.redo();
    else states.undo();
  });
  openAddress();
}

begin();
