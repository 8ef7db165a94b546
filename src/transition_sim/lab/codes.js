/* Codes of runs on this page: which model's levers a code speaks of, and in the reader's words what is wrong with one. */

import { readHead, readState, writeCode } from "./codec.js";

/** Return `{write(model, state), read(text)}` over the tables of levers by model. `read` gives {model, state} and throws
    an Error with `reason`, a word that the catalogue has as `code.wrong.REASON`. */
export function coder(tables) {
  const wrong = (reason) => Object.assign(new Error(reason), { reason });

  function read(text) {
    const { letter, edition, body } = readHead(text);
    const model = Object.keys(tables).find((name) => tables[name].letter === letter);
    if (!model) throw wrong("kind");
    if (tables[model].edition !== edition) throw wrong("edition");
    const state = readState(body, tables[model].levers);
    if (overspent(tables[model].levers, state)) throw wrong("content");
    return { model, state };
  }

  function overspent(levers, state) {
    const spent = {};
    levers.forEach((lever, i) => {
      if (lever.budget) spent[lever.budget] = (spent[lever.budget] ?? 0) + (lever.first + lever.step * state[i]) / lever.scale;
    });
    return Object.values(spent).some((sum) => sum > 1 + 1e-9);
  }

  const write = (model, state) => writeCode(tables[model].letter, tables[model].edition, tables[model].levers, state);
  return { write, read };
}
