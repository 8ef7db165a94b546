/* How a language writes numbers and lists, and texts with their braces filled in: what all pages say alike. */

/** Return how a language speaks: `say(key, values)` out of `textOf(key)`, `format(options)`, numbers, lists. Digits are
    0 to 9 in all of them, so that codes and numbers are read alike. */
export function voice(language, textOf) {
  const locale = language === "ar" ? "ar-u-nu-latn" : language;
  const formats = new Map();

  function format(options) {
    const key = JSON.stringify(options);
    if (!formats.has(key)) formats.set(key, new Intl.NumberFormat(locale, options));
    return formats.get(key);
  }

  function say(key, values = {}) {
    const found = textOf(key);
    if (!found) throw new Error(`the catalogue lacks '${key}'`);
    return found.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
  }

  const number = (value, digits = 0) =>
    format({ maximumFractionDigits: digits, minimumFractionDigits: digits }).format(value);
  const short = (value) => format({ maximumSignificantDigits: 3 }).format(value);
  const list = (items) => new Intl.ListFormat(locale, { style: "long", type: "conjunction" }).format(items.map(String));
  return { locale, say, format, number, short, list };
}
