/* The facilitator's screen: the clock, who has committed, news to inject, closing, undoing, codes on paper. */

import { make as h } from "./elements.js";
import { budgets, clock, fill, honesty, keyOfPage, languageChoice, lateWords, moment, refusal, seatWords, setupOf } from "./kit.js";
import { openLine } from "./line.js";
import { paperForms } from "./paper.js";
import { riskFigure, riskKey, teamsTable } from "./show.js";

const setup = setupOf(document);
const { workshop } = setup;
const main = document.getElementById("main");
const token = keyOfPage("facilitator");
const ARMED = 8000;
const UNDO = { open: "undo_open", shown: "undo_shown", ended: "undo_ended" };
const order = Object.keys(workshop.rounds);
let speak, view, time, armed;
let told = {};
const language = languageChoice(setup, (given) => {
  speak = given;
  paint(true);
});
language.use();
const line = openLine(token, {
  onView: (next) => {
    const other = !view || view.phase !== next.phase || view.round_name !== next.round_name;
    if (other) {
      told = {};
      armed = null;
    }
    view = next;
    paint(other);
  },
  onLine: (up) => document.body.classList.toggle("offline", !up),
  onLeft: () => fill(main, h("p", { class: "told" }, speak.say("no_key"))),
  onAnswer: (command, answer) => {
    if (command.type === "code" || command.type === "sheet") return parts?.paper?.answered(command, answer);
    told = answer.ok ? {} : { [placeOf(command)]: refusal(speak, setup, answer.refused, answer.values) };
    paint();
  },
});

/* Where on the page a command comes from: what is refused is told there. */
function placeOf(command) {
  if (command.type === "news") return `news-${command.news}`;
  return command.type === "replace" ? `replace-${command.team}` : "control";
}

function toldAt(place) {
  return h("p", { class: "told", role: "alert" }, told[place] ?? "");
}

/* A button that loses something says that it is to be pressed twice, and then asks for the second time. */
function careful(name, words, command, classes = "") {
  const sure = armed === name;
  const press = () => {
    if (armed === name) {
      armed = null;
      line.send(command);
      return;
    }
    armed = name;
    setTimeout(() => armed === name && ((armed = null), paint()), ARMED);
    paint();
  };
  return h("button", { id: `careful-${name}`, class: sure ? `${classes} armed` : classes, "aria-live": "polite", onclick: press },
    sure ? speak.say("press_again", { what: words }) : [words, h("small", {}, speak.say("press_twice"))]);
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
    const card = () => h("section", { class: "card" });
    parts = { control: card(), teams: card(), news: card(), results: card(), balances: h("div", {}), situation: view.phase === "open" ? situation() : null, paper: view.phase === "open" ? paperForms(setup, speak, line.send) : null };
    fill(main,
      h("header", { class: "top" }, h("h1", {}, `${speak.say("facilitator")} · ${speak.of(workshop.title)}`), time.node, language.select()),
      h("p", { class: "hint caution" }, `${speak.say("private_screen")} ${speak.say("caution")}`),
      h("p", { class: "line" }, speak.say("offline")),
      h("div", { class: "columns" }, h("div", {}, parts.control, parts.paper?.nodes, parts.paper && h("details", { class: "card" }, h("summary", {}, speak.say("balances")), parts.balances)), h("div", {}, parts.teams, parts.news)),
      parts.results, honesty(speak));
  }
  time.set(view);
  fill(parts.control, control());
  fill(parts.teams, teams());
  fill(parts.news, news());
  parts.paper?.update(view);
  if (parts.paper) fill(parts.balances, balances());
  parts.results.hidden = !view.results && !view.unchanged && !view.last;
  if (!anew) return;
  if (view.results) fill(parts.results, results(view));
  else if (view.last) fill(parts.results, h("details", {}, h("summary", {}, speak.say("last_result", { title: speak.of(workshop.rounds[view.last.of_round].title) })), results(view.last)));
  else if (view.unchanged) fill(parts.results, h("h2", {}, speak.say("before_rounds")), riskFigure(speak, setup, view.unchanged, null, { unchanged: true }), h("p", { class: "hint" }, speak.say("ranges", { worlds: speak.number(view.worlds) })));
}

/* What a closed round gave: who was late, the risk of each team against its sketch, and all outcomes side by side. */
function results(shown) {
  const figure = ([team, result]) => {
    const loose = shown.uncommitted.includes(Number(team));
    const title = speak.say("team_number", { team });
    return h("section", {}, h("h3", {}, loose ? `${title} · ${speak.say("not_committed_mark")}` : title), riskFigure(speak, setup, result, shown.sketches[team], { bare: true, loose, height: 230, top }));
  };
  const each = Object.entries(shown.results);
  const top = Math.max(20, ...each.map(([team, result]) => Math.max(100 * result.bands.risk[2].at(-1), shown.sketches[team]?.at(-1) ?? 0)));
  const late = lateWords(speak, shown.uncommitted);
  return [
    late && h("p", { class: "told" }, late),
    h("p", { class: "hint" }, speak.say("caution")),
    h("h2", {}, speak.say("risk_sheet")),
    h("p", { class: "hint" }, riskKey(speak, { result: true, drawn: each.some(([team]) => shown.sketches[team]) }), " ", speak.say("ranges", { worlds: speak.number(view.worlds) })),
    h("div", { class: "grid" }, each.map(figure)),
    h("h2", {}, speak.say("compare_teams")),
    teamsTable(speak, setup, shown.results, shown.standing),
  ];
}

/* What each role of each team has spent and has left, with what is put down in the open round. */
function balances() {
  return view.teams.map((team) => [
    h("h3", {}, speak.say("team_number", { team: team.number })),
    h("ul", {}, Object.entries(budgets(workshop, view.plans[team.number].choices, (round) => order.indexOf(round) > view.round)).map(([role, { spent, later, size }]) =>
      h("li", {}, speak.say("balance", { role: speak.of(workshop.roles[role].title), spent: speak.number(spent), later: speak.number(later), left: speak.number(size - spent - later), size: speak.number(size) })))),
  ]);
}

function situation() {
  const round = workshop.rounds[view.round_name];
  return h("details", {}, h("summary", {}, speak.say("situation")), h("p", { class: "when" }, moment(speak, round)), h("p", {}, speak.of(round.situation)));
}

function heading(round) {
  if (view.phase === "ended") return speak.say("ended");
  return round ? speak.say("round_number", { round: view.round + 1, rounds: order.length, title: speak.of(round.title) }) : speak.say("not_begun");
}

function control() {
  const round = workshop.rounds[view.round_name];
  const next = order[view.round + 1];
  const late = view.teams.filter((team) => !team.committed).map((team) => team.number);
  const send = (command) => () => line.send(command);
  const page = (path, key, words) => h("li", {}, h("a", { href: `${path}?token=${encodeURIComponent(view.keys[key])}&language=${speak.language}`, target: "_blank", rel: "noopener" }, speak.say(words)));
  const minutes = setup.talk;
  return [
    h("h2", {}, heading(round)),
    parts.situation,
    view.phase === "open" && h("div", { class: "buttons" },
      h("button", { id: "clock", onclick: send({ type: "timer", minutes }) }, speak.say("start_timer", { minutes })),
      h("button", { id: "clock-one", onclick: send({ type: "timer", minutes: 1 }) }, speak.say("start_timer", { minutes: 1 })),
      view.ends !== null && h("button", { id: "clock-stop", onclick: send({ type: "timer", minutes: 0 }) }, speak.say("stop_timer"))),
    h("div", { class: "buttons" },
      view.phase === "open" && late.length === 0 && h("button", { id: "close", class: "main", onclick: send({ type: "close" }) }, speak.say("close_round")),
      view.phase === "open" && late.length > 0 && careful("close", speak.count("close_anyway", late.length, { teams: speak.list(late) }), { type: "close", force: true }),
      (view.phase === "lobby" || view.phase === "shown") && next && h("button", { id: "open", class: "main", onclick: send({ type: "open", round: next }) }, speak.say("open_round", { round: view.round + 2 })),
      view.phase === "shown" && !next && h("button", { id: "end", class: "main", onclick: send({ type: "end" }) }, speak.say("end")),
      view.phase === "shown" && next && careful("end", speak.say("end"), { type: "end" }),
      view.phase !== "lobby" && careful("undo", speak.say(UNDO[view.phase]), { type: "undo" })),
    toldAt("control"),
    h("ul", { class: "links" },
      h("li", {}, h("a", { href: `/projector#${view.keys.projector}`, target: "_blank", rel: "noopener" }, speak.say("projector"))),
      page("/print", "print", "print_pages"),
      view.results && page("/results", "print", "print_results"),
      view.results && page("/debrief", "debrief", "make_debrief")),
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
        view.phase === "open" && h("span", { class: "state" }, speak.say(team.committed ? "committed" : team.sketched ? "sketched" : "no_sketch_yet")), " ",
        seatWords(speak, setup, view.seats[team.number]).map((words) => h("span", { class: "seats" }, words, " ")),
        careful(`replace-${team.number}`, speak.say("replace_team"), { type: "replace", team: team.number }, "quiet"), toldAt(`replace-${team.number}`)))),
  ];
}

function news() {
  const send = (name) => ({ type: "news", round: view.round_name, news: name });
  return [
    h("h2", {}, speak.say("news")),
    view.news.length ? h("ul", {}, view.news.map((each) => h("li", {}, h("b", {}, speak.of(each.title)), ` (${speak.say("happened")}). ${speak.of(each.text)}`))) : h("p", {}, speak.say("no_news")),
    view.can_happen.map((each) => h("div", { class: "news-item" }, h("p", {}, h("b", {}, `${speak.of(each.title)}.`), ` ${speak.of(each.text)}`), careful(`news-${each.name}`, speak.say("inject"), send(each.name)), toldAt(`news-${each.name}`))),
  ];
}
