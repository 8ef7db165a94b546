/* The facilitator's screen: the clock, who has committed, news to inject, closing, undoing, codes on paper. */

import { clock, fill, h, honesty, languageChoice, refusal, setupOf } from "./kit.js";
import { openLine } from "./line.js";
import { teamsTable } from "./show.js";

const setup = setupOf(document);
const { workshop } = setup;
const main = document.getElementById("main");
const token = location.hash.slice(1);
const order = Object.keys(workshop.rounds);
let speak, view, time, armed;
let message = "";
let sheet = { team: 1, choices: {}, points: null };
const language = languageChoice(setup, (given) => {
  speak = given;
  paint(true);
});
language.use();
const line = openLine(token, {
  onView: (next) => {
    const other = !view || view.phase !== next.phase || view.round_name !== next.round_name;
    if (other) sheet = { team: 1, choices: {}, points: null };
    view = next;
    paint(other);
  },
  onLine: (up) => document.body.classList.toggle("offline", !up),
  onLeft: () => fill(main, h("p", { class: "told" }, speak.say("refused_other"))),
  onAnswer: (command, answer) => {
    message = answer.ok ? "" : refusal(speak, setup, answer.refused, answer.values);
    paint(answer.ok && (command.type === "code" || command.type === "sheet"));
  },
});

/* A button that loses something asks to be pressed twice. */
function careful(name, words, command, classes = "") {
  const text = armed === name ? speak.say("sure") : words;
  return h("button", { id: `careful-${name}`, class: classes, onclick: () => {
    if (armed !== name) {
      armed = name;
      setTimeout(() => armed === name && ((armed = null), paint()), 5000);
      return paint();
    }
    armed = null;
    line.send(command);
  } }, text);
}

let parts;
function paint(anew = false) {
  if (!view) {
    fill(main, h("h1", {}, speak.say("facilitator")));
    return;
  }
  if (anew || !parts) {
    time?.stop();
    time = clock(speak);
    parts = { control: h("section", { class: "card" }), teams: h("section", { class: "card" }), news: h("section", { class: "card" }), results: h("section", { class: "card" }) };
    fill(main,
      h("header", { class: "top" }, h("h1", {}, `${speak.say("facilitator")} · ${speak.of(workshop.title)}`), time.node, language.select()),
      h("p", { class: "hint" }, speak.say("private_screen")),
      h("p", { class: "line" }, speak.say("offline")),
      h("div", { class: "columns" }, h("div", {}, parts.control, parts.news), h("div", {}, parts.teams, view.phase === "open" ? [codeEntry(), sheetEntry()] : null)),
      parts.results, honesty(speak));
  }
  time.set(view);
  fill(parts.control, control());
  fill(parts.teams, teams());
  fill(parts.news, news());
  parts.results.hidden = !view.results;
  if (view.results) fill(parts.results, teamsTable(speak, setup, view.results, view.standing));
}

function control() {
  const round = workshop.rounds[view.round_name];
  const next = order[view.round + 1];
  const late = view.teams.filter((team) => !team.committed).map((team) => team.number);
  const send = (command) => () => line.send(command);
  const print = `/print?token=${encodeURIComponent(token)}&language=${speak.language}`;
  const debrief = `/debrief?token=${encodeURIComponent(token)}&language=${speak.language}`;
  const minutes = setup.talk;
  return [
    h("h2", {}, round ? speak.say("round_number", { round: view.round + 1, rounds: order.length, title: speak.of(round.title) }) : speak.say("lobby")),
    h("p", { class: "told", role: "alert" }, message),
    h("div", { class: "buttons" },
      view.phase === "open" && late.length === 0 && h("button", { id: "close", class: "main", onclick: send({ type: "close" }) }, speak.say("close_round")),
      view.phase === "open" && late.length > 0 && careful("close", speak.say("close_anyway", { teams: speak.list(late) }), { type: "close", force: true }),
      (view.phase === "lobby" || view.phase === "shown") && next && h("button", { id: "open", class: "main", onclick: send({ type: "open", round: next }) }, speak.say("open_round", { round: view.round + 2 })),
      view.phase === "shown" && !next && h("button", { id: "end", class: "main", onclick: send({ type: "end" }) }, speak.say("end")),
      view.phase === "shown" && next && careful("end", speak.say("end"), { type: "end" }),
      view.phase !== "lobby" && careful("undo", speak.say(view.phase === "open" ? "undo_open" : view.phase === "shown" ? "undo_shown" : "undo"), { type: "undo" })),
    view.phase === "open" && h("div", { class: "buttons" },
      h("button", { id: "clock", onclick: send({ type: "timer", minutes }) }, speak.say("start_timer", { minutes })),
      h("button", { id: "clock-one", onclick: send({ type: "timer", minutes: 1 }) }, speak.say("start_timer", { minutes: 1 })),
      view.ends !== null && h("button", { id: "clock-stop", onclick: send({ type: "timer", minutes: 0 }) }, speak.say("stop_timer"))),
    h("ul", { class: "links" },
      h("li", {}, h("a", { href: `/projector#${view.projector}`, target: "_blank", rel: "noopener" }, speak.say("projector"))),
      h("li", {}, h("a", { href: print, target: "_blank", rel: "noopener" }, speak.say("print_pages"))),
      view.results && h("li", {}, h("a", { href: debrief, target: "_blank", rel: "noopener" }, speak.say("make_debrief")))),
  ];
}

function teams() {
  return [
    h("h2", {}, speak.say("teams")),
    h("p", { class: "address", dir: "ltr" }, setup.address),
    h("ul", { class: "teams" }, view.teams.map((team) =>
      h("li", { class: team.committed ? "done" : false },
        h("b", {}, speak.say("team_number", { team: team.number })), " ",
        h("span", { class: "join", dir: "ltr" }, view.join[team.number]), " ",
        h("span", {}, speak.say("devices", { count: view.devices[team.number] ?? 0 })), " ",
        view.phase === "open" && h("span", { class: "state" }, speak.say(team.committed ? "committed" : team.sketched ? "sketched" : "no_sketch_yet")), " ",
        careful(`replace-${team.number}`, speak.say("replace_team"), { type: "replace", team: team.number }, "quiet")))),
  ];
}

function news() {
  const send = (name) => ({ type: "news", round: view.round_name, news: name });
  return [
    h("h2", {}, speak.say("news")),
    view.news.length ? h("ul", {}, view.news.map((each) => h("li", {}, h("b", {}, speak.of(each.title)), ` ${speak.say("happened")}`))) : h("p", {}, speak.say("no_news")),
    view.can_happen.map((each) => h("div", { class: "news-item" }, h("p", {}, h("b", {}, speak.of(each.title)), ` ${speak.of(each.text)}`), careful(`news-${each.name}`, speak.say("inject"), send(each.name)))),
  ];
}

function codeEntry() {
  const input = h("input", { id: "entry", autocomplete: "off", spellcheck: "false", maxlength: 40, dir: "ltr" });
  const enter = (event) => {
    event.preventDefault();
    if (input.value.trim()) line.send({ type: "code", code: input.value });
  };
  return h("form", { class: "card", onsubmit: enter }, h("label", { for: "entry" }, h("b", {}, speak.say("enter_code"))), input, h("button", { type: "submit" }, speak.say("put_down")));
}

function sheetEntry() {
  const { years, step, most } = workshop.sketch;
  const levers = Object.entries(workshop.levers).filter(([, lever]) => lever.round === view.round_name);
  sheet.points ??= years.map(() => 0);
  const select = (id, title, options, value, change) => h("div", { class: "field" }, h("label", { for: id }, title), h("select", { id, onchange: (event) => change(Number(event.target.value)) }, options.map((text, i) => h("option", { value: i, selected: i === value }, text))));
  const enter = (event) => {
    event.preventDefault();
    line.send({ type: "sheet", team: sheet.team, round: view.round_name, choices: sheet.choices, points: sheet.points });
  };
  const letters = (i) => String.fromCharCode(65 + i);
  const percents = Array.from({ length: most / step + 1 }, (_, i) => String(i * step));
  return h("details", { class: "card" }, h("summary", {}, speak.say("enter_sheet")), h("form", { onsubmit: enter },
    select("sheet-team", speak.say("team"), view.teams.map((team) => speak.say("team_number", { team: team.number })), sheet.team - 1, (i) => (sheet.team = i + 1)),
    levers.map(([name, lever]) => select(`sheet-${name}`, speak.of(lever.title), lever.choices.map((choice, i) => `${letters(i)}  ${speak.of(choice.label)}`), sheet.choices[name] ?? lever.default, (i) => (sheet.choices[name] = i))),
    years.map((year, i) => select(`sheet-year-${year}`, speak.say("by_year", { year }), percents, sheet.points[i] / step, (at) => (sheet.points[i] = at * step))),
    h("p", { class: "hint" }, speak.say("read_back")), h("button", { type: "submit" }, speak.say("put_down"))));
}
