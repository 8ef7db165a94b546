/* Runs worlds beside the page, so that the page never waits. One job at a time: a newer one ends the one before. */

import { runWorlds, unpack } from "./worlds.js";

let settings = null;
let latest = 0;
const unpacked = new Map();
const { port1, port2 } = new MessageChannel();
const waiting = [];
port2.onmessage = () => waiting.shift()();

const pause = () =>
  new Promise((resolve) => {
    waiting.push(resolve);
    port1.postMessage(0);
  });

self.onmessage = async ({ data }) => {
  if (data.settings) {
    settings = data.settings;
    return;
  }
  latest = data.number;
  const key = `${data.job.model} ${data.job.ensemble}`;
  if (!unpacked.has(key)) unpacked.set(key, unpack(settings.worlds[data.job.ensemble], data.job.model, settings.owner));
  const stopped = () => data.number !== latest;
  const found = await runWorlds(data.job, unpacked.get(key), settings.rule, 25, pause, stopped);
  if (!found) return;
  const made = [found.time, ...Object.values(found.tables), ...Object.values(found.totals)];
  const buffers = made.map((values) => values.buffer);
  self.postMessage({ number: data.number, part: data.part, ...found }, buffers);
};
