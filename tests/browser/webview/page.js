/* Runs a cell in a kernel and shows its widget, by the manager that Visual Studio Code's Jupyter extension ships.

   The extension stands between webview and kernel and passes messages on; here the same connection class talks to a
   Jupyter server itself. What the page did is kept in `window.seen`. */

import { activate, modules, need } from "./ipywidgets.js";

const VIEW = "application/vnd.jupyter.widget-view+json";
const told = JSON.parse(document.getElementById("told").textContent);
window.seen = { asked: [], loaded: [], failed: [], heard: [] };

/** Find a part of the package's own copy of JupyterLab's services. */
function part(name) {
  for (const id in modules) if (String(modules[id]).includes(`.${name}=void 0`) && need(id)[name]) return need(id)[name];
  throw new Error(`the package has no ${name}`);
}

/** Say where widgets' scripts are: in the environment's folder, and nowhere else. */
const scripts = {
  widgetsRegisteredInRequireJs: new Set(),
  async loadWidgetScript(name) {
    seen.asked.push(name);
    if (told.modules.includes(name)) requirejs.config({ paths: { [name]: new URL(`nbextensions/${name}`, document.baseURI).href } });
  },
  successHandler: (kind) => seen.loaded.push(kind),
  errorHandler: (kind, name, version, error) => seen.failed.push(`${kind} of ${name} ${version}: ${error}`),
};

async function connect() {
  const server = new URL("../", document.baseURI).href;
  const settings = part("ServerConnection").makeSettings({
    baseUrl: server, wsUrl: server.replace(/^http/, "ws"),
    token: told.token, appendToken: true, WebSocket,
  });
  const headers = { Authorization: `token ${told.token}`, "Content-Type": "application/json" };
  const answer = await fetch(`${server}api/kernels`, { method: "POST", headers, body: JSON.stringify({ name: "python3" }) });
  const model = await answer.json();
  const KernelConnection = part("KernelConnection");
  return new KernelConnection({ serverSettings: settings, clientId: crypto.randomUUID(), handleComms: true, username: "", model });
}

async function show(manager, data, output) {
  const box = document.createElement("div");
  box.className = "cell-output-ipywidget-background";
  output.append(box);
  const view = await manager.create_view(await manager.get_model(data.model_id), { el: box });
  await manager.display_view(data, view, { node: box });
}

/** The extension has every button act on Enter and Space, half a second after a widget is drawn. */
function pressable(output) {
  for (const button of output.querySelectorAll("button"))
    button.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      button.click();
    });
  seen.pressable = true;
}

/** What reaches the window goes on to the workbench, as a key pressed in the notebook. */
window.addEventListener("keydown", (event) => {
  if (event.key !== "Control") seen.heard.push(`${event.ctrlKey ? "Ctrl+" : ""}${event.key}`);
});

/** Themes change while a notebook is open. */
window.dress = (theme, bridged) => {
  document.body.className = `${theme}${bridged ? " bridged" : ""}`;
  document.body.dataset.vscodeThemeKind = theme;
};

async function run() {
  dress("vscode-dark", true);
  activate();
  window.vscIPyWidgets8.load();
  const kernel = await connect();
  const output = document.querySelector(".output");
  const manager = new window.vscIPyWidgets.WidgetManager(kernel, undefined, scripts, () => {});
  const cell = kernel.requestExecute({ code: told.code });
  cell.onIOPub = ({ content }) => {
    if (content.ename) output.append(`${content.ename}: ${content.evalue}`);
    if (content.data && content.data[VIEW]) show(manager, content.data[VIEW], output).then(() => setTimeout(pressable, 500, output));
  };
  window.again = (code) => kernel.requestExecute({ code }).done.then(({ content }) => content.status);
}

run();
