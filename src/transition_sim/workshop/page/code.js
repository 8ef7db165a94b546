/* A team's round as a short code, the same as the server gives: for when the network is gone. */

const SIGNS = "0123456789ABCDEFGHJKMNPQRSTVWXY";

/** Return digits of mixed radices as signs, the last a check sign. */
export function encode(digits, radices) {
  const base = BigInt(SIGNS.length);
  let value = 0n;
  let most = 1n;
  digits.forEach((digit, i) => {
    value = value * BigInt(radices[i]) + BigInt(digit);
    most *= BigInt(radices[i]);
  });
  const numbers = [];
  while (most > 1n) {
    numbers.unshift(Number(value % base));
    value /= base;
    most = (most + base - 1n) / base;
  }
  const check = numbers.reduce((sum, number, place) => sum + (place + 2) * number, 0) % SIGNS.length;
  return [...numbers, check].map((number) => SIGNS[number]).join("");
}

/** Return the code of a team's round, in groups of four signs; `mark` tells the workshop. */
export function codeOf(workshop, mark, mostTeams, team, round, choices, points) {
  const order = Object.keys(workshop.rounds);
  const levels = Math.floor(workshop.sketch.most / workshop.sketch.step) + 1;
  const leversOf = (name) => Object.entries(workshop.levers).filter(([, lever]) => lever.round === name);
  const radicesOf = (name) => [...leversOf(name).map(([, lever]) => lever.choices.length), ...workshop.sketch.years.map(() => levels)];
  const product = (radices) => radices.reduce((whole, radix) => whole * BigInt(radix), 1n);
  const room = order.map((name) => product(radicesOf(name))).reduce((one, other) => (other > one ? other : one));
  const own = [...leversOf(round).map(([name, lever]) => choices[name] ?? lever.default), ...points.map((p) => p / workshop.sketch.step)];
  const radices = radicesOf(round);
  const tail = own.reduce((whole, digit, i) => whole * BigInt(radices[i]) + BigInt(digit), 0n);
  const signs = encode([mark, order.indexOf(round), team - 1, tail], [31, order.length, mostTeams, room]);
  return signs.match(/.{1,4}/g).join("-");
}
