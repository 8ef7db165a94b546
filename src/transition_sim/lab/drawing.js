/* The charts of the page: what is drawn of a line, its band, and the pinned run. */

import { timeChart } from "./charts.js";
import { barsChart, rowsChart } from "./panels.js";
import { integral } from "./risk.js";

const START = -12;

/** Where names stand beside the lines and levers beside the charts; the same as in page.css. */
export const WIDE = "(min-width: 960px)";

/** Return when a month is, counted from the mandate. */
export function moment(speak, month) {
  const count = Math.round(month);
  if (!count) return speak.say("chart.at_mandate");
  return speak.say(count < 0 ? "chart.before" : "chart.at", { time: speak.months(Math.abs(count)) });
}

/** Return how time is written on the axes: in years from the mandate. */
function timeAxis(speak, to) {
  const format = (month, exact) => (exact ? moment(speak, month) : speak.number(month / 12));
  return {
    from: START,
    to,
    ticks: [0, 60, 120, 180, 240].filter((tick) => tick <= to),
    label: speak.say("chart.years"),
    format,
  };
}

/** Make all charts of one model in `places` {risk, hazard, drivers, gap, chain, small: {name: host}}.

    `draw({now, band, stale, pinned, horizon, cursor})`: lines of the present and the pinned run, a band or null. */
export function drawing(places, facts, modelName, speak, onCursor) {
  const panels = facts.panels[modelName];
  const model = facts.models[modelName];
  const wide = (width) => (width < 620 ? 205 : Math.max(240, Math.min(width * 0.44, innerHeight * 0.46)));
  const panel = () => 190;
  const tall = () => 40 * panels.chain.length;
  const direction = speak.direction;
  const roomy = matchMedia(WIDE).matches;
  const charts = {
    risk: timeChart(places.risk, { height: wide, margin: { right: roomy ? 138 : 14 }, onCursor }),
    hazard: timeChart(places.hazard, { height: tall, small: true, onCursor }),
    gap: timeChart(places.gap, { height: tall, small: true, onCursor }),
    drivers: rowsChart(places.drivers, { height: () => 50 + 54 * model.drivers.length, onCursor }),
    chain: barsChart(places.chain, { height: tall }),
  };
  for (const name of panels.small)
    charts[name] = timeChart(places.small[name], { height: panel, small: true, margin: { left: 50 }, onCursor });

  const percent = (value, exact, step) => speak.percent(value, exact || step < 0.00999 ? (step < 0.00099 ? 2 : 1) : 0);
  const plain = (value, _, step) => speak.short(Math.abs(value) < step / 1000 ? 0 : value);

  function events(given) {
    const value = (name) => given[name] ?? model.values[name];
    const marks = Object.entries(panels.marks).map(([id, name]) => ({
      at: value(name),
      label: speak.say(`mark.${id}`),
    }));
    if (!panels.window) return { windows: [], marks };
    const [start, length] = panels.window.map(value);
    return { windows: [{ from: start, to: start + length, label: speak.say("mark.draw_down") }], marks };
  }

  /** Return the lines and bands of one variable; `of` picks its series from a line, `name` its band's table. */
  function layers(view, of, name) {
    const lines = [{ id: "now", kind: "now", values: of(view.now) }];
    if (view.pinned) lines.unshift({ id: "pinned", kind: "pinned", values: of(view.pinned) });
    const bands = [];
    const table = view.band && (name === "risk" ? view.band.risk : view.band.tables[name]);
    if (table) bands.push({ id: "worlds", kind: "worlds", time: view.band.time, low: table[0], high: table[2] });
    return { lines, bands };
  }

  function base(view) {
    const to = view.now.time[view.now.time.length - 1];
    return {
      time: view.now.time,
      x: timeAxis(speak, to),
      direction,
      stale: view.stale,
      cursor: view.cursor,
      ...events(view.given),
    };
  }

  function risk(view) {
    const { lines, bands } = layers(view, (line) => line.risk, "risk");
    if (roomy) {
      for (const line of lines) line.label = speak.say(`chart.${line.id}`);
      for (const band of bands) band.label = speak.say("chart.worlds");
    }
    const label = speak.say(`chart.risk.${view.definition}`);
    return { ...base(view), lines, bands, y: { from: 0, label, format: percent } };
  }

  function hazard(view) {
    const name = panels.risk.hazard;
    const yearly = (values) => values.map((value) => 12 * value);
    const { lines, bands } = layers(view, (line) => yearly(line.series[name]), name);
    for (const band of bands) Object.assign(band, { low: yearly(band.low), high: yearly(band.high) });
    return { ...base(view), lines, bands, y: { from: 0, label: speak.say("chart.a_year"), format: percent } };
  }

  function gap(view) {
    const { need, absorbed } = panels.money;
    const series = view.now.series;
    const low = series[absorbed].map((value, t) => Math.min(value, series[need][t]));
    const lines = [
      { id: "need", kind: "second", values: series[need], label: speak.say(`variable.${need}`) },
      { id: "now", kind: "now", values: series[absorbed], label: speak.say(`variable.${absorbed}`) },
    ];
    if (view.pinned) lines.unshift({ id: "pinned", kind: "pinned", values: view.pinned.series[absorbed] });
    const bands = [{ id: "gap", kind: "gap", low, high: series[need] }];
    return { ...base(view), lines, bands, y: { from: 0, label: unitOf(need), format: plain } };
  }

  function drivers(view) {
    const rows = model.drivers.map((name) => ({
      id: name,
      label: speak.say(`driver.${name}`),
      values: view.now.series[`hazard from ${name}`],
      pinned: view.pinned?.series[`hazard from ${name}`],
    }));
    const format = (value) => speak.say("chart.times", { factor: speak.number(Math.exp(value), 2) });
    return { ...base(view), rows, format };
  }

  function chain(view) {
    const { time } = view.now;
    const from = time.indexOf(0);
    const to = time.indexOf(12 * view.horizon);
    const last = panels.chain.indexOf(panels.money.absorbed);
    const bars = panels.chain.map((name, i) => {
      const range = view.band?.totals[view.horizon][name];
      return {
        id: name,
        label: speak.say(`variable.${name}`),
        value: integral(time, view.now.series[name], from, to),
        pinned: view.pinned ? integral(time, view.pinned.series[name], from, to) : undefined,
        low: range?.[0],
        high: range?.[2],
        kind: panels.lost.includes(name) ? "loss" : i === 0 ? "need" : i === last ? "good" : "plain",
      };
    });
    const amount = ({ low, high, value }) => {
      const both = low === undefined ? [value, value] : [low, high];
      const [one, other] = both.map((each) => speak.short(Number(each.toPrecision(2))));
      return one === other ? one : speak.say("range", { low: one, high: other });
    };
    return { bars, direction, format: amount };
  }

  const unitOf = (name) => speak.say(`unit.${model.units[name]}`);

  function small(view, name) {
    const unit = model.units[name];
    const { lines, bands } = layers(view, (line) => line.series[name], name);
    const index = unit === "Dmnl";
    const y = { from: 0, to: index ? 1 : undefined, label: index ? "" : unitOf(name), format: plain };
    return { ...base(view), lines, bands, y };
  }

  const makers = { risk, hazard, gap, drivers, chain };
  for (const name of panels.small) makers[name] = (view) => small(view, name);

  function draw(view) {
    for (const name in charts) charts[name].draw(makers[name](view));
  }

  function cursor(at) {
    for (const name in charts) charts[name].cursor?.(at);
  }

  return { draw, cursor, charts };
}
