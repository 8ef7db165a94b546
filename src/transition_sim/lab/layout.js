/* The frame of the page: its figures, and its texts in the reader's language. */

import { make } from "./elements.js";

/** Fill `host` with a figure for each chart of a model, with a button that saves its picture; return their places. */
export function figures(host, risk, panels, speak, onPicture) {
  const figure = (id, title, wide) => {
    const place = make("div", { class: "chart" });
    const button = make("button", { type: "button", class: "quiet shot", onclick: () => onPicture(id, title) });
    button.textContent = speak.say("export.picture");
    button.setAttribute("aria-label", speak.say("export.picture_of", { title }));
    const head = make("figcaption", {}, make("h3", {}, title), button);
    host.append(make("figure", { class: wide ? "panel wide" : "panel" }, head, place));
    return place;
  };
  host.replaceChildren();
  const places = { risk: make("div") };
  risk.replaceChildren(places.risk); // a new place, for the old one has the ears of the old chart
  for (const id of ["hazard", "gap", "chain"]) places[id] = figure(id, speak.say(`panel.${id}`), false);
  places.drivers = figure("drivers", speak.say("panel.drivers"), true);
  places.small = Object.fromEntries(
    panels.small.map((name) => [name, figure(name, speak.say(`variable.${name}`), false)]),
  );
  return places;
}

/** Write every text of the page that stands there from the beginning. */
export function translate(speak) {
  document.documentElement.lang = speak.code;
  document.documentElement.dir = speak.direction;
  document.title = speak.say("title");
  for (const node of document.querySelectorAll("[data-text]")) node.textContent = speak.say(node.dataset.text);
  for (const node of document.querySelectorAll("[data-label]"))
    node.setAttribute("aria-label", speak.say(node.dataset.label));
  for (const option of document.getElementById("horizon").options)
    option.textContent = speak.span(Number(option.value), "year");
  document.getElementById("language").value = speak.code;
}
