// The page: what is chosen, what is said, what is shown. All that takes long is done in worker.js.

import { classColour } from "./drawing.js";

const $ = (id) => document.getElementById(id);
const texts = JSON.parse($("texts").textContent);
const text = (name, values = {}) => texts[name].replace(/\{(\w+)\}/g, (_, key) => values[key]);
const told = (value) => value.toLocaleString(document.documentElement.lang);

const about = await (await fetch("model.json")).json();
// A worker that is made from a text inherits the page's rule to ask no other computer for anything.
const start = new Blob([`import ${JSON.stringify(new URL("worker.js", import.meta.url).href)};`], {
  type: "text/javascript",
});
const worker = new Worker(URL.createObjectURL(start), { type: "module" });

// What was chosen last: its number, its name, and of a field how many objects its labels have.
let picture = null;
let busy = false;
let waiting = false; // the worker draws; it has to draw once more
let broken = false; // the worker has not even started

$("asleep").remove();
if (about.home) {
  $("home").hidden = false;
  if (!$("home").firstChild.href) $("home").firstChild.href = about.home;
  $("origin").href = about.origin;
}
$("fields").hidden = about.fields.length === 0;
for (const field of about.fields) {
  const button = made(
    "button",
    { type: "button" },
    text(field.name),
    made("span", {}, text(`${field.name}_note`)),
  );
  button.onclick = () =>
    choose(new URL(field.file, location).href, text(field.name), field.labelled);
  $("fields")
    .querySelector("ul")
    .append(made("li", {}, button));
}
for (const [k, name] of about.classes.entries()) {
  const colour = made("span", {});
  colour.style.background = classColour(k, about.classes.length);
  $("key").append(made("li", {}, colour, texts[name] ?? name));
}
showThreshold();

function made(tag, attributes, ...inside) {
  const element = Object.assign(document.createElement(tag), attributes);
  element.append(...inside);
  return element;
}

// --- what is chosen ---------------------------------------------------------------------

$("pick").onclick = () => $("file").click();
$("file").onchange = () => {
  if ($("file").files.length) choose($("file").files[0]);
  $("file").value = ""; // so that the same one can be chosen again
};
addEventListener("dragover", (event) => {
  event.preventDefault();
  $("drop").classList.add("over");
});
addEventListener("dragleave", (event) => event.relatedTarget ?? $("drop").classList.remove("over"));
addEventListener("drop", (event) => {
  event.preventDefault();
  $("drop").classList.remove("over");
  if (event.dataTransfer.files.length) choose(event.dataTransfer.files[0]);
});
$("stop").onclick = () => {
  picture = { number: picture.number + 1 };
  worker.postMessage({ wish: "stop", number: picture.number });
  finish();
  say("stopped");
  $("pick").focus();
};
$("threshold").oninput = redraw;
$("middle").onclick = () => {
  $("threshold").value = 50;
  redraw();
};
$("views").onchange = redraw;
$("full").onchange = () => {
  $("frame").classList.toggle("full", $("full").checked);
  reach();
};
addEventListener("resize", reach);

/** Give a picture to the worker: a file, or the address of a field. */
function choose(file, name = file.name, labelled = null) {
  picture = { number: (picture?.number ?? 0) + 1, name, labelled };
  for (const id of ["result", "inside"]) $(id).hidden = true;
  if (broken) return say("not_there", { name: "worker.js" }, true);
  $("work").hidden = false;
  $("bar").removeAttribute("value");
  say("reading", { name });
  worker.postMessage({ wish: "segment", number: picture.number, file, name, about, ...wanted() });
}

/** How the picture is to be drawn. */
function wanted() {
  return {
    threshold: $("threshold").value / 100,
    view: document.querySelector("[name=view]:checked").value,
  };
}

/** Draw again, once: while the worker draws, only the last wish is kept. */
function redraw() {
  showThreshold();
  waiting = busy;
  if (busy || $("result").hidden) return;
  busy = true;
  worker.postMessage({ wish: "draw", ...wanted() });
}

// --- what is said and shown -------------------------------------------------------------

function say(name, values = {}, wrong = false) {
  $("said").textContent = text(name, values);
  $("said").classList.toggle("wrong", wrong);
}

function showThreshold() {
  $("sure").textContent = text("percent", { value: $("threshold").value });
  $("threshold").setAttribute("aria-valuetext", $("sure").textContent);
}

function finish() {
  $("work").hidden = true;
  busy = false;
}

worker.onerror = (event) => {
  broken = !event.message; // what fails while it runs has a message
  finish();
  say(broken ? "not_there" : "failed", { name: "worker.js", what: event.message }, true);
};
worker.onmessage = ({ data }) => {
  if (data.number === picture.number) HEARD[data.kind](data);
};

const HEARD = {
  fetching({ there }) {
    if (there === 0) say("fetching", { megabytes: told(Math.round(about.bytes / 1e5) / 10) });
    $("bar").setAttribute("aria-label", text("bar_fetching"));
    $("bar").max = 1;
    $("bar").value = Math.min(there / about.bytes, 1);
  },
  reading() {
    say("reading", picture);
  },
  tiles({ done, all }) {
    if (done === 0) say("looking", picture);
    $("bar").setAttribute("aria-label", text("bar_tiles"));
    $("bar").max = all;
    $("bar").value = done;
  },
  refused({ text: name, values }) {
    finish();
    say(name, { ...values, why: texts[values.why] }, true);
  },
  drawn({ rgba, width, height, count, covered, median, remarks, seconds }) {
    const fresh = seconds !== undefined;
    const { view } = wanted();
    const values = { ...picture, width, height, count: told(count) };
    finish();
    Object.assign($("picture"), { width, height });
    $("picture")
      .getContext("2d")
      .putImageData(new ImageData(rgba, width, height), 0, 0);
    $("picture").setAttribute("aria-label", text(`picture_${view}`, values));
    $("key").hidden = view !== "classes";
    $("count").textContent = text("count", values);
    const share = told(Math.round(covered * 1000) / 10);
    const area = count ? text("area", { share, median: told(median) }) : text("none");
    const labels = picture.labelled ? text("labels", { labelled: told(picture.labelled) }) : "";
    const said = remarks.map(([name, more]) => text(name, more));
    $("more").textContent = [area, labels, ...said].filter(Boolean).join(" ");
    if (fresh) {
      say("done", { ...values, seconds: told(Math.round(seconds * 10) / 10) });
      $("result").hidden = false;
      const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
      $("found").scrollIntoView({ behavior: calm ? "auto" : "smooth", block: "start" });
    } else {
      say("count", values);
    }
    reach();
    if (waiting) redraw();
  },
  levels({ levels }) {
    $("levels").replaceChildren(...levels.map(levelFigure));
    $("inside").hidden = false;
  },
};

function levelFigure({ name, level, channels, width, height, across, rgba }) {
  const way = name.replace(/\d/g, "");
  const canvas = made("canvas", { width: across, height: rgba.length / 4 / across });
  canvas.getContext("2d").putImageData(new ImageData(rgba, canvas.width, canvas.height), 0, 0);
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", text("level_alt", { channels }));
  const size = made("span", {}, text("level_size", { channels, width, height }));
  const figure = made(
    "figure",
    { className: way },
    canvas,
    made("figcaption", {}, text(way, { level: level + 1 }), size),
  );
  figure.style.gridRow = level + 1; // down on the left, up on the right
  return figure;
}

/** What scrolls can be reached and scrolled by keyboard. */
function reach() {
  const frame = $("frame");
  const scrolls = frame.scrollWidth > frame.clientWidth || frame.scrollHeight > frame.clientHeight;
  if (scrolls) frame.tabIndex = 0;
  else frame.removeAttribute("tabindex");
}
