/* Results as people see them: the risk with its band against the sketch, outcomes with ranges, teams side by side. */

import { barsChart } from "./panels.js";
import { timeChart } from "./charts.js";
import { make as h } from "./elements.js";

const TICKS = [0, 60, 120, 180, 240];

const years = (speak) => ({
  from: 0,
  to: 240,
  ticks: TICKS,
  label: speak.say("time_axis"),
  format: (month) => speak.number(month / 12, month % 12 ? 1 : 0),
});

const fromMandate = (time, values) => values.filter((_, i) => time[i] >= 0);
const percent = (values) => values.map((value) => 100 * value);

/** Return the sketch as a line from the mandate: points by year, in per cent; null where nothing is drawn yet. */
export function sketchLine(setup, points) {
  const drawn = setup.workshop.sketch.years.map((year, i) => [12 * year, points[i]]).filter(([, value]) => value !== null);
  return { time: [0, ...drawn.map(([time]) => time)], values: [0, ...drawn.map(([, value]) => value)] };
}

/** Return a figure of the risk: the team's plan with its band, the country without change, the sketch.

    `options`: `height`, `top` of the axis, `last` points of the sketch before, `unchanged` where the plan is that of
    nobody, `loose` where the sketch was not committed, `type` of its words in pixels, `bare` without the key below it.
    The key names the sketch: words beside its line would hide lines and band. */
export function riskFigure(speak, setup, result, points, options = {}) {
  const host = h("div", { class: "chart" });
  const chart = timeChart(host, { type: options.type, height: (width) => options.height ?? Math.max(210, Math.min(380, width * 0.55)), margin: { right: 16, top: 24 } });
  const lines = [];
  const bands = [];
  let top = 20;
  if (result) {
    const time = result.time.filter((month) => month >= 0);
    const [low, middle, high] = result.bands.risk.map((row) => percent(fromMandate(result.time, row)));
    bands.push({ id: "worlds", kind: "worlds", time, low, high });
    if (!options.unchanged) lines.push({ id: "base", kind: "third", time, values: percent(fromMandate(result.time, result.base_risk)) });
    lines.push({ id: "plan", kind: "now", time, values: middle });
    top = Math.max(top, high[high.length - 1]);
  }
  if (options.last) lines.push({ id: "last", kind: "last", ...sketchLine(setup, options.last) });
  const drawn = points && points.some((each) => each !== null);
  if (drawn) {
    lines.push({ id: "sketch", kind: "pinned", ...sketchLine(setup, points) });
    top = Math.max(top, points[points.length - 1]);
  }
  const y = { from: 0, to: options.top ?? top, label: speak.say("risk_axis"), format: (value) => speak.number(value) };
  chart.draw({ time: TICKS, lines, bands, x: years(speak), y, direction: speak.direction });
  return h("figure", { class: "figure" }, host, h("figcaption", {}, options.bare ? null : riskKey(speak, { result, drawn, loose: options.loose, last: options.last, unchanged: options.unchanged }), words(speak, setup, result, points)));
}

/** Return what lines and band of a figure of the risk mean: of those that `shown` names. */
export function riskKey(speak, shown) {
  const entry = (kind, words) => h("span", { class: `key key-${kind}` }, speak.say(words));
  return h(
    "span",
    { class: "keys" },
    shown.result && entry("worlds", "band"),
    shown.result && entry("now", shown.unchanged ? "unchanged_middle" : "your_plan"),
    shown.result && !shown.unchanged && entry("third", "unchanged"),
    shown.drawn && entry("pinned", shown.loose ? "loose_sketch" : "your_sketch"),
    shown.last && entry("last", "last_sketch"),
  );
}

/** Return the picture in words, for who cannot see it. */
function words(speak, setup, result, points) {
  const parts = setup.workshop.sketch.years.map((year, i) => {
    const found = result ? `${speak.say("found")} ${speak.number(result.risk[i].p10, 1)}–${speak.number(result.risk[i].p90, 1)} (${speak.say("middle")} ${speak.number(result.risk[i].median, 1)})` : "";
    const drawn = points && points[i] !== null ? `${speak.say("expected")} ${speak.number(points[i])}` : "";
    return speak.pair(speak.say("by_year", { year }), [drawn, found].filter(Boolean).join("; "));
  });
  return h("span", { class: "in-words" }, `${parts.join(". ")}.`);
}

/* What is watched and also scored is shown in the unit in which it is scored. */
function scaleOf(setup, name) {
  const scored = Object.values(setup.workshop.outcomes).find((outcome) => outcome.of.length === 1 && outcome.of[0] === name);
  return scored ? scored.scale : 1;
}

/** Return small figures of what else is watched over time. */
export function watchFigures(speak, setup, result) {
  return h(
    "div",
    { class: "small-figures" },
    Object.entries(setup.workshop.watch).map(([name, title]) => {
      const host = h("div", { class: "chart" });
      const chart = timeChart(host, { small: true, height: () => 150, margin: { left: 52, top: 10 } });
      const time = result.time.filter((month) => month >= 0);
      const scale = scaleOf(setup, name);
      const [low, middle, high] = result.bands[name].map((row) => fromMandate(result.time, row).map((value) => scale * value));
      chart.draw({
        time,
        lines: [{ id: "plan", kind: "now", values: middle }],
        bands: [{ id: "worlds", kind: "worlds", low, high }],
        x: { ...years(speak), label: "" },
        y: { from: 0, label: "", format: (value) => speak.short(value) },
        direction: speak.direction,
      });
      return h("figure", { class: "figure" }, h("figcaption", {}, speak.of(title)), host);
    }),
  );
}

/** Return numbers as they are written in every language: from left to right. */
export const numerals = (text) => h("bdi", { dir: "ltr" }, text);

/** Return a range, and the range of a change with its signs. */
export const span = (speak, each) => numerals(`${speak.short(each.p10)} – ${speak.short(each.p90)}`);
export const signedSpan = (speak, each) => numerals(`${speak.signed(each.p10)} … ${speak.signed(each.p90)}`);

/** Return a range with its middle below it, as a cell's content: the range comes first. */
export const rangeFirst = (speak, range, middle) => [h("b", {}, range), h("small", {}, speak.say("middle"), " ", numerals(middle))];

/** Return the outcomes of one team as a table: range and middle, change against no change. */
export function outcomeTable(speak, setup, result) {
  const head = ["outcome", "range_worlds", "change"].map((name) => h("th", { scope: "col" }, speak.say(name)));
  const rows = Object.entries(setup.workshop.outcomes).map(([name, outcome]) => {
    const found = result.outcomes[name];
    const way = speak.say(outcome.better === "low" ? "better_low" : "better_high");
    return h(
      "tr",
      {},
      h("th", { scope: "row" }, speak.of(outcome.title), h("small", {}, `${speak.of(outcome.unit)}; ${way}`)),
      h("td", { "data-label": speak.say("range") }, h("span", {}, rangeFirst(speak, span(speak, found), speak.short(found.median)))),
      h("td", { "data-label": speak.say("change") }, h("span", {}, rangeFirst(speak, signedSpan(speak, found.change), speak.signed(found.change.median)))),
    );
  });
  return h("div", { class: "wide", tabindex: "0", role: "region", "aria-label": speak.say("outcomes") },
    h("table", { class: "stack" }, h("caption", {}, speak.say("outcomes")), h("thead", {}, h("tr", {}, head)), h("tbody", {}, rows)));
}

/** Return all teams in one table, the best in each outcome marked, and words on who is as good as whom; `brief` leaves out
    what those words mean. */
export function teamsTable(speak, setup, results, standing, brief = false) {
  const teams = Object.keys(results);
  const head = [h("th", { scope: "col" }, speak.say("outcome")), ...teams.map((team) => h("th", { scope: "col" }, speak.say("team_number", { team })))];
  const rows = Object.entries(setup.workshop.outcomes).map(([name, outcome]) =>
    h(
      "tr",
      {},
      h("th", { scope: "row" }, speak.of(outcome.title), h("small", {}, `${speak.of(outcome.unit)}; ${speak.say(outcome.better === "low" ? "better_low" : "better_high")}`)),
      teams.map((team) => {
        const best = standing.best[name].includes(team);
        const found = results[team].outcomes[name];
        return h("td", { class: best ? "best" : false }, rangeFirst(speak, span(speak, found), speak.short(found.median)), best && h("span", { class: "badge" }, speak.say("best_here")));
      }),
    ),
  );
  return h(
    "div",
    {},
    h("div", { class: "wide", tabindex: "0", role: "region", "aria-label": speak.say("compare_teams") },
      h("table", {}, h("caption", {}, speak.say("compare_teams")), h("thead", {}, h("tr", {}, head)), h("tbody", {}, rows))),
    h("ul", { class: "standing" }, standingWords(speak, standing, brief).map((line) => h("li", {}, line))),
  );
}

/** Return who is as good as whom, in sentences. */
export function standingWords(speak, standing, brief) {
  const beaten = (team) => standing.dominates.filter(([one]) => one === team).map(([, other]) => other);
  const strong = [...new Set(standing.dominates.map(([one]) => one))];
  const lines = strong.map((one) => speak.say("dominates", { one, others: speak.list(beaten(one).map((team) => speak.say("team_number", { team }))) }));
  if (standing.free.length > 1) lines.push(speak.say("trade_off", { teams: speak.list(standing.free) }), speak.say("nobody_best"));
  else lines.push(speak.say("one_best", { team: standing.free[0] }));
  if (!brief) lines.push(speak.say("what_best"), speak.say("what_dominates"), speak.say("alike"));
  lines.push(speak.say("no_sum"));
  return lines;
}

/** Return how large a change and its range are, whatever the sign; a range that holds zero begins there. */
function sizes({ median, p10, p90 }) {
  const ends = [Math.abs(p10), Math.abs(p90)];
  return { value: Math.abs(median), low: p10 * p90 < 0 ? 0 : Math.min(...ends), high: Math.max(...ends) };
}

/** Return bars of changes by size, what lowers in one colour and what raises in another; the label has the range with its signs:
    `rows` [{id, label, median, p10, p90, good}]. */
export function rangeBars(speak, rows) {
  const host = h("div", { class: "chart" });
  const chart = barsChart(host, { height: () => 34 * rows.length + 8 });
  chart.draw({
    bars: rows.map((row) => ({ id: row.id, label: `${row.label}: \u2066${speak.signed(row.p10)} … ${speak.signed(row.p90)}\u2069`, ...sizes(row), kind: row.good ? "good" : "loss" })),
    format: () => "",
    direction: speak.direction,
  });
  return host;
}
