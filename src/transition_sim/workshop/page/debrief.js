/* The debrief, as a file of its own: teams side by side, or one team in full, to read and to print. */

import { make as h } from "./elements.js";
import { fill, honesty, languageChoice, setupOf } from "./kit.js";
import { numerals, outcomeTable, rangeBars, rangeFirst, riskFigure, signedSpan, teamsTable, watchFigures } from "./show.js";

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
    h("p", { class: "lead" }, speak.of(workshop.question)),
    setup.team ? oneTeam(setup.team) : allTeams(),
    honesty(speak));
}

function allTeams() {
  const results = Object.fromEntries(Object.entries(debrief.teams).map(([team, found]) => [team, found.results]));
  const drawn = Object.keys(results).map((team) => lastPoints(team)?.at(-1) ?? 0);
  const top = Math.max(20, ...drawn, ...Object.values(results).map((result) => 100 * result.bands.risk[2].at(-1)));
  return [
    newsList(),
    h("section", { class: "card" }, teamsTable(speak, setup, results, debrief.standing)),
    h("div", { class: "grid" }, Object.entries(results).map(([team, result]) =>
      h("section", { class: "card" }, h("h2", {}, speak.say("team_number", { team })),
        riskFigure(speak, setup, result, lastPoints(team), { top, height: 230 }), h("p", { class: "screen-only" }, h("a", { href: `${setup.links[`team-${team}.html`]}` }, `${speak.say("team_number", { team })} …`))))),
    h("p", { class: "hint" }, speak.say("ranges", { worlds: speak.number(debrief.worlds) })),
    Object.keys(debrief.teams).map((team) => h("section", { class: "card" }, h("h2", {}, speak.say("team_number", { team })), sketchTable(team), changes(team))),
    questions(),
  ];
}

function questions() {
  const [title, ...asked] = setup.questions;
  return h("section", { class: "card" }, h("h2", {}, speak.of(title)), h("ol", {}, asked.map((each) => h("li", {}, speak.of(each)))));
}

function oneTeam(team) {
  const found = debrief.teams[team];
  return [
    newsList(),
    h("section", { class: "card" }, h("h2", {}, tell("plan")), planList(team),
      riskFigure(speak, setup, found.results, lastPoints(team)), h("p", { class: "hint" }, speak.say("ranges", { worlds: speak.number(debrief.worlds) })),
      sketchTable(team)),
    h("section", { class: "card" }, h("h2", {}, tell("worlds", { worlds: speak.number(debrief.worlds) })), outcomeTable(speak, setup, found.results), betterList(found),
      h("p", { class: "hint" }, speak.say("no_sum")), watchFigures(speak, setup, found.results)),
    h("section", { class: "card" }, changes(team)),
    h("section", { class: "card" }, turns(found)),
    questions(),
    setup.links["index.html"] ? h("p", { class: "screen-only" }, h("a", { href: setup.links["index.html"] }, tell("all_teams"))) : null,
  ];
}

function newsList() {
  if (!debrief.news.length) return null;
  return h("section", { class: "card news" }, h("h2", {}, speak.say("news")), debrief.news.map(([round, name]) => h("p", {}, `${speak.of(workshop.rounds[round].title)}: `, h("b", {}, speak.of(setup.news[name].title)), ` ${speak.of(setup.news[name].text)}`)));
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
    years.map((_, i) => {
      const found = each.risk[i];
      const drawn = each.points ? speak.number(each.points[i]) : "—";
      const inside = each.points && each.points[i] >= found.p10 && each.points[i] <= found.p90;
      const range = numerals(`${drawn} → ${speak.number(found.p10, 1)} – ${speak.number(found.p90, 1)}`);
      return h("td", { class: inside ? "best" : false }, rangeFirst(speak, range, speak.number(found.median, 1)));
    })));
  return h("div", { class: "wide", tabindex: "0", role: "region", "aria-label": tell("sketches") },
    h("table", {}, h("caption", {}, `${tell("sketches")} (${speak.say("expected")} → ${speak.say("found")})`),
      h("thead", {}, h("tr", {}, h("th", { scope: "col" }, speak.say("round")), years.map((year) => h("th", { scope: "col" }, tell("last_year", { year }))))), h("tbody", {}, rows)), h("p", { class: "hint" }, tell("inside")));
}

function betterList(found) {
  return h("ul", {}, Object.entries(workshop.outcomes).map(([name, outcome]) => h("li", {}, `${speak.of(outcome.title)}: ${tell("better_share", { share: speak.number(found.better[name]) })}`)));
}

function changes(team) {
  const { changed } = debrief.teams[team];
  if (!changed.length) return h("p", {}, tell("none_changed"));
  const names = Object.keys(workshop.outcomes);
  const head = [h("th", { scope: "col" }, speak.say("decisions")), ...names.map((name) => h("th", { scope: "col" }, speak.of(workshop.outcomes[name].title), h("small", {}, speak.of(workshop.outcomes[name].unit)))), h("th", { scope: "col" }, tell("through"))];
  const rows = changed.map((each) => {
    const lever = workshop.levers[each.lever];
    return h("tr", {}, h("th", { scope: "row" }, speak.of(lever.title), h("small", {}, `${speak.of(lever.choices[lever.default].label)} → ${speak.of(lever.choices[each.choice].label)}`)),
      names.map((name) => h("td", {}, rangeFirst(speak, signedSpan(speak, each.outcomes[name]), speak.signed(each.outcomes[name].median)))),
      h("td", {}, each.driver ? driver(each.driver) : "—"));
  });
  const risky = [...changed].sort((a, b) => a.outcomes.risk.median - b.outcomes.risk.median);
  return [
    h("h3", {}, tell("one_changed")), h("p", { class: "hint" }, tell("one_changed_hint")),
    setup.team && workshop.outcomes.risk ? h("figure", { class: "figure" }, h("figcaption", {}, speak.of(workshop.outcomes.risk.title)), rangeBars(speak, risky.map((each) => ({ id: each.lever, label: speak.of(workshop.levers[each.lever].title), ...each.outcomes.risk, good: each.outcomes.risk.median < 0 })))) : null,
    h("div", { class: "wide", tabindex: "0", role: "region", "aria-label": tell("one_changed") }, h("table", {}, h("thead", {}, h("tr", {}, head)), h("tbody", {}, rows))),
  ];
}

function driver(name) {
  const key = name.replaceAll(" ", "_");
  return drivers[key] ? tell(key) : name;
}

function turns(found) {
  const ways = { R: "reinforcing", B: "balancing", U: "changing" };
  return [
    h("h2", {}, tell("turning")),
    h("ol", {}, found.turns.map((each) => h("li", {},
      tell("until", { month: speak.number(each.to), way: tell(each.up ? "rises" : "falls"), before: speak.short(each.yearly[0]), after: speak.short(each.yearly[1]) }),
      h("small", {}, `${tell("moved_by")}: ${speak.list(each.with.map(driver))}${each.against.length ? `; ${tell("held_by")}: ${speak.list(each.against.map(driver))}` : ""}`),
      each.loop ? h("small", { class: "loop" }, `${tell("loop")} (${tell(ways[each.loop.polarity])}): `, h("bdi", { lang: "en", dir: "ltr" }, each.loop.stocks.join(" > "))) : h("small", {}, tell("no_loop"))))),
    h("p", { class: "hint" }, tell("turning_hint")),
  ];
}
