/* The state of a model's levers: one index a lever, as in the codes of runs; what a state sets, and how one is moved. */

/** Return the index at which a lever stands by itself; it may hang on the first lever, where that is a profile. */
export function usualOf(lever, first) {
  return lever.usual.length > 1 ? lever.usual[first] : lever.usual[0];
}

/** Return the state in which every lever stands where it stands by itself. */
export function usualState(levers, first = 0) {
  return levers.map((lever, i) => (i === 0 && lever.options ? first : usualOf(lever, first)));
}

/** Return the value of a lever's constant at an index: the same double as in Python. */
export function valueOf(lever, index) {
  return (lever.first + lever.step * index) / lever.scale;
}

/** Return the constants that a state sets, by name; later levers win over earlier ones. */
export function settings(levers, state) {
  const set = {};
  levers.forEach((lever, i) => {
    if (lever.constant) set[lever.constant] = valueOf(lever, state[i]);
    else Object.assign(set, lever.options[state[i]].sets);
  });
  return set;
}

/** Return whether a lever stands elsewhere than by itself; a profile does where it is not the first. */
export function isMoved(levers, state, i) {
  return state[i] !== (i === 0 && levers[0].options ? 0 : usualOf(levers[i], state[0]));
}

/** Return a state with one lever moved. With a profile go the levers that stood by themselves; shares of one budget that
    would exceed it together give way. */
export function moved(levers, state, i, index) {
  const next = state.slice();
  next[i] = index;
  if (i === 0 && levers[0].options)
    levers.forEach((lever, k) => {
      if (k && !isMoved(levers, state, k)) next[k] = usualOf(lever, index);
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
