/* Bands over worlds, wherever they are computed: in workers, or in slices between other work where there are none. */

import { runWorlds, unpack } from "./worlds.js";

/** Milliseconds that the page is kept at work before it may answer, where there are no workers. */
const AT_A_STRETCH = 8;

/** Return `{ask(job, done)}`: `ask` computes a job over all worlds and calls `done({time, tables, totals})`
    unless a newer one was asked for meanwhile. `settings` is {worlds: by ensemble, owner, rule}; `source` the text
    of a worker's script. */
export function bandMaker(settings, source) {
  let number = 0;
  let parts = [];
  let current = null;
  const workers = startWorkers(source, settings, take, fallBack);

  function take({ number: of, part, time, tables, totals }) {
    if (of !== number || !current) return;
    parts[part] = { time, tables, totals };
    if (parts.filter(Boolean).length === workers.length) finish(joined(parts, current.edges));
  }

  function finish(result) {
    const { done } = current;
    current = null;
    done(result);
  }

  /** Where a worker is refused or dies, what it was asked for is computed here. */
  function fallBack() {
    if (!workers.length) return;
    for (const worker of workers.splice(0)) worker.terminate();
    if (current) here(current.job, number);
  }

  async function here(job, mine) {
    const key = `${job.model} ${job.ensemble}`;
    if (!here.worlds.has(key)) here.worlds.set(key, unpack(settings.worlds[job.ensemble], job.model, settings.owner));
    let since = performance.now();
    const pause = async () => {
      if (performance.now() - since < AT_A_STRETCH) return;
      await new Promise((resolve) => setTimeout(resolve, 0));
      since = performance.now();
    };
    const all = { ...job, from: 0, to: settings.worlds[job.ensemble].runs };
    const found = await runWorlds(all, here.worlds.get(key), settings.rule, 2, pause, () => mine !== number);
    if (found) finish(found);
  }
  here.worlds = new Map();

  function ask(job, done) {
    number += 1;
    const runs = settings.worlds[job.ensemble].runs;
    const edges = workers.map((_, i) => Math.round((i * runs) / workers.length)).concat(runs);
    parts = [];
    current = { job, done, edges };
    if (!workers.length) here(job, number);
    workers.forEach((worker, part) =>
      worker.postMessage({ number, part, job: { ...job, from: edges[part], to: edges[part + 1] } }),
    );
  }

  return { ask };
}

function startWorkers(source, settings, take, fallBack) {
  const started = [];
  try {
    const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
    const wanted = Math.min(navigator.hardwareConcurrency || 2, 4);
    for (let i = 0; i < wanted; i++) {
      const worker = new Worker(url);
      worker.onmessage = ({ data }) => take(data);
      worker.onerror = fallBack;
      worker.postMessage({ settings });
      started.push(worker);
    }
  } catch {
    started.splice(0).forEach((worker) => worker.terminate());
  }
  return started;
}

/** Return the tables and totals of all parts (row x run), joined along runs. */
function joined(parts, edges) {
  const runs = edges[edges.length - 1];
  const join = (of) => {
    const result = {};
    for (const name in parts[0][of]) {
      const rows = parts[0][of][name].length / (edges[1] - edges[0]);
      const table = (result[name] = new Float64Array(rows * runs));
      parts.forEach((part, i) => {
        const width = edges[i + 1] - edges[i];
        for (let row = 0; row < rows; row++)
          table.set(part[of][name].subarray(row * width, (row + 1) * width), row * runs + edges[i]);
      });
    }
    return result;
  };
  return { time: parts[0].time, tables: join("tables"), totals: join("totals") };
}
