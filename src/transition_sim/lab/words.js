/* What the page says in words: the range, the table of years, why a risk changed, the summary for screen readers. */

import { make } from "./elements.js";
import { changeByDriver, quantiles } from "./risk.js";
import { YEARS } from "./runs.js";

const LEVELS = [0.1, 0.5, 0.9];
const SHOWN = 3;
const LEAST = 0.0005;

/** Return two shares as a range of so many in a hundred, with as many digits as it takes to tell them apart. */
export function range(speak, low, high) {
  const width = 100 * (high - low);
  const digits = width < 0.2 ? 2 : width < 2 ? 1 : 0;
  return speak.say("range", { low: speak.number(100 * low, digits), high: speak.number(100 * high, digits) });
}

/** Return differences of shares as a range of points with signs. */
function points(speak, low, high) {
  return speak.say("range", { low: speak.signed(100 * low), high: speak.signed(100 * high) });
}

/** Return the change of the risk within some years from another band to this, world by world, as a range of points. */
function change(speak, band, other, year) {
  const [least, , most] = quantiles(band.final[year].map((value, run) => value - other.final[year][run]), LEVELS);
  return points(speak, least, most);
}

/** Return the risk of each year over worlds as text, and its change from the pinned run world by world. */
export function horizons(speak, band, pinned) {
  return YEARS.map((year) => {
    const [low, , high] = quantiles(band.final[year].slice(), LEVELS);
    const row = { year, now: range(speak, low, high) };
    if (!pinned) return row;
    const [before, , after] = quantiles(pinned.final[year].slice(), LEVELS);
    return { ...row, pinned: range(speak, before, after), change: change(speak, band, pinned, year) };
  });
}

/** Fill a table with the rows of `horizons`. */
export function fillTable(table, speak, rows) {
  const paired = rows.some((row) => row.pinned);
  const heads = ["table.year", "table.now", ...(paired ? ["table.pinned", "table.change"] : [])];
  const head = make("tr", {}, ...heads.map((key) => make("th", { scope: "col" }, speak.say(key))));
  const body = rows.map((row) => {
    const cells = [row.now, ...(paired ? [row.pinned, row.change] : [])].map((text) => make("td", {}, text));
    return make("tr", {}, make("th", { scope: "row" }, speak.span(row.year, "year")), ...cells);
  });
  table.replaceChildren(
    make("caption", {}, speak.say("table.caption")),
    make("thead", {}, head),
    make("tbody", {}, ...body),
  );
}

/** Return the change over worlds of the risk within some years, against what `reference` names. */
export function changeText(speak, band, other, year, reference) {
  return speak.say("why.worlds", { reference: speak.say(`why.${reference}`), range: change(speak, band, other, year) });
}

/** Return why the risk of the line within some years differs from that of another line.

    `about` is {panels, drivers, rule}; lines are as of a runner. Where a relapse means something else in the other,
    that is said instead: see `meansOther`. */
export function why(speak, about, before, after, year) {
  const { risk } = about.panels;
  const from = after.time.indexOf(0);
  const to = after.time.indexOf(12 * year);
  const one = (line) => ({
    hazard: line.series[risk.hazard],
    cumulative: line.series[risk.cumulative],
    parts: about.drivers.map((name) => line.series[`hazard from ${name}`]),
  });
  const parts = changeByDriver(one(before), one(after), after.time, from, to, after.spread, about.rule);
  const named = parts
    .map((size, i) => ({ size, name: about.drivers[i] }))
    .filter((part) => Math.abs(part.size) >= LEAST)
    .sort((a, b) => Math.abs(b.size) - Math.abs(a.size))
    .slice(0, SHOWN)
    .map(({ size, name }) =>
      speak.say("why.part", { driver: speak.say(`driver.${name}`), points: speak.signed(100 * size) }),
    );
  const change = after.risk[to] - before.risk[to];
  const said = { change: speak.signed(100 * change), drivers: speak.list(named) };
  if (!named.length) return speak.say("why.hardly", { change: said.change });
  return speak.say(Math.abs(change) < LEAST ? "why.cancels" : "why.line", said);
}

/** Return whether relapse means another thing in two runs, so that their risks cannot be set against each other. */
export function meansOther(one, other) {
  return one.spread !== other.spread || one.baseline !== other.baseline;
}
