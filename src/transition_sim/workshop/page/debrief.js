/* The debrief, as a file of its own: teams side by side, or one team in full, to read and to print. */

import { tenth } from "./charts.js";
import { make as h } from "./elements.js";
import { caution, fill, honesty, languageChoice, setupOf } from "./kit.js";
import { assumedTag, numerals, outcomeTable, rangeBars, rangeCell, riskFigure, teamsTable, watchFigures } from "./show.js";

const setup = setupOf(document);
const { workshop, debrief } = setup;
const main = document.getElementById("main");
const drivers = setup.drivers;
let speak;
const language = languageChoice(setup, (given) => {
  speak = given;
  paint();
});
language.use();

function tell(key, values = {}) {
  return drivers[key][speak.language].replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}

function paint() {
  const title = setup.team ? `${speak.say("debrief")} · ${speak.say("team_number", { team: setup.team })}` : speak.say("debrief");
  fill(main,
    h("header", { class: "top" }, h("h1", {}, `${title} · ${speak.of(workshop.title)}`),
      h("span", { class: "screen-only" }, h("button", { onclick: () => window.print() }, tell("print")), " ", language.select())),
    honesty(speak, "div"),
    h("p", { class: "lead" }, speak.of(workshop.question)),
    setup.team ? oneTeam(setup.team) : allTeams());
}

/* A part of the page, to which the contents lead: what its figures are stands right below its heading, then `hint`. */
function part(id, title, hint, ...children) {
  return h("section", { class: "card", id }, h("div", { class: "lead-in" }, h("h2", {}, title), caution(speak), hint && h("p", { class: "hint" }, hint)), children);
}

/* The contents: of [id, title]. */
function contents(parts) {
  return h("nav", { class: "contents screen-only", "aria-label": tell("contents") }, h("b", {}, tell("contents")), parts.filter(Boolean).map(([id, title]) => h("a", { href: `#${id}` }, title)));
}

function allTeams() {
  const teams = Object.keys(debrief.teams);
  const results = Object.fromEntries(teams.map((team) => [team, debrief.teams[team].results]));
  const drawn = teams.map((team) => lastPoints(team)?.at(-1) ?? 0);
  const top = Math.max(20, ...drawn, ...Object.values(results).map((result) => 100 * result.bands.risk[2].at(-1)));
  const named = (team) => speak.say("team_number", { team });
  return [
    contents([["questions", speak.of(setup.questions[0])], ["sides", speak.say("compare_teams")], ["risks", speak.say("risk_sheet")], ...teams.map((team) => [`team-${team}`, named(team)])]),
    newsList(),
    questions(),
    part("sides", speak.say("compare_teams"), "", teamsTable(speak, setup, results, debrief.standing)),
    part("risks", speak.say("risk_sheet"), speak.say("ranges", { worlds: speak.number(debrief.worlds) }),
      h("div", { class: "grid" }, teams.map((team) =>
        h("div", { class: "one-figure" }, h("h3", {}, named(team)),
          riskFigure(speak, setup, results[team], lastPoints(team), { top, height: 230 }), h("p", { class: "screen-only" }, h("a", { href: `${setup.links[`team-${team}.html`]}` }, `${named(team)} …`)))))),
    teams.map((team) => part(`team-${team}`, named(team), "", sketchTable(team), changes(team))),
  ];
}

function questions() {
  const [title, ...asked] = setup.questions;
  return h("section", { class: "card", id: "questions" }, h("h2", {}, speak.of(title)), h("ol", {}, asked.map((each) => h("li", {}, speak.of(each)))));
}

function oneTeam(team) {
  const found = debrief.teams[team];
  const over = tell("worlds", { worlds: speak.number(debrief.worlds) });
  return [
    contents([["plan", tell("plan")], ["worlds", over], ["changed", tell("one_changed")], ["turning", tell("turning")], ["questions", speak.of(setup.questions[0])]]),
    newsList(),
    part("plan", tell("plan"), "", planList(team),
      riskFigure(speak, setup, found.results, lastPoints(team)), h("p", { class: "hint" }, speak.say("ranges", { worlds: speak.number(debrief.worlds) })),
      sketchTable(team)),
    part("worlds", over, "", outcomeTable(speak, setup, found.results), betterList(found),
      h("p", { class: "hint" }, speak.say("no_sum")), watchFigures(speak, setup, found.results)),
    part("changed", tell("one_changed"), "", changes(team)),
    part("turning", tell("turning"), tell("turning_hint"), turns(found)),
    questions(),
    setup.links["index.html"] ? h("p", { class: "screen-only" }, h("a", { href: setup.links["index.html"] }, tell("all_teams"))) : null,
  ];
}

function newsList() {
  if (!debrief.news.length) return null;
  return h("section", { class: "card news" }, h("h2", {}, speak.say("news")), debrief.news.map(([round, name]) => h("p", {}, `${speak.of(workshop.rounds[round].title)}: `, h("b", {}, `${speak.of(setup.news[name].title)}.`), ` ${speak.of(setup.news[name].text)}`)));
}

function lastPoints(team) {
  return debrief.teams[team].rounds.map((each) => each.points).filter(Boolean).at(-1) ?? null;
}

function planList(team) {
  const { choices } = debrief.teams[team];
  return h("ul", { class: "plan" }, debrief.rounds.map((round) => h("li", {}, h("b", {}, `${speak.of(workshop.rounds[round].title)}: `),
    Object.entries(workshop.levers).filter(([name, lever]) => lever.round === round && choices[name] !== lever.default)
      .map(([name, lever]) => `${speak.of(lever.title)}: ${speak.of(lever.choices[choices[name]].label)}`).join("; ") || speak.say("as_planned"))));
}

function sketchTable(team) {
  const { years } = workshop.sketch;
  const rows = debrief.teams[team].rounds.map((each) => h("tr", {}, h("th", { scope: "row" }, speak.of(workshop.rounds[each.round].title)),
    years.map((year, i) => {
      const found = each.risk[i];
      const drawn = each.points ? speak.number(each.points[i]) : "—";
      const inside = each.points && each.points[i] >= tenth(found.p10) && each.points[i] <= tenth(found.p90);  // as it is shown
      const range = numerals(`${drawn} → ${speak.number(found.p10, 1)} – ${speak.number(found.p90, 1)}`);
      return h("td", { class: inside && "best", "data-label": tell("last_year", { year }) }, h("span", {}, h("b", {}, range), h("small", {}, speak.say("middle"), " ", numerals(speak.number(found.median, 1)))));
    })));
  return h("div", { class: "wide", tabindex: "0", role: "region", "aria-label": tell("sketches") },
    h("table", { class: "stack" }, h("caption", {}, `${tell("sketches")} (${speak.say("expected")} → ${speak.say("found")})`),
      h("thead", {}, h("tr", {}, h("th", { scope: "col" }, speak.say("round")), years.map((year) => h("th", { scope: "col" }, tell("last_year", { year }))))), h("tbody", {}, rows)), h("p", { class: "hint" }, tell("inside")));
}

function betterList(found) {
  return h("ul", {}, Object.entries(workshop.outcomes).map(([name, outcome]) => h("li", {}, `${speak.of(outcome.title)}: ${tell("better_share", { share: speak.number(found.better[name]) })} `, found.results.assumed && assumedTag(speak, "assumed_part"))));
}

function changes(team) {
  const { changed } = debrief.teams[team];
  if (!changed.length) return h("p", {}, tell("none_changed"));
  const risky = [...changed].sort((a, b) => a.outcomes.risk?.median - b.outcomes.risk?.median);
  const assumed = changed.some((each) => each.assumed);
  return [
    h("div", { class: "lead-in" }, !setup.team && h("h3", {}, tell("one_changed")), h("p", { class: "hint" }, tell("one_changed_hint")),
      assumed && h("p", { class: "assumed-note" }, tell("assumed_note"))),
    setup.team && workshop.outcomes.risk && h("figure", { class: "figure" }, h("figcaption", {}, tell("bar_risk"), h("small", { class: "keys" }, h("span", { class: "key key-bar" }, tell("bar_plain")), assumed && h("span", { class: "key key-assumed" }, tell("bar_assumed")))),
      rangeBars(speak, risky.map((each) => ({ label: speak.of(workshop.levers[each.lever].title), assumed: each.assumed, ...each.outcomes.risk })))),
    changesTable(changed),
  ];
}

function changesTable(changed) {
  const outcomes = Object.entries(workshop.outcomes);
  const head = [h("th", { scope: "col" }, speak.say("decisions")), ...outcomes.map(([, outcome]) => h("th", { scope: "col" }, speak.of(outcome.title), h("small", {}, speak.of(outcome.unit)))), h("th", { scope: "col" }, tell("through"))];
  const beside = Object.fromEntries(outcomes.map(([name]) => [name, changed.map((each) => each.outcomes[name])]));
  const rows = changed.map((each) => {
    const lever = workshop.levers[each.lever];
    const marked = each.assumed && "assumed";
    return h("tr", { class: marked }, h("th", { scope: "row" }, speak.of(lever.title), h("small", {}, `${speak.of(lever.choices[lever.default].label)} → ${speak.of(lever.choices[each.choice].label)}`), each.assumed && assumedTag(speak, "assumed_size")),
      outcomes.map(([name, outcome]) => h("td", { class: marked, "data-label": `${speak.of(outcome.title)}, ${speak.of(outcome.unit)}` }, h("span", {}, rangeCell(speak, each.outcomes[name], beside[name], true)))),
      h("td", { class: marked, "data-label": tell("through") }, each.driver ? driver(each.driver) : "—"));
  });
  return h("div", { class: "wide", tabindex: "0", role: "region", "aria-label": tell("one_changed") }, h("table", { class: "stack changes" }, h("thead", {}, h("tr", {}, head)), h("tbody", {}, rows)));
}

function driver(name) {
  const key = name.replaceAll(" ", "_");
  return drivers[key] ? tell(key) : name;
}

/* What a stock of the model is called; a stock without words of its own keeps its name, without brackets. */
function stock(name) {
  const key = `stock_${name.replace(/\W+/g, "_").replace(/_$/, "")}`;
  return drivers[key] ? tell(key) : name.replace(/\[(.*)\]/, ": $1");
}

function turns(found) {
  const ways = { R: "reinforcing", B: "balancing", U: "changing" };
  const loop = ({ polarity, stocks }) => tell("loop", { way: tell(ways[polarity]), stocks: stocks.map(stock).join(speak.direction === "rtl" ? " ← " : " → ") });
  return h("ol", {}, found.turns.map((each) => h("li", {},
    tell("until", { month: speak.number(each.to), way: tell(each.up ? "rises" : "falls"), before: speak.number(each.yearly[0], 1), after: speak.number(each.yearly[1], 1) }),
    h("small", {}, `${tell("moved_by")}: ${speak.list(each.with.map(driver))}${each.against.length ? `; ${tell("held_by")}: ${speak.list(each.against.map(driver))}` : ""}`),
    h("small", { class: "loop" }, each.loop ? loop(each.loop) : tell("no_loop")))));
}
