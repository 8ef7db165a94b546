/* What the workshop's pages share: elements, words, numbers, the clock. Text enters by textContent alone. */

import { make as h, present } from "./elements.js";
import { voice } from "./voice.js";

/** Put children into a node in place of what it holds; what had the focus and has an id gets it back. */
export function fill(node, ...children) {
  const focused = node.contains(document.activeElement) ? document.activeElement.id : "";
  node.replaceChildren(...present(children));
  if (focused) document.getElementById(focused)?.focus();
}

/** Return how a language speaks: `say(key, values)`, `of(texts)`, numbers, direction. */
export function speaker(setup, language) {
  const { say, format, number, short, list } = voice(language, (key) => setup.words[key]?.[language]);
  const real = (text) => text.replace(/[\u200e\u200f]/g, "").replace("-", "\u2212");  // a minus, not a hyphen
  const plurals = new Intl.PluralRules(language);
  return {
    language,
    /** Say a text in the form that its language has for a count: `key_one`, `key_two` ..., else `key_other`. */
    count: (key, many, values) => {
      const own = `${key}_${plurals.select(many)}`;
      return say(setup.words[own] ? own : `${key}_other`, values);
    },
    direction: language === "ar" ? "rtl" : "ltr",
    say,
    of: (texts) => texts[language],
    pair: (name, value) => `${name}${say("colon")} ${value}`,
    number,
    short,
    signed: (value, digits) => real(format({ maximumFractionDigits: digits, minimumFractionDigits: digits, signDisplay: "exceptZero" }).format(value)),
    list,
  };
}

/** Return what the server put into the page. */
export function setupOf(document) {
  return JSON.parse(document.getElementById("setup").textContent);
}

/** Keep the language of a page: chosen by the reader, else the session's. Calls `changed` with a speaker. */
export function languageChoice(setup, changed) {
  let language = sessionStorage.getItem("language") ?? setup.language;
  if (!setup.languages[language]) language = setup.language;
  const use = () => {
    const speak = speaker(setup, language);
    document.documentElement.lang = language;
    document.documentElement.dir = speak.direction;
    changed(speak);
  };
  const select = () =>
    h(
      "select",
      {
        class: "language",
        id: "language",
        "aria-label": setup.words.language[language],
        onchange: (event) => {
          language = event.target.value;
          sessionStorage.setItem("language", language);
          use();
        },
      },
      Object.entries(setup.languages).map(([code, name]) => h("option", { value: code, lang: code, selected: code === language }, name)),
    );
  return { use, select };
}

/** Return a node that counts down to `ends`, both by the server's clock. */
export function clock(speak) {
  const node = h("span", { class: "clock", role: "timer" });
  let ends = null;
  let ahead = 0;
  const show = () => {
    if (ends === null) {
      node.textContent = "";
      return;
    }
    const left = Math.max(0, Math.ceil(ends - (Date.now() / 1000 + ahead)));
    node.textContent = left ? `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}` : speak.say("time_up");
    node.classList.toggle("late", left < 60);
  };
  const timer = setInterval(show, 500);
  return {
    node,
    set(view) {
      ends = view.ends;
      ahead = view.now - Date.now() / 1000;
      show();
    },
    stop: () => clearInterval(timer),
  };
}

/** Return the key that stands behind the # of a page's address, kept for this tab and taken out of what others see. */
export function keyOfPage(name) {
  const given = location.hash.slice(1);
  if (given) {
    sessionStorage.setItem(`key.${name}`, given);
    history.replaceState(null, "", location.pathname + location.search);
  }
  return given || sessionStorage.getItem(`key.${name}`) || "";
}

/** Return a place beside a form for what became of it: `refuse(text)`, `done(text)`, `ask(text, answers)`, `clear()`.
    `answers` are [words, what to do]; the first of them gets the focus. */
export function reply(id) {
  const told = h("p", { class: "told", role: "alert", id });
  const done = h("p", { class: "went", role: "status" });
  const answers = h("div", { class: "buttons" });
  const show = (refused, text, choices) => {
    told.textContent = refused;
    done.textContent = text;
    fill(answers, choices.map(([words, act]) => h("button", { type: "button", onclick: act }, words)));
    answers.querySelector("button")?.focus();
    if (refused || text) node.scrollIntoView({ block: "nearest" });
  };
  const node = h("div", { class: "reply" }, told, answers, done);
  return {
    node,
    refuse: (text) => show(text, "", []),
    done: (text) => show("", text, []),
    ask: (text, choices) => show(text, "", choices),
    clear: () => show("", "", []),
  };
}

/** Return what a team has put down for a round in words: what is not as planned, and the sketch. */
export function roundWords(speak, setup, { choices, points }) {
  const { levers } = setup.workshop;
  const moved = Object.entries(choices).filter(([name, choice]) => choice !== levers[name].default);
  const decided = moved.map(([name, choice]) => speak.pair(speak.of(levers[name].title), speak.of(levers[name].choices[choice].label)));
  const drawn = points ? speak.pair(speak.say("sketch"), points.map((each) => speak.number(each)).join(" / ")) : speak.say("no_sketch_yet");
  return [...(decided.length ? decided : [speak.say("all_planned")]), drawn].join("; ");
}

/** Return what each role has spent with some choices of all rounds: {role: {spent, later, size}}, where `later` is set
    aside for rounds that `isLater(round)` names. */
export function budgets({ levers, roles }, choices, isLater) {
  const found = Object.fromEntries(Object.entries(roles).map(([role, { purse }]) => [role, { spent: 0, later: 0, size: purse.size }]));
  for (const [name, lever] of Object.entries(levers)) {
    const price = lever.choices[choices[name] ?? lever.default].price;
    found[lever.role][isLater(lever.round) ? "later" : "spent"] += price;
  }
  return found;
}

/** Return the decision of another round that has paid already for what can be paid for once: its name; else nothing. */
export function boughtBy({ levers }, choices, name) {
  const { once, round } = levers[name];
  return Object.keys(levers).find((other) => once && levers[other].once === once && levers[other].round !== round && (choices[other] ?? levers[other].default) !== levers[other].default);
}

/** Return in words that something is paid for already, by which round and with what. */
export function boughtWords(speak, { levers, rounds }, choices, other) {
  const round = Object.keys(rounds).indexOf(levers[other].round) + 1;
  return speak.say("bought", { round, what: speak.of(levers[other].choices[choices[other]].label) });
}

/** Return the letter that a choice has on paper. */
export const letterOf = (i) => String.fromCharCode(65 + i);

/** Return which roles of a team are connected, and which are missing, in words; `seats` is {role: devices}. */
export function seatWords(speak, { workshop }, seats) {
  const many = (name, count) => (count > 1 ? `${name} (${speak.number(count)})` : name);
  const title = (role) => speak.of(workshop.roles[role].title);
  const here = Object.keys(workshop.roles).filter((role) => seats[role]);
  const who = here.map((role) => many(title(role), seats[role]));
  if (seats.shared) who.push(many(speak.say("one_device"), seats.shared));
  if (!who.length) return [speak.say("nobody_connected")];
  const missing = Object.keys(workshop.roles).filter((role) => !seats[role]);
  const told = [speak.say("connected", { who: speak.list(who) })];
  if (missing.length && !seats.shared) told.push(speak.say("missing_roles", { who: speak.list(missing.map(title)) }));
  return told;
}

/** Return that teams were late and what became of it, or nothing. */
export function lateWords(speak, teams) {
  return teams?.length ? speak.count("not_counted", teams.length, { teams: speak.list(teams) }) : null;
}

/** Return words for a refused decision code: what is wrong with it, or which round it is for. */
export function codeRefusal(speak, { workshop }, refused, values) {
  if (refused === "round_not_open") {
    const order = Object.keys(workshop.rounds);
    const at = (round) => order.indexOf(round) + 1;
    const words = { round: at(values.round), title: speak.of(workshop.rounds[values.round].title), open: at(values.open) };
    return speak.say(values.open ? "refused_code_of_other_round" : "refused_code_of_no_round", words);
  }
  const known = ["mistyped", "character", "edition"].includes(values.reason) ? values.reason : "other";
  return speak.say("refused_wrong_code", { told: values.meant ? speak.say("wrong_meant", { meant: `\u2066${values.meant}\u2069` }) : speak.say(`wrong_${known}`) });
}

/** Return words for a refusal. */
export function refusal(speak, setup, refused, values) {
  if (refused === "wrong_code") return codeRefusal(speak, setup, refused, values);
  const key = `refused_${refused}`;
  const told = { ...values };
  if (told.role && setup.workshop.roles[told.role]) told.role = speak.of(setup.workshop.roles[told.role].title);
  return setup.words[key] ? speak.say(key, told) : speak.say("refused_other");
}

/** Return where in time a round stands, in words. */
export function moment(speak, round) {
  return round.month < 0 ? speak.say("now_before", { month: -round.month }) : speak.say("now_month", { month: round.month });
}

/** Return the lines that every page carries, at its foot or at its top: what the model is, and what is assumed. */
export function honesty(speak, place = "footer") {
  return h(place, { class: "honest" }, h("p", {}, speak.say("honest")), h("p", {}, speak.say("assumption")));
}

/** Return the same in short, to stand beside figures and tables. */
export function caution(speak) {
  return h("span", { class: "caution" }, speak.say("honest_short"));
}
