"use strict";
// Everything that is shown was computed beforehand: the script looks numbers up, sorts and finds.
document.documentElement.classList.add("js");

const controls = document.querySelector(".controls");
const rows = [...document.querySelectorAll(".row")];
const heads = [...document.querySelectorAll("thead [data-column]")];
const collator = new Intl.Collator("en", { numeric: true, sensitivity: "base" });
const byNumber = (a, b) => a.dataset.number - b.dataset.number;

for (const row of rows) {
  row.found = [...row.querySelectorAll("td")].map((cell) => ({
    cell,
    scores: JSON.parse(cell.dataset.scores ?? "{}"),
    words: JSON.parse(cell.dataset.words ?? "{}"),
  }));
}

function shown() {
  const score = controls.elements.score.value;
  for (const row of rows) {
    for (const { cell, words } of row.found) {
      const place = cell.querySelector(".big");
      if (place) place.textContent = words[score] ?? "–";
    }
  }
}

function sorted() {
  const { sort, way, score } = controls.elements;
  const text = { name: "name", target: "target" }[sort.value];
  const value = (row) => row.found[sort.value].scores[score.value];
  const order = (a, b) => {
    if (sort.value === "number") return way.value * byNumber(a, b);
    if (text) return way.value * collator.compare(a.dataset[text], b.dataset[text]);
    const [one, other] = [value(a), value(b)];
    if (one === undefined || other === undefined) return (one === undefined) - (other === undefined); // last, whatever the way
    return way.value * (one - other);
  };
  rows.sort((a, b) => order(a, b) || byNumber(a, b));
  document.querySelector("tbody").prepend(...rows);
  for (const head of heads) {
    const column = head.closest("th");
    if (head.dataset.column === sort.value) column.setAttribute("aria-sort", way.value === "1" ? "ascending" : "descending");
    else column.removeAttribute("aria-sort");
  }
}

function filtered() {
  const words = controls.elements.text.value.toLowerCase().split(/\s+/).filter(Boolean);
  let count = 0;
  for (const row of rows) {
    const text = `${row.dataset.name} ${row.dataset.target}`.toLowerCase();
    row.hidden = !words.every((word) => text.includes(word));
    count += !row.hidden;
  }
  controls.elements.count.textContent = `${count} of ${rows.length} ${rows.length === 1 ? "row" : "rows"}`;
  document.querySelector(".nothing").hidden = count > 0;
}

controls.addEventListener("submit", (event) => event.preventDefault());
controls.addEventListener("input", ({ target }) => {
  if (target.name === "score") shown();
  if (target.name === "text") filtered();
  else sorted();
});
for (const head of heads) {
  head.addEventListener("click", () => {
    const { sort, way } = controls.elements;
    // The best first is mostly the highest; once more turns it around.
    way.value = sort.value === head.dataset.column && way.value === "-1" ? "1" : "-1";
    sort.value = head.dataset.column;
    sorted();
  });
}
if (rows.length) shown();
filtered();
