/* Plausible worlds: unpacked, laid under what the reader has set, and run in slices so that nothing waits for long.
 */

import { models } from "./models.js";
import { probability } from "./risk.js";

const places = new Map();

/** Return where each constant of a model stands among its values: name -> index. */
export function placeOf(name) {
  if (!places.has(name)) places.set(name, new Map(models[name].model.constants.map((each, i) => [each.name, i])));
  return places.get(name);
}

/** Return the worlds of an ensemble as columns (constant -> Float64Array over runs), by the name of the constant.

    `packed` is {names, low, high, runs, steps: base64 of 16-bit numbers}. For a model that is not the ensemble's
    `owner` the constants that both have are varied in the same proportion, inside the model's limits. */
export function unpack(packed, modelName, owner) {
  const text = atob(packed.steps);
  const columns = new Map();
  packed.names.forEach((name, i) => {
    const column = new Float64Array(packed.runs);
    for (let run = 0; run < packed.runs; run++) {
      const at = 2 * (i * packed.runs + run);
      const step = text.charCodeAt(at) + 256 * text.charCodeAt(at + 1);
      column[run] = packed.low[i] + (packed.high[i] - packed.low[i]) * (step / 65535);
    }
    const borrowed = modelName === owner ? column : borrow(name, column, modelName, owner);
    if (borrowed) columns.set(name, borrowed);
  });
  return columns;
}

function borrow(name, column, modelName, owner) {
  const own = models[modelName].model.constants[placeOf(modelName).get(name)];
  if (!own) return null;
  const theirs = models[owner].model.constants[placeOf(owner).get(name)].value;
  return column.map((value) => {
    let result = own.value * (value / theirs);
    if (own.low !== null) result = Math.max(result, own.low);
    if (own.high !== null) result = Math.min(result, own.high);
    return result;
  });
}

/** Return what some worlds give, or null where `stopped()` says so meanwhile.

    `job` is {model, values, given: [indices of what is set], from, to, saveEvery, view, cumulative, spread, shown,
    totals, until}: names of a view's outputs, `spread` null where the model has none. `worlds` are the columns;
    `pause()` gives back control between slices of `slice` runs. Gives {time, tables, totals}: `tables[name]` is
    time x run, for `shown` and, as the probability of relapse, for `cumulative`; `totals[name]` the integral from
    time 0 to each of the times `until`, moment x run. */
export async function runWorlds(job, worlds, rule, slice, pause, stopped) {
  const count = job.to - job.from;
  const found = { time: null, tables: {}, totals: {} };
  for (let begin = job.from; begin < job.to; begin += slice) {
    await pause();
    if (stopped()) return null;
    const width = Math.min(slice, job.to - begin);
    const done = runSlice(job, worlds, begin, begin + width);
    found.time = done.time;
    const keep = (into, name, values) => {
      into[name] ??= new Float64Array((values.length / width) * count);
      for (let row = 0; row * width < values.length; row++)
        into[name].set(values.subarray(row * width, (row + 1) * width), row * count + begin - job.from);
    };
    keep(found.tables, job.cumulative, risks(done, job, rule, width));
    for (const name of job.shown) keep(found.tables, name, done.tables[name]);
    for (const name of job.totals) keep(found.totals, name, totals(done, name, job.until, width));
  }
  return found;
}

/** Return integrals by the trapezoidal rule from time 0 to each of some times, moment x run. */
function totals({ time, tables }, name, until, runs) {
  const table = tables[name];
  const result = new Float64Array(until.length * runs);
  const from = time.indexOf(0);
  until.forEach((end, k) => {
    for (let t = from + 1; time[t] <= end; t++)
      for (let run = 0; run < runs; run++)
        result[k * runs + run] += ((table[t * runs + run] + table[(t - 1) * runs + run]) / 2) * (time[t] - time[t - 1]);
  });
  return result;
}

function runSlice(job, worlds, begin, end) {
  const { model, runMany } = models[job.model];
  const given = new Set(job.given);
  const columns = model.constants.map((constant, i) => {
    const column = given.has(i) ? null : worlds.get(constant.name);
    return column ? column.subarray(begin, end) : job.values[i];
  });
  const view = model.views.findIndex((each) => each.name === job.view);
  const { time, series } = runMany(columns, end - begin, { saveEvery: job.saveEvery, view });
  const tables = {};
  model.views[view].outputs.forEach((output, j) => (tables[model.outputs[output].name] = series[j]));
  return { time, tables };
}

/** Return the probability of relapse (time x run), each run by its own spread of frailty. */
function risks(done, job, rule, runs) {
  const times = done.time.length;
  const table = done.tables[job.cumulative];
  const result = new Float64Array(table.length);
  const one = new Float64Array(times);
  for (let run = 0; run < runs; run++) {
    for (let t = 0; t < times; t++) one[t] = table[t * runs + run];
    const spread = job.spread ? done.tables[job.spread][run] : 0;
    probability(one, spread, rule).forEach((value, t) => (result[t * runs + run] = value));
  }
  return result;
}
