/* What a state of the levers gives: one line at the model's own values at once, and later the band over worlds. */

import { models } from "./models.js";
import { bands, probability, quantiles } from "./risk.js";
import { placeOf } from "./worlds.js";

export const YEARS = [5, 10, 15, 20];
const LEVELS = [0.1, 0.5, 0.9];
const LINES_KEPT = 40;

/** Return `{line(state), band(state, done), bandOf(state), keyOf(state)}` over the page's `facts` and a maker of bands.

    A state is {model, given: {constant: value}, ensemble}. A line is {time, series: by name, risk, spread,
    baseline}; a band is {time, risk, tables: by name, each [low, middle, high] over time; final: by year, the risk
    of each world; totals: by year and name, [low, middle, high] of what was added up}. */
export function runner(facts, maker) {
  const lines = new Map();
  const found = new Map();

  const keyOf = (state) => JSON.stringify([state.model, state.ensemble, Object.entries(state.given).sort()]);

  function valuesOf(state) {
    const values = models[state.model].defaults();
    for (const name in state.given) values[placeOf(state.model).get(name)] = state.given[name];
    return values;
  }

  function remembered(map, key, make) {
    if (!map.has(key)) {
      map.set(key, make());
      if (map.size > LINES_KEPT) map.delete(map.keys().next().value);
    }
    return map.get(key);
  }

  function line(state) {
    return remembered(lines, keyOf(state), () => {
      const { model, run } = models[state.model];
      const view = model.views.findIndex((each) => each.name === "line");
      const done = run(valuesOf(state), { saveEvery: 1, view });
      const series = {};
      model.views[view].outputs.forEach((output, j) => (series[model.outputs[output].name] = done.series[j]));
      const names = facts.panels[state.model].risk;
      const first = (name) => series[name]?.[0] ?? valuesOf(state)[placeOf(state.model).get(name)];
      const spread = names.spread ? first(names.spread) : 0;
      const risk = probability(series[names.cumulative], spread, facts.rule);
      return { time: done.time, series, risk, spread, baseline: first(names.baseline) };
    });
  }

  function jobOf(state) {
    const { model, ensemble } = state;
    const { risk, small, chain } = facts.panels[model];
    const given = Object.keys(state.given).map((name) => placeOf(model).get(name));
    const until = YEARS.map((year) => 12 * year);
    const kept = {
      cumulative: risk.cumulative,
      spread: risk.spread,
      shown: [risk.hazard, ...small],
      totals: chain,
      until,
    };
    return { model, ensemble, values: valuesOf(state), given, view: "band", saveEvery: 3, ...kept };
  }

  function band(state, done) {
    const key = keyOf(state);
    if (found.has(key)) return done(found.get(key));
    return maker.ask(jobOf(state), ({ time, tables, totals }) => {
      const runs = facts.worlds[state.ensemble].runs;
      const { cumulative } = facts.panels[state.model].risk;
      const row = (table, at) => table.slice(at * runs, (at + 1) * runs);
      const result = { time, tables: {}, final: {}, totals: {} };
      YEARS.forEach((year, k) => {
        result.final[year] = row(tables[cumulative], time.indexOf(12 * year));
        result.totals[year] = {};
        for (const name in totals) result.totals[year][name] = quantiles(row(totals[name], k), LEVELS);
      });
      for (const name in tables) result.tables[name] = bands(tables[name], runs, LEVELS);
      result.risk = result.tables[cumulative];
      done(remembered(found, key, () => result));
    });
  }

  return { line, band, bandOf: (state) => found.get(keyOf(state)), keyOf };
}
