/* A team's round as a short code, the same as the server gives: for when the network is gone. */

import { writeCode } from "./codec.js";

/** Return the code of a team's round, in groups of four signs; `setup` is what the server put into the page. */
export function codeOf(setup, team, round, choices, points) {
  const levers = Object.entries(setup.workshop.levers).filter(([, lever]) => lever.round === round);
  const own = levers.map(([name, lever]) => choices[name] ?? lever.default);
  return writeCode(setup.codes[round], [team - 1, ...own, ...points.map((point) => point / setup.workshop.sketch.step)]);
}
