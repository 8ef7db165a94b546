/* Results as people see them: the risk with its band against the sketch, outcomes with ranges, teams side by side. */

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
  return h("figure", { class: "figure" }, host, h("figcaption", {}, options.bare ? null : [riskKey(speak, { result, drawn, loose: options.loose, last: options.last, unchanged: options.unchanged }), result?.assumed && h("span", { class: "caution" }, speak.say("assumed_plan"))], words(speak, setup, result, points)));
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

const ENDS = ["p10", "median", "p90"];

/** Return how many decimals ranges that stand together get: three figures of the largest, two decimals at most. */
export function digitsFor(ranges) {
  const most = Math.max(0, ...ranges.flatMap((each) => ENDS.map((end) => Math.abs(each[end]))));
  return most >= 99.95 ? 0 : most >= 9.995 ? 1 : 2;
}

/** Return a range and its middle below it, as a cell's content: the range comes first. `beside` are the ranges of the same
    column, that all get the same decimals; `signed` for changes. */
export function rangeCell(speak, each, beside, signed = false) {
  const digits = digitsFor(beside);
  const write = (value) => (signed ? speak.signed(value, digits) : speak.number(value, digits));
  const range = `${write(each.p10)} ${signed ? "…" : "–"} ${write(each.p90)}`;
  return [h("b", {}, numerals(range)), h("small", {}, speak.say("middle"), " ", numerals(write(each.median)))];
}

/** Return the mark of what rests on effort of the Commission: its size is assumed. */
export const assumedTag = (speak, words) => h("span", { class: "assumed-tag" }, speak.say(words));

/** Return the outcomes of one team as a table: range and middle, change against no change; and what that means. */
export function outcomeTable(speak, setup, result) {
  const { assumed } = result;
  const head = ["outcome", "range_worlds", "change"].map((name) => h("th", { scope: "col" }, speak.say(name)));
  const rows = Object.entries(setup.workshop.outcomes).map(([name, outcome]) => {
    const found = result.outcomes[name];
    const way = speak.say(outcome.better === "low" ? "better_low" : "better_high");
    return h(
      "tr",
      {},
      h("th", { scope: "row" }, speak.of(outcome.title), h("small", {}, `${speak.of(outcome.unit)}; ${way}`)),
      h("td", { "data-label": speak.say("range") }, h("span", {}, rangeCell(speak, found, [found]))),
      h("td", { "data-label": speak.say("change"), class: assumed && "assumed" }, h("span", {}, rangeCell(speak, found.change, [found.change], true), " ", assumed && assumedTag(speak, "assumed_part"))),
    );
  });
  return h("div", {},
    h("div", { class: "wide", tabindex: "0", role: "region", "aria-label": speak.say("outcomes") },
      h("table", { class: "stack" }, h("caption", {}, speak.say("outcomes")), h("thead", {}, h("tr", {}, head)), h("tbody", {}, rows))),
    h("p", { class: "hint change-means" }, speak.say("change_means")),
    assumed && h("p", { class: "hint" }, speak.say("assumed_plan"), " ", speak.say("assumption")));
}

/** Return all teams in one table, who is best in an outcome marked, with the rule of that mark, and words on who is as good as
    whom; `brief` leaves out what those words mean. */
export function teamsTable(speak, setup, results, standing, brief = false) {
  const teams = Object.keys(results);
  const head = [h("th", { scope: "col" }, speak.say("outcome")), ...teams.map((team) => h("th", { scope: "col" }, speak.say("team_number", { team }), " ", results[team].assumed && assumedTag(speak, "assumed_part")))];
  const assumed = teams.some((team) => results[team].assumed);
  const rows = Object.entries(setup.workshop.outcomes).map(([name, outcome]) =>
    h(
      "tr",
      {},
      h("th", { scope: "row" }, speak.of(outcome.title), h("small", {}, `${speak.of(outcome.unit)}; ${speak.say(outcome.better === "low" ? "better_low" : "better_high")}`), isClear(standing, name) ? null : h("small", {}, h("i", {}, speak.say("no_clear")))),
      teams.map((team) => {
        const beside = teams.map((each) => results[each].outcomes[name]);
        return h("td", { class: standing.best[name].includes(team) && "best", "data-label": `${speak.say("team_number", { team })}${results[team].assumed ? ` (${speak.say("assumed_part")})` : ""}` }, h("span", {}, rangeCell(speak, results[team].outcomes[name], beside), markOf(speak, standing, name, team)));
      }),
    ),
  );
  return h(
    "div",
    {},
    h("div", { class: "wide", tabindex: "0", role: "region", "aria-label": speak.say("compare_teams") },
      h("table", { class: "sides stack" }, h("caption", {}, h("small", { class: "rule" }, speak.say("what_best"), assumed && ` ${speak.say("assumed_team")}`)), h("thead", {}, h("tr", {}, head)), h("tbody", {}, rows))),
    h("ul", { class: "standing" }, standingWords(speak, standing, brief).map((line) => h("li", {}, line))),
  );
}

/* Whether anybody is clearly better than anybody in an outcome. */
const isClear = (standing, outcome) => standing.best[outcome].length > 0 || Object.keys(standing.level[outcome]).length > 0;

/* Whether a team is best in an outcome, or as good as others; nothing where somebody is better, or all are alike. */
function markOf(speak, standing, outcome, team) {
  if (standing.best[outcome].includes(team)) return h("span", { class: "badge" }, speak.say("best_here"));
  const others = standing.level[outcome][team];
  return others && h("span", { class: "level" }, speak.say("as_good_as", { teams: teamNames(speak, others) }));
}

const teamNames = (speak, teams) => speak.list(teams.map((team) => speak.say("team_number", { team })));

/** Return who is as good as whom, in sentences. */
export function standingWords(speak, standing, brief) {
  const beaten = (team) => standing.dominates.filter(([one]) => one === team).map(([, other]) => other);
  const strong = [...new Set(standing.dominates.map(([one]) => one))];
  const lines = strong.map((one) => speak.say("dominates", { one, others: teamNames(speak, beaten(one)) }));
  for (const group of standing.same) lines.push(speak.say("as_good", { teams: teamNames(speak, group) }));
  if (standing.trade.length) lines.push(speak.say("trade_off", { teams: speak.list(standing.trade) }));
  lines.push(standing.ahead ? speak.say("one_best", { team: standing.ahead }) : speak.say("nobody_best"));
  if (strong.length || standing.trade.length || standing.ahead) lines.push(speak.say("what_dominates"));
  if (!brief) lines.push(speak.say("alike"));
  lines.push(speak.say("no_sum"));
  return lines;
}

/** Return ranges of changes as bars over one line of zero, each with its name and its numbers above it; what is of assumed
    size is hatched. `rows`: [{label, p10, median, p90, assumed}]. */
export function rangeBars(speak, rows) {
  const low = Math.min(0, ...rows.map((row) => row.p10));
  const high = Math.max(0, ...rows.map((row) => row.p90));
  const at = (value) => `${(100 * (value - low)) / (high - low || 1)}%`;
  const placed = (kind, row, from, to) => {
    const node = h("span", { class: kind });
    node.style.left = at(from);
    if (to !== undefined) node.style.right = `${100 - parseFloat(at(to))}%`;
    return node;
  };
  return h("div", { class: "bars" }, rows.map((row) =>
    h("div", { class: row.assumed ? "bar assumed-bar" : "bar" },
      h("p", {}, row.label, " ", rangeWords(speak, row, rows), " ", row.assumed && assumedTag(speak, "assumed_size")),
      h("div", { class: "track", dir: "ltr", "aria-hidden": "true" }, placed("reach", row, row.p10, row.p90), placed("zero", row, 0), placed("middle-mark", row, row.median)))));
}

function rangeWords(speak, row, rows) {
  const digits = digitsFor(rows);
  return numerals(`${speak.signed(row.p10, digits)} … ${speak.signed(row.p90, digits)}`);
}
