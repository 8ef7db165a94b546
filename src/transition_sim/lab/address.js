/* The state in the page's address: the code of a run, what it is compared with, the worlds and the language. */

/** Return what an address says, as {code, pinned, worlds, language}; what is not well formed is left out. */
export function readAddress(hash) {
  const found = {};
  const code = /^[0-9A-Za-z-]{1,200}$/;
  const forms = { code, pinned: code, worlds: /^c[56]$/, language: /^[a-z]{2}$/ };
  for (const part of String(hash).slice(0, 2000).replace(/^#/, "").split("&")) {
    const [name, value = ""] = part.split("=", 2);
    if (Object.keys(forms).includes(name) && forms[name].test(value)) found[name] = value;
  }
  return found;
}

/** Return the address that says so. */
export function writeAddress(parts) {
  const written = Object.entries(parts).filter(([, value]) => value);
  return `#${written.map(([name, value]) => `${name}=${value}`).join("&")}`;
}
