/* How levers are moved: a state is one index a lever, as in the codes of runs (codec.js). */

import { valueOf } from "./codec.js";

/** Return the index at which a lever stands by itself; it may hang on the first lever, where that is a profile. */
export function usualOf({ usual }, first) {
  return usual.length > 1 ? usual[first] : usual[0];
}

/** Return whether a lever stands elsewhere than by itself; a profile does where it is not the first. */
export function isMoved({ levers }, state, i) {
  return state[i] !== (i === 0 && levers[0].options ? 0 : usualOf(levers[i], state[0]));
}

/** Return a state with one lever moved. With a profile go the levers that stood by themselves; shares of one budget
    that would exceed it together give way. */
export function moved(table, state, i, index) {
  const { levers } = table;
  const next = state.slice();
  next[i] = index;
  if (i === 0 && levers[0].options)
    levers.forEach((lever, k) => {
      if (k && !isMoved(table, state, k)) next[k] = usualOf(lever, index);
    });
  if (levers[i].budget) giveWay(levers, next, i);
  return next;
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
