/* Codes of runs: a state of a model's levers as a few letters. The same as study/codec.py, where the rules are told.

   A table is what `LeverTable.data()` gives: {model, letter, edition, levers: [{id, count, usual, constant, first, step,
   scale, budget} or {id, count, usual, options: [{id, sets}]}], switches}. A state is one index a lever. */

const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const VERSION = 1, MAX_TYPED = 200, HEAD = 4, CHECKS = 2;
const IGNORED = /[ \t\r\n\u00a0\u2009\u202f\-\u2010-\u2014\u2212_.]/gu;
const POWERS = [1];
while (POWERS.length < 31) {
  const last = POWERS[POWERS.length - 1];
  POWERS.push((last << 1) ^ (last & 16 ? 0b100101 : 0));
}
const LOGS = new Map(POWERS.map((value, power) => [value, power]));
const G1 = POWERS[1] ^ POWERS[2], G0 = POWERS[3], REST = [1, 1];

/** A code cannot be read. `reason`: empty, long, character, mistyped, version, kind, edition, content; `meant`: the code
    that was perhaps meant, in groups, or nothing. */
export class CodeError extends Error {
  constructor(reason, meant = "") {
    super(`code: ${reason}`);
    this.reason = reason;
    this.meant = meant;
  }
}

/** Return the code of a state, in groups of four. */
export function writeCode(table, state) {
  const { letter, edition, levers } = table;
  if (state.length !== levers.length || !state.every((index, i) => Number.isInteger(index) && index >= 0 && index < levers[i].count))
    throw new RangeError("this is no state of the levers");
  const symbols = [VERSION, ALPHABET.indexOf(letter), (edition >> 5) & 31, edition & 31, ...digitsOf(packed(levers, state))];
  return grouped(textOf([...symbols, ...remainder([...symbols, 0, 0]).map((left, i) => left ^ REST[i])]));
}

/** Return {table, state} of a code that was typed, `tables` being those it may be of; CodeError with what is wrong. */
export function readCode(code, tables) {
  const text = cleaned(code);
  try {
    return read(text, tables);
  } catch (error) {
    if (error.reason !== "mistyped") throw error;
    const meant = repaired(text).filter((near) => {
      try {
        return read(near, tables);
      } catch {
        return false;
      }
    });
    throw meant.length === 1 ? new CodeError("mistyped", grouped(meant[0])) : error;
  }
}

/** Return the state in which every lever stands where it stands by itself, given the index of the first. */
export function usualState({ levers }, first = 0) {
  return levers.map((lever, i) => (i === 0 && lever.options ? first : usualOf(lever, first)));
}

/** Return the constants that a state sets, {name: value}; later levers win. */
export function settingsOf({ levers }, state) {
  const found = {};
  levers.forEach((lever, i) => {
    if (lever.constant) found[lever.constant] = valueOf(lever, state[i]);
    else Object.assign(found, lever.options[state[i]].sets);
  });
  return found;
}

/** Return the value of a lever's constant at an index. */
export function valueOf({ first, step, scale }, index) {
  return (first + step * index) / scale;
}

/** Return whether the shares of each budget sum to 1 at most. */
export function isWithinBudgets({ levers }, state) {
  const spent = {};
  levers.forEach((lever, i) => {
    if (lever.budget) spent[lever.budget] = (spent[lever.budget] ?? 0) + valueOf(lever, state[i]);
  });
  return Object.values(spent).every((total) => total <= 1 + 1e-9);
}

/** Return a typed code in the code's own letters; CodeError for other characters. */
function cleaned(code) {
  const typed = String(code);
  if (typed.length > MAX_TYPED) throw new CodeError("long");
  const text = typed.replace(IGNORED, "").toUpperCase().replace(/[OIL\u0660-\u0669\u06f0-\u06f9]/gu, (c) =>
    c === "O" ? "0" : c === "I" || c === "L" ? "1" : String(c.charCodeAt(0) & 15));
  if (!text) throw new CodeError("empty");
  for (const symbol of text) if (!ALPHABET.includes(symbol)) throw new CodeError("character");
  return text;
}

function read(text, tables) {
  const symbols = symbolsOf(text);
  if (!isSound(symbols)) throw new CodeError("mistyped");
  if (symbols[0] !== VERSION) throw new CodeError("version");
  const table = tables.find(({ letter }) => letter === text[1]);
  if (!table) throw new CodeError("kind");
  if (((symbols[2] << 5) | symbols[3]) !== table.edition) throw new CodeError("edition");
  const state = unpacked(symbols.slice(HEAD, -CHECKS), table.levers);
  if (!isWithinBudgets(table, state)) throw new CodeError("content");
  return { table, state };
}

/** Return the index at which a lever stands by itself; it may hang on the first lever, where that is a profile. */
export function usualOf({ usual }, first) {
  return usual.length > 1 ? usual[first] : usual[0];
}

function packed(levers, state) {
  let number = 0n;
  for (let i = levers.length - 1; i >= 0; i--) {
    const usual = usualOf(levers[i], i ? state[0] : 0), index = state[i];
    if (index === usual) number *= 2n;
    else number = (number * BigInt(levers[i].count - 1) + BigInt(index - (index > usual))) * 2n + 1n;
  }
  return number;
}

function unpacked(digits, levers) {
  let number = 0n;
  for (const digit of digits) number = number * 32n + BigInt(digit);
  const state = [];
  for (const lever of levers) {
    const usual = usualOf(lever, state[0] ?? 0), moved = number % 2n;
    number /= 2n;
    if (!moved) {
      state.push(usual);
      continue;
    }
    const others = BigInt(Math.max(lever.count - 1, 1)), place = Number(number % others);
    number /= others;
    state.push(place + (place >= usual));
  }
  if (number || digits[0] === 0 || state.some((index, i) => index >= levers[i].count)) throw new CodeError("content");
  return state;
}

function digitsOf(number) {
  const digits = [];
  for (; number; number /= 32n) digits.unshift(Number(number % 32n));
  return digits;
}

/** Return the codes that lie one wrong symbol, or one swap of neighbours, from what was typed. */
function repaired(text) {
  const symbols = symbolsOf(text), tries = [];
  for (let i = 0; i + 1 < symbols.length; i++) tries.push(swapped(symbols, i));
  const at = (word, power) => word.reduce((value, symbol) => times(value, POWERS[power]) ^ symbol, 0);
  const [one, two] = [1, 2].map((power) => at(symbols, power) ^ at(REST, power));
  if (one && two) {
    const place = (LOGS.get(two) - LOGS.get(one) + 31) % 31;
    const wrong = symbols.length - 1 - place;
    if (wrong >= 0) tries.push(symbols.map((symbol, i) => (i === wrong ? symbol ^ POWERS[(LOGS.get(one) - place + 31) % 31] : symbol)));
  }
  return [...new Set(tries.filter(isSound).map(textOf))];
}

function swapped(symbols, i) {
  const other = [...symbols];
  [other[i], other[i + 1]] = [other[i + 1], other[i]];
  return other;
}

function times(a, b) {
  return a && b ? POWERS[(LOGS.get(a) + LOGS.get(b)) % 31] : 0;
}

/** Return whether places in the alphabet are those of a code: long enough, and fit by its check symbols. */
function isSound(symbols) {
  return symbols.length >= HEAD + CHECKS && remainder(symbols).every((left, i) => left === REST[i]);
}

/** Return what is left of a word divided by the polynomial of the check symbols. */
function remainder(symbols) {
  let high = 0, low = 0;
  for (const symbol of symbols) [high, low] = [low ^ times(high, G1), symbol ^ times(high, G0)];
  return [high, low];
}

function symbolsOf(text) {
  return [...text].map((symbol) => ALPHABET.indexOf(symbol));
}

function textOf(symbols) {
  return symbols.map((symbol) => ALPHABET[symbol]).join("");
}

function grouped(text) {
  return text.match(/.{1,4}/g).join("-");
}
