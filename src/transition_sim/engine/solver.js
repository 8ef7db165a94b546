// The solver of a printed model: the same steps, exact events and saved times as the Python batch engine (solvers.py).
// This text stands inside one closure with what engine/javascript.py prints:
//   model, C (constants of a run), X (state), K (net flows), O (what is observed),
//   start(t), atEvent(te), atTime(t, te), flows(t, te), observers, moments(), RK4, EXACT.

const stocks = X.length, Y = new Float64Array(stocks), total = new Float64Array(stocks);

/** Return start, start + step, ... and stop; the last step may be shorter. */
function regular(start, stop, step) {
  const count = Math.floor((stop - start) / step * (1 + 1e-12) + 1e-9);
  const times = Array.from({ length: count + 1 }, (_, i) => start + step * i);
  if (stop - times[count] > 1e-9 * step) times.push(stop);
  times[times.length - 1] = stop;
  return Float64Array.from(times);
}

/** Return sorted numbers, each once. */
function unique(numbers) {
  return Float64Array.from(numbers).sort().filter((x, i, all) => i === 0 || x !== all[i - 1]);
}

/** Return the saved times, put exactly on the steps that they fall on. */
function savedTimes(start, stop, every, step) {
  const steps = regular(start, stop, step);
  return regular(start, stop, every).map((time) => {
    const near = steps[Math.min(passed(steps, time - step / 2, false), steps.length - 1)];
    return Math.abs(near - time) <= 1e-9 * step ? near : time;
  });
}

/** Return the nodes of a run: the base grid with the run's own break points. */
function nodesOf(base, points) {
  const first = base[0], last = base[base.length - 1];
  const inside = unique(points.filter((x) => x > first && x < last));
  const nodes = new Float64Array(base.length + inside.length);
  let count = 0, next = 0;
  for (const time of base) {
    while (next < inside.length && inside[next] < time) nodes[count++] = inside[next++];
    if (inside[next] === time) next++;
    nodes[count++] = time;
  }
  return nodes.subarray(0, count);
}

/** Check the settings of time; return the grid that all runs share. */
function planOf({ start, stop, step, saveEvery, view } = {}) {
  const time = model.time;
  const plan = { start: start ?? time.start, stop: stop ?? time.stop, step: step ?? time.step,
    every: saveEvery ?? time.saveEvery, view: view ?? 0 };
  if (!(plan.start < plan.stop && Number.isFinite(plan.stop - plan.start))) throw new RangeError("start must be before stop");
  if (!(plan.step > 0 && plan.every > 0)) throw new RangeError("step and saveEvery must be above zero");
  if ((plan.stop - plan.start) / Math.min(plan.step, plan.every) > 1e6) throw new RangeError("more than a million steps");
  if (!EXACT && Math.abs(plan.every / plan.step - Math.round(plan.every / plan.step)) > 1e-9)
    throw new RangeError("saveEvery must be a multiple of step where events are compatible");
  if (time.fixedStep && plan.step !== time.step) throw new RangeError("this model needs its own step");
  if (!observers[plan.view]) throw new RangeError(`there is no view ${plan.view}`);
  plan.saved = savedTimes(plan.start, plan.stop, plan.every, plan.step);
  plan.base = unique([...regular(plan.start, plan.stop, plan.step), ...plan.saved]);
  return plan;
}

/** Put what the plan says of time in the place of the file's own numbers. */
function setClock(plan) {
  for (const [at, key] of clock) C[at] = plan[key];
  half = EXACT ? 0 : plan.step / 2;
}

/** One step of Euler's method; K holds the net flows. */
function euler(h) {
  for (let i = 0; i < stocks; i++) X[i] = X[i] + h * K[i];
}

/** One classical Runge-Kutta step of fourth order, in the same order of operations as the Python engine. */
function rk4(t, te, h) {
  const near = h / 2, middle = t + h / 2, end = t + h, sixth = h / 6;
  for (let i = 0; i < stocks; i++) { Y[i] = X[i]; total[i] = K[i]; X[i] = Y[i] + near * K[i]; }
  atTime(middle, te);
  flows(middle, te);
  for (let i = 0; i < stocks; i++) { total[i] += 2 * K[i]; X[i] = Y[i] + near * K[i]; }
  flows(middle, te);
  for (let i = 0; i < stocks; i++) { total[i] += 2 * K[i]; X[i] = Y[i] + h * K[i]; }
  atTime(end, te);
  flows(end, te);
  for (let i = 0; i < stocks; i++) X[i] = Y[i] + sixth * (total[i] + K[i]);
}

/** Integrate the run whose constants are in C; put outputs into series, at [time * count + run]. */
function integrate(plan, series, count, run) {
  const outputs = series.length, { saved } = plan, observe = observers[plan.view];
  start(plan.start);
  const nodes = EXACT ? nodesOf(plan.base, moments(plan)) : plan.base;
  for (let i = 0, row = 0; i < nodes.length; i++) {
    const t = nodes[i], after = i + 1 < nodes.length ? nodes[i + 1] : t, te = EXACT ? (t + after) / 2 : t;
    atEvent(te);
    atTime(t, te);
    if (t === saved[row]) {
      observe(t, te);
      for (let j = 0; j < outputs; j++) series[j][row * count + run] = O[j];
      row++;
    }
    if (i + 1 < nodes.length) {
      flows(t, te);
      if (RK4) rk4(t, te, after - t); else euler(after - t);
    }
  }
}

/** Return the model's own constants, for `run`. */
function defaults() {
  return Float64Array.from(model.constants, (constant) => constant.value);
}

/** Return one run: {time, series}; series[j] is output j of the view over time. */
function run(values, options) {
  const plan = planOf(options);
  if (values.length !== C.length) throw new RangeError(`${C.length} constants are expected, ${values.length} were given`);
  C.set(values);
  setClock(plan);
  const series = model.views[plan.view].outputs.map(() => new Float64Array(plan.saved.length));
  integrate(plan, series, 1, 0);
  return { time: plan.saved, series };
}

/** Return many runs: {time, series}; columns[i] is constant i, a number or one for each run; series[j][time * count + run]. */
function runMany(columns, count, options) {
  const plan = planOf(options);
  if (columns.length !== C.length) throw new RangeError(`${C.length} columns are expected, ${columns.length} were given`);
  const series = model.views[plan.view].outputs.map(() => new Float64Array(plan.saved.length * count));
  for (let run = 0; run < count; run++) {
    for (let i = 0; i < C.length; i++) C[i] = typeof columns[i] === "number" ? columns[i] : columns[i][run];
    setClock(plan);
    integrate(plan, series, count, run);
  }
  return { time: plan.saved, series };
}

// What the functions of a model file need beyond Math.

function power(a, b) {
  return a === 1 || (a === -1 && (b === Infinity || b === -Infinity)) ? 1 : Math.pow(a, b);
}

function quantum(a, b) {
  return b < SMALL ? a : b * Math.trunc(a / b);
}

function modulo(a, b) {
  return a - quantum(a, b);
}

function xidz(a, b, otherwise) {
  return Math.abs(b) < SMALL ? otherwise : a / b;
}

function zidz(a, b) {
  return xidz(a, b, 0);
}

/** Return 1 inside a pulse, else 0; the rest of the division has the sign of `repeat`. */
function pulseTrain(t, start, duration, repeat, end, slack) {
  let rest = (t - start + slack) % repeat;
  if (rest !== 0 && rest < 0 !== repeat < 0) rest += repeat;
  return t >= start && t < end && rest < duration ? 1 : 0;
}

/** Return a table's points with the slopes between them. */
function table(x, y) {
  const slopes = y.slice(1).map((value, i) => (value - y[i]) / (x[i + 1] - x[i]));
  return { x: Float64Array.from(x), y: Float64Array.from(y), slopes: Float64Array.from(slopes) };
}

/** Return how many points lie before a number, or before it and on it; what is no number lies behind all. */
function passed(x, at, on) {
  let low = 0, high = x.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (on ? x[middle] > at : x[middle] >= at) high = middle; else low = middle + 1;
  }
  return low;
}

function forward({ x, y }, at) {
  return y[Math.min(passed(x, at, false), x.length - 1)];
}

function backward({ x, y }, at) {
  return y[Math.max(passed(x, at, true) - 1, 0)];
}

function extrapolate({ x, y, slopes }, at) {
  const cell = Math.min(Math.max(passed(x, at, true) - 1, 0), x.length - 2);
  return y[cell] + slopes[cell] * (at - x[cell]);
}

function interpolate(points, at) {
  const { x, y } = points, last = x.length - 1;
  return at <= x[0] ? y[0] : at >= x[last] ? y[last] : extrapolate(points, at);
}

/** Add the break points of a PULSE TRAIN that can fall into the run. */
function addTrain(points, stop, start, duration, repeat, end) {
  if (!(repeat > 0)) throw new RangeError("PULSE TRAIN repeats at an interval that is not above zero");
  const count = Math.trunc((Math.min(end, stop) - start) / repeat) + 1;
  if (count > MAX_TRAIN) throw new RangeError(`PULSE TRAIN has ${count} pulses; at most ${MAX_TRAIN} are split exactly`);
  points.push(end);
  for (let k = 0; k < count; k++) points.push(start + k * repeat, start + k * repeat + duration);
}
