/* Words and numbers in the reader's language. Texts come from the catalogue alone and reach the page as text. */

import { voice } from "./voice.js";

/** Return how a language speaks: `say(key, values)`, numbers, times, and the direction of its script. */
export function speaker(catalogue, language) {
  const place = catalogue.languages.findIndex((each) => each.code === language);
  const { code, direction } = catalogue.languages[place];
  const { locale, say, format, number, short, list } = voice(code, (key) => catalogue.texts[key]?.[place]);
  const signed = (value, digits = 1) =>
    format({ maximumFractionDigits: digits, minimumFractionDigits: digits, signDisplay: "exceptZero" }).format(value);
  const percent = (share, digits = 0) =>
    format({ style: "percent", maximumFractionDigits: digits, minimumFractionDigits: digits }).format(share);
  const span = (count, unit, unitDisplay = "long") =>
    format({ style: "unit", unit, unitDisplay, maximumFractionDigits: 1 }).format(count);

  /** Return a number of months as people say it: in years where they are whole, else in years and months. */
  function months(count) {
    const years = Math.trunc(count / 12);
    const rest = count - 12 * years;
    if (!years) return span(count, "month");
    if (!rest) return span(years, "year");
    const parts = [span(years, "year", "short"), span(rest, "month", "short")];
    return new Intl.ListFormat(locale, { style: "narrow", type: "unit" }).format(parts);
  }

  const has = (key) => key in catalogue.texts;
  return { code, direction, has, say, number, signed, percent, short, span, months, list };
}

/** Return the language to begin with: the one asked for, else the first of the reader's that the page has. */
export function firstLanguage(catalogue, asked, wanted) {
  const known = catalogue.languages.map((each) => each.code);
  const plain = [asked, ...wanted].map((each) =>
    String(each ?? "")
      .slice(0, 2)
      .toLowerCase(),
  );
  return plain.find((each) => known.includes(each)) ?? known[0];
}
