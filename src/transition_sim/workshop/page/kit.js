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
  return {
    language,
    direction: language === "ar" ? "rtl" : "ltr",
    say,
    of: (texts) => texts[language],
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
  };
  return {
    node: h("div", { class: "reply" }, told, answers, done),
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
  const decided = moved.map(([name, choice]) => `${speak.of(levers[name].title)}: ${speak.of(levers[name].choices[choice].label)}`);
  const drawn = points ? `${speak.say("sketch")}: ${points.map((each) => speak.number(each)).join(" / ")}` : speak.say("no_sketch_yet");
  return [...(decided.length ? decided : [speak.say("all_planned")]), drawn].join("; ");
}

/** Return words for a refusal. */
export function refusal(speak, setup, refused, values) {
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
