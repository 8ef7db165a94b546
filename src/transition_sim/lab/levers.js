/* How levers are moved: a state is one index a lever, as in the codes of runs (codec.js). */

import { usualOf, valueOf } from "./codec.js";

/** Return whether a lever stands elsewhere than by itself; a profile does where it is not the first. */
export function isMoved({ levers }, state, i) {
  return state[i] !== (i === 0 && levers[0].options ? 0 : usualOf(levers[i], state[0]));
}

/** Return a state with one lever moved. With a profile go the levers that stood by themselves; shares of one budget
    that would exceed it together give way; what a switch has put to a sum of levers follows them. */
export function moved(table, state, i, index) {
  const { levers } = table;
  const held = table.switches.map((each) => choiceOf(table, state, each));
  const next = state.slice();
  next[i] = index;
  if (i === 0 && levers[0].options)
    levers.forEach((lever, k) => {
      if (k && !isMoved(table, state, k)) next[k] = usualOf(lever, index);
    });
  if (levers[i].budget) giveWay(levers, next, i);
  return table.switches.reduce((found, each, k) => {
    const choice = each.choices[held[k]];
    return !choice || levers[i].id in choice.puts ? found : switched(table, found, choice);
  }, next);
}

/** Return a state with levers put where a choice of a switch puts them. */
export function switched(table, state, choice) {
  const next = state.slice();
  for (const [i, index] of puts(table, state, choice)) next[i] = index;
  return next;
}

/** Return which choice of a switch holds in a state: the first whose levers all stand where it puts them, else -1. */
export function choiceOf(table, state, { choices }) {
  return choices.findIndex((choice) => puts(table, state, choice).every(([i, index]) => state[i] === index));
}

/** Return [lever, index] for each lever that a choice puts; one that goes beyond the last step stays there. */
function puts({ levers }, state, choice) {
  const at = (id) => levers.findIndex((lever) => lever.id === id);
  return Object.entries(choice.puts).map(([id, where]) => {
    const i = at(id);
    if (typeof where === "number") return [i, where];
    const sum = where.map(at).reduce((total, k) => total + valueOf(levers[k], state[k]), 0);
    const index = Math.round((sum * levers[i].scale - levers[i].first) / levers[i].step);
    return [i, Math.min(Math.max(index, 0), levers[i].count - 1)];
  });
}

function giveWay(levers, state, kept) {
  const others = levers.map((_, k) => k).filter((k) => k !== kept && levers[k].budget === levers[kept].budget);
  const left = 1 - valueOf(levers[kept], state[kept]);
  const sum = others.reduce((total, k) => total + valueOf(levers[k], state[k]), 0);
  if (sum <= left + 1e-9) return;
  for (const k of others) {
    const share = (valueOf(levers[k], state[k]) / sum) * left;
    state[k] = Math.floor((share * levers[k].scale - levers[k].first) / levers[k].step + 1e-9);
  }
}
