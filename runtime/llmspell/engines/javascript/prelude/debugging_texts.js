// Positions and texts of functions as they were written, of texts that run rewritten.

const columnAsRewritten = siteColumn;
siteColumn = (site) => {
  const column = columnAsRewritten(site), line = siteLine(site);
  for (let index = 0; index < framedTexts.length; index++) {
    const text = framedTexts[index], start = startOfLine(text, line - text.first);
    if (start >= 0) return (column - takenOut(text, start, start + column - 1)) | 0; // a whole number for the host, too
  }
  return column;
};
const startOfLine = (text, line) => {
  if (line < 0) return -1;
  const starts = (text.starts ??= startsOf(text.source));
  return line < starts.length ? starts[line] : -1;
};
const startsOf = (source) => {
  const starts = [0];
  for (let at = findText(source, "\n"); at >= 0; at = findText(source, "\n", at + 1)) append(starts, at + 1);
  return starts;
};
// The first insertion that ends after a place.
const insertionAfter = (text, place) => {
  let low = 0, high = text.inserted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (text.inserted[middle][0] + text.inserted[middle][1] > place) high = middle;
    else low = middle + 1;
  }
  return low;
};
// Characters from `start` to `end` that were inserted.
const takenOut = (text, start, end) => {
  let count = 0;
  for (let index = insertionAfter(text, start); index < text.inserted.length; index++) {
    const at = text.inserted[index][0], after = at + text.inserted[index][1];
    if (at >= end) break;
    if (after > start) count += (after < end ? after : end) - (at > start ? at : start);
  }
  return count;
};

functionText = (fn) => {
  const shown = functionTextAsRun(fn);
  if (findText(shown, "$$") < 0) return shown;
  for (let index = 0; index < framedTexts.length; index++) {
    const text = framedTexts[index], start = findText(text.source, shown);
    if (start >= 0) return withoutMarks(text, start, start + shown.length);
  }
  return shown;
};
const withoutMarks = (text, start, end) => {
  let shown = "", from = start;
  for (let index = insertionAfter(text, start); index < text.inserted.length; index++) {
    const at = text.inserted[index][0];
    if (at < start) continue;
    if (at >= end) break;
    shown += sliceText(text.source, from, at);
    from = at + text.inserted[index][1];
  }
  return shown + sliceText(text.source, from, end);
};
define(NativeFunction.prototype, "toString", { toString() { return functionText(this); } }.toString);
