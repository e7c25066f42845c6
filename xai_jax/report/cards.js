// Everything that is shown was computed beforehand: the script draws masks and looks numbers up.

const LEVEL_STEP = 12; // grey values a level in the map of levels
const cards = new Map(); // article -> what is in memory while it is near the screen

function loaded(source) {
  const image = new Image();
  image.src = source;
  return image.decode().then(() => image);
}

function levelsOf(image) {
  const canvas = document.createElement("canvas");
  canvas.width = image.naturalWidth;
  canvas.height = image.naturalHeight;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(image, 0, 0);
  const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
  return Uint8Array.from({ length: data.length / 4 }, (_, i) => Math.round(data[4 * i] / LEVEL_STEP));
}

function draw(canvas, photo, levels, level, kept) {
  const context = canvas.getContext("2d");
  const mask = new ImageData(canvas.width, canvas.height);
  for (let i = 0; i < levels.length; i++) mask.data[4 * i + 3] = (levels[i] <= level) === kept ? 255 : 0;
  context.globalCompositeOperation = "copy";
  context.putImageData(mask, 0, 0);
  context.globalCompositeOperation = "source-in"; // the photograph, where the mask is
  context.drawImage(photo, 0, 0, canvas.width, canvas.height);
}

function say(article, data, level) {
  const row = data.levels[level];
  article.querySelector(".area").textContent = row.area;
  const slider = article.querySelector(".levels input[type=range]");
  slider.value = level;
  slider.setAttribute("aria-valuetext", `${row.area} of the pixels; kept part ${row.kept_probability}, without it ${row.removed_probability}`);
  article.querySelector(".again").style.visibility = level === data.start ? "hidden" : "visible";
  const x = (100 * level) / (data.levels.length - 1);
  article.querySelector(".mark")?.setAttribute("d", `M${x} 0V100`);
  for (const part of ["kept", "removed"]) {
    const panel = article.querySelector(`.panel.${part}`);
    panel.querySelector(".big").textContent = row[`${part}_probability`];
    panel.querySelector(".nats").textContent = `log-odds ${row[part]}`;
    const y = row[`${part}_place`];
    article.querySelector(`.dot.${part}`)?.setAttribute("d", y === null ? "" : `M${x} ${y}h0`);
  }
}

function show(article, level) {
  const card = cards.get(article);
  if (!card) return;
  card.level = level;
  say(article, card.data, level);
  cancelAnimationFrame(card.frame);
  card.frame = requestAnimationFrame(() => {
    for (const { canvas, kept } of card.views) draw(canvas, card.photo, card.levels, level, kept);
  });
}

// The counterfactual lies over the picture, as far to the right as the slider stands.
function turn(figure, share) {
  figure.querySelector("img:last-child").style.clipPath = `inset(0 0 0 ${share}%)`;
}

function lay(article) {
  const figure = article.querySelector(".turned");
  const after = article.querySelector("[data-name=counterfactual] img");
  if (!figure || !figure.hidden || !after) return;
  for (const image of [article.querySelector(".panel.picture img"), after]) figure.querySelector(".frame").append(image.cloneNode());
  figure.hidden = false;
  turn(figure, figure.querySelector("input").value);
}

async function wake(article) {
  lay(article);
  const source = article.querySelector("script.data");
  if (!source || cards.has(article) || article.dataset.waking) return;
  article.dataset.waking = "yes";
  const data = JSON.parse(source.textContent);
  const [photo, map] = await Promise.all([loaded(article.querySelector(".panel.picture img").src), loaded(data.map)]);
  delete article.dataset.waking;
  if (article.dataset.far) return; // it left the screen in the meantime
  const views = ["kept", "removed"].map((part) => {
    const image = article.querySelector(`.panel.${part} img`);
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [map.naturalWidth, map.naturalHeight];
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", image.alt);
    image.hidden = true;
    image.style.display = "none";
    image.after(canvas);
    return { canvas, image, kept: part === "kept" };
  });
  cards.set(article, { data, photo, levels: levelsOf(map), views, frame: 0 });
  show(article, Number(article.querySelector(".levels input[type=range]").value));
}

function rest(article) {
  const card = cards.get(article);
  if (!card) return;
  cancelAnimationFrame(card.frame);
  for (const { canvas, image } of card.views) {
    canvas.width = canvas.height = 0; // frees its memory at once
    canvas.remove();
    image.hidden = false;
    image.style.display = "";
  }
  cards.delete(article);
}

const watch = new IntersectionObserver((changes) => {
  for (const { target, isIntersecting } of changes) {
    if (isIntersecting) {
      delete target.dataset.far;
      wake(target);
    } else {
      target.dataset.far = "yes";
      if (!target.contains(document.activeElement)) rest(target);
    }
  }
}, { rootMargin: "800px 0px" });
document.querySelectorAll(".entry").forEach((article) => watch.observe(article));

document.addEventListener("input", ({ target }) => {
  if (target.type !== "range") return;
  const figure = target.closest(".turned");
  if (figure) turn(figure, target.value);
  else show(target.closest(".entry"), Number(target.value));
});
document.addEventListener("click", ({ target }) => {
  const article = target.closest(".again") && target.closest(".entry");
  if (article && cards.has(article)) show(article, cards.get(article).data.start);
});
