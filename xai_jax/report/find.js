// Sorts and finds; what is looked for stands in the address, and is there again with it.
const entries = [...document.querySelectorAll(".entry")];
const controls = document.querySelector(".controls");
const at_first = { text: "", show: "all", sort: "number" };
const collator = new Intl.Collator("en", { numeric: true, sensitivity: "base" });
const last = (text) => (text === undefined || text === "nan" ? Infinity : Number(text));
const orders = {
  number: (a, b) => a.dataset.number - b.dataset.number,
  name: (a, b) => collator.compare(a.dataset.name, b.dataset.name),
  target: (a, b) => !a.dataset.target - !b.dataset.target || collator.compare(a.dataset.target, b.dataset.target),
  drop: (a, b) => last(negative(a.dataset.drop)) - last(negative(b.dataset.drop)),
  area: (a, b) => last(a.dataset.area) - last(b.dataset.area),
};

function negative(text) {
  return text === undefined || text === "nan" ? undefined : -Number(text);
}

function sorted() {
  const order = orders[controls.elements.sort.value];
  const skipped = (article) => article.classList.contains("skipped");
  // Infinity - Infinity is NaN: equal. The order of the run decides between equals.
  entries.sort((a, b) => skipped(a) - skipped(b) || order(a, b) || orders.number(a, b));
  document.querySelector("main").prepend(...entries);
}

function filtered() {
  const words = controls.elements.text.value.toLowerCase().split(/\s+/).filter(Boolean);
  const kind = controls.elements.show.value;
  let count = 0;
  for (const article of entries) {
    const { name, target, predicted = "", show: kinds } = article.dataset;
    const text = `${name} ${target} ${predicted}`.toLowerCase();
    article.hidden = !(kind === "all" || kinds.split(" ").includes(kind)) || !words.every((word) => text.includes(word));
    count += !article.hidden;
  }
  controls.elements.count.textContent = `${count} of ${entries.length} ${entries.length === 1 ? "picture" : "pictures"}`;
  document.querySelector(".nothing").hidden = count > 0 || entries.length === 0;
}

function remembered() {
  const address = new URL(location);
  for (const [name, first] of Object.entries(at_first)) {
    const { value } = controls.elements[name];
    address.searchParams.delete(name); // so that they stand in one order, whichever was set first
    if (value !== first) address.searchParams.append(name, value);
  }
  history.replaceState(null, "", address);
}

function restored() {
  const asked = new URL(location).searchParams;
  for (const [name, first] of Object.entries(at_first)) {
    const control = controls.elements[name];
    control.value = asked.get(name) ?? first;
    if (control.selectedIndex === -1) control.value = first; // this page has no such choice
  }
  if (controls.elements.sort.value !== at_first.sort) sorted();
  filtered();
  if (asked.size && location.hash) document.getElementById(location.hash.slice(1))?.scrollIntoView();
}

controls.addEventListener("submit", (event) => event.preventDefault());
controls.addEventListener("input", (event) => {
  if (event.target.name === "sort") sorted();
  else filtered();
  remembered();
});
restored();
