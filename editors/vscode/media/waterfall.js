// Draws what it is sent, as far as it is in sight, and says when that is done; knows nothing else.
const vscode = acquireVsCodeApi();
const title = document.querySelector("h1");
const scale = document.getElementById("scale");
const list = document.getElementById("bars");
/** Pixels of a row, and how many rows are drawn above and below what is in sight. A run may have tens of thousands. */
const HEIGHT = 22;
const SPARE = 30;
let picture = { title: "", length: 1, bars: [] };
/** The rows that are drawn, by their spans' numbers, with what they were made of. */
let drawn = new Map();

function element(name, className, text = "") {
  const made = document.createElement(name);
  made.className = className;
  made.textContent = text;
  return made;
}

function row(bar, at, side) {
  const line = element("li", "row");
  line.style.top = `${HEIGHT * at}px`;
  line.setAttribute("aria-posinset", at + 1);
  line.style.setProperty("--from", bar.from);
  line.style.setProperty("--to", Math.max(bar.from, bar.to));
  const button = element("button", "name");
  button.style.paddingLeft = `${0.4 + bar.depth}em`;
  button.append(element("span", `mark ${bar.status}`), element("b", "", bar.name), element("i", "", ` ${bar.kind}`));
  const track = element("div", "track");
  track.append(
    element("div", `bar ${bar.kind.replaceAll(" ", "-")} ${bar.status}`),
    element("span", `told ${side}`, bar.told),
  );
  line.append(button, track);
  line.addEventListener("click", () => vscode.postMessage({ span: bar.number }));
  return line;
}

/** Where the words stand: behind the bar, else before it or in it, where there is room. */
function sideOf(bar, length) {
  return bar.from / length > 0.55 ? "before" : bar.to / length > 0.7 ? "inside" : "behind";
}

function time(milliseconds) {
  return milliseconds < 1000 ? `${Math.round(milliseconds)} ms` : `${(milliseconds / 1000).toFixed(1)} s`;
}

function draw() {
  const { title: said, length, bars } = picture;
  title.textContent = said;
  scale.replaceChildren(
    ...[0, 0.25, 0.5, 0.75].map((part) => {
      const tick = element("span", "", time(part * length));
      tick.style.left = `${100 * part}%`;
      return tick;
    }),
  );
  list.style.height = `${HEIGHT * bars.length}px`;
  list.style.setProperty("--length", length);
  drawRows();
}

/** A row that is as it was stays: it may have the focus. */
function drawRows() {
  const { length, bars } = picture;
  const above = Math.floor(-list.getBoundingClientRect().top / HEIGHT);
  const first = Math.max(0, above - SPARE);
  const shown = bars.slice(first, above + Math.ceil(window.innerHeight / HEIGHT) + SPARE);
  const before = drawn;
  drawn = new Map();
  shown.forEach((bar, index) => {
    const at = first + index;
    const side = sideOf(bar, length);
    const made = JSON.stringify([bar, at, side]);
    const known = before.get(bar.number);
    const line = known?.made === made ? known.line : row(bar, at, side);
    line.setAttribute("aria-setsize", bars.length);
    drawn.set(bar.number, { made, line });
  });
  const lines = new Set([...drawn.values()].map(({ line }) => line));
  [...list.children].filter((line) => !lines.has(line)).forEach((line) => line.remove());
  [...lines].forEach((line, index) => {
    if (list.children[index] !== line) {
      list.insertBefore(line, list.children[index] ?? null);
    }
  });
}

window.addEventListener("message", ({ data }) => {
  requestAnimationFrame(() => {
    picture = data;
    draw();
    vscode.postMessage({ isNew: false });
  });
});
window.addEventListener("scroll", drawRows);
window.addEventListener("resize", drawRows);
vscode.postMessage({ isNew: true });
