/* From trajectories to risk, as in the package: frailty averaged, quantiles over worlds, a change split by driver. */

/** Return the probability of relapse over time for one run, averaged over lognormal frailty of median 1: `rule` is
    {nodes, weights}. Where there is no spread of frailty it is 1 - exp(-H). */
export function probability(hazards, spread, rule) {
  const result = new Float64Array(hazards.length);
  if (!spread) {
    for (let i = 0; i < hazards.length; i++) result[i] = -Math.expm1(-hazards[i]);
    return result;
  }
  const factors = rule.nodes.map((node) => Math.exp(spread * node));
  for (let i = 0; i < hazards.length; i++) {
    let total = 0;
    for (let k = 0; k < factors.length; k++) total += rule.weights[k] * -Math.expm1(-hazards[i] * factors[k]);
    result[i] = total;
  }
  return result;
}

/** Return quantiles of numbers, linear between neighbours; the array is sorted on the way. */
export function quantiles(values, levels) {
  values.sort();
  return levels.map((level) => quantile(values, level));
}

function quantile(sorted, level) {
  const at = level * (sorted.length - 1);
  const low = Math.floor(at);
  const high = Math.min(low + 1, sorted.length - 1);
  return sorted[low] + (sorted[high] - sorted[low]) * (at - low);
}

/** Return quantiles over runs at each time of a table (time x run): one array of times for each level.

    Runs hardly change places from one time to the next, so each row is sorted from the order of the row before. */
export function bands(table, runs, levels) {
  const times = table.length / runs;
  const result = levels.map(() => new Float64Array(times));
  const order = Uint32Array.from({ length: runs }, (_, run) => run);
  const sorted = new Float64Array(runs);
  for (let t = 0; t < times; t++) {
    sortFrom(order, sorted, table, t * runs);
    for (let k = 0; k < levels.length; k++) result[k][t] = quantile(sorted, levels[k]);
  }
  return result;
}

/** Put a row of a table into order by insertion, beginning with the order that is given, which becomes the row's. */
function sortFrom(order, sorted, table, row) {
  for (let i = 0; i < order.length; i++) {
    const run = order[i];
    const value = table[row + run];
    let at = i;
    for (; at > 0 && sorted[at - 1] > value; at--) {
      sorted[at] = sorted[at - 1];
      order[at] = order[at - 1];
    }
    sorted[at] = value;
    order[at] = run;
  }
}

function logarithmicMean(one, other) {
  const ratio = Math.log(other / one);
  return Math.abs(ratio) < 1e-6 ? one * (1 + ratio / 2) : (one * Math.expm1(ratio)) / ratio;
}

/** Return the change of the probability of relapse by driver from one run to another, in the same order as `parts`.

    `before` and `after` are {hazard, cumulative, parts: [series by driver]}; times `from` to `to` are indices. At
    each moment the change of the hazard is split by the logarithmic mean, then added up over time and over frailty.
    */
export function changeByDriver(before, after, time, from, to, spread, rule) {
  const h0 = before.cumulative[to];
  const h1 = after.cumulative[to];
  let weight = 0;
  rule.nodes.forEach((node, i) => {
    const frailty = Math.exp(spread * node);
    const change = frailty * Math.abs(h1 - h0);
    const share = change > 0 ? -Math.expm1(-change) / change : 1;
    weight += rule.weights[i] * frailty * Math.exp(-Math.min(h0, h1) * frailty) * share;
  });
  return before.parts.map((part, driver) => {
    let sum = 0;
    let earlier = 0;
    for (let t = from; t <= to; t++) {
      const rate = logarithmicMean(before.hazard[t], after.hazard[t]) * (after.parts[driver][t] - part[t]);
      if (t > from) sum += ((earlier + rate) / 2) * (time[t] - time[t - 1]);
      earlier = rate;
    }
    return weight * sum;
  });
}

/** Return the integral of a series by the trapezoidal rule between two indices. */
export function integral(time, values, from, to) {
  let sum = 0;
  for (let t = from + 1; t <= to; t++) sum += ((values[t] + values[t - 1]) / 2) * (time[t] - time[t - 1]);
  return sum;
}
