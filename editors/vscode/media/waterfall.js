// Draws what it is sent; knows nothing else.
const vscode = acquireVsCodeApi();
const title = document.querySelector("h1");
const scale = document.getElementById("scale");
const list = document.getElementById("bars");

function element(name, className, text = "") {
  const made = document.createElement(name);
  made.className = className;
  made.textContent = text;
  return made;
}

function row(bar, length) {
  const line = element("li", "row");
  const button = element("button", "name");
  button.style.paddingLeft = `${0.4 + bar.depth}em`;
  button.append(element("span", `mark ${bar.status}`), element("b", "", bar.name), element("i", "", ` ${bar.kind}`));
  const track = element("div", "track");
  const drawn = element("div", `bar ${bar.kind.replaceAll(" ", "-")} ${bar.status}`);
  drawn.style.left = `${(100 * bar.from) / length}%`;
  drawn.style.width = `${(100 * Math.max(0, bar.to - bar.from)) / length}%`;
  const told = element("span", "told", bar.told);
  // To the left of the bar where the right has no room for it.
  if (bar.from / length > 0.55) {
    told.style.right = `calc(${100 - (100 * bar.from) / length}% + 0.5em)`;
  } else if (bar.to / length > 0.7) {
    told.style.left = `calc(${(100 * bar.from) / length}% + 0.5em)`;
    told.classList.add("inside");
  } else {
    told.style.left = `calc(${(100 * bar.to) / length}% + 0.5em)`;
  }
  track.append(drawn, told);
  line.append(button, track);
  line.addEventListener("click", () => vscode.postMessage({ span: bar.number }));
  return line;
}

function time(milliseconds) {
  return milliseconds < 1000 ? `${Math.round(milliseconds)} ms` : `${(milliseconds / 1000).toFixed(1)} s`;
}

function draw(data) {
  title.textContent = data.title;
  scale.replaceChildren(
    ...[0, 0.25, 0.5, 0.75].map((part) => {
      const tick = element("span", "", time(part * data.length));
      tick.style.left = `${100 * part}%`;
      return tick;
    }),
  );
  list.replaceChildren(...data.bars.map((bar) => row(bar, data.length)));
}

// A long run takes longer to draw than to grow: only the newest is drawn.
let newest;
window.addEventListener("message", ({ data }) => {
  if (newest === undefined) {
    requestAnimationFrame(() => {
      draw(newest);
      newest = undefined;
    });
  }
  newest = data;
});
vscode.postMessage({ ready: true });
