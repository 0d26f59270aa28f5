// The component: curves, the rows in a box that scrolls, what is pointed at in words, and the legend of classes.

const HEIGHT = 600; // pixels of the rows in sight
const MOST_LEGEND = 60;
const KEYS = "Arrow keys move between cells, page up and page down by a screen, Enter chooses a picture, plus and minus zoom.";
const heatmaps = new WeakMap();

class Heatmap {
  constructor(root) {
    this.turn = 0;
    this.chosen = this.pointed = this.highlight = null;
    this.zoom = 1; // 1: all rows fit
    this.head = element("canvas", { className: "curves", ariaHidden: "true" });
    this.canvas = element("canvas", { ariaHidden: "true" });
    this.spacer = element("div", { className: "spacer" }, this.canvas);
    this.scroller = element("div", { className: "scroller", tabIndex: 0 }, this.spacer);
    this.scroller.setAttribute("role", "application");
    this.scroller.setAttribute("aria-description", KEYS);
    this.tip = element("div", { className: "tip", hidden: true, ariaHidden: "true" });
    this.said = element("div", { className: "said", role: "status" });
    this.legend = element("div", { className: "legend", role: "group" });
    this.legend.setAttribute("aria-label", "Classes; press one to show it alone");
    this.cells = document.createElement("canvas");
    const plot = element("div", { className: "plot" }, this.head, this.scroller, this.tip);
    root.querySelector(".heatmap").replaceChildren(this.toolbar(), plot, this.legend, this.said);
    this.listen(plot);
  }

  toolbar() {
    this.words = element("span", { className: "hint" });
    this.fading = element("input", { type: "checkbox" });
    this.fading.addEventListener("change", () => this.draw());
    const fade = element("label", { className: "toggle" }, this.fading, "Fade correct predictions");
    this.level = element("output", { className: "number level" });
    const zoom = [
      button("Zoom out", "−", () => this.zoomBy(1 / 1.6)),
      this.level,
      button("Zoom in", "+", () => this.zoomBy(1.6)),
      button("Show all rows", "All", () => this.zoomBy(0)),
    ];
    const group = element("div", { className: "group", role: "group" }, ...zoom);
    group.setAttribute("aria-label", "Zoom");
    return element("div", { className: "toolbar" }, this.words, fade, group);
  }

  listen(plot) {
    new ResizeObserver(() => this.draw()).observe(plot);
    this.scroller.addEventListener("scroll", () => this.draw());
    this.scroller.addEventListener("pointermove", (event) => this.hover(event));
    this.scroller.addEventListener("pointerleave", () => this.point(null));
    this.scroller.addEventListener("click", (event) => this.click(event));
    this.scroller.addEventListener("keydown", (event) => this.key(event));
    this.scroller.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    this.scroller.addEventListener("blur", () => this.point(null));
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => setTimeout(() => this.restyle(), 100));
  }

  update({ data, setStateValue }) {
    this.send = setStateValue;
    const given = unpackedRows(data);
    if (given.order !== this.data?.order || given.epochs.length !== this.data?.epochs.length) {
      this.point(null);
      this.scroller.scrollTop = 0;
    }
    if (given.turn >= this.turn) [this.turn, this.chosen] = [given.turn, given.chosen];
    if (this.highlight >= given.labels.length) this.highlight = null;
    this.data = given;
    this.strips = stripsOf(given.curves);
    this.scroller.setAttribute("aria-label", `Predictions of ${given.rows} pictures in ${given.epochs.length} epochs.`);
    this.openSprites(given.sprites, given.jpeg);
    this.restyle();
  }

  async openSprites(sprites, jpeg) {
    if (sprites?.digest === this.spritesDigest) return;
    this.spritesDigest = sprites?.digest;
    this.sheet = null;
    if (!sprites) return;
    const bitmap = await createImageBitmap(new Blob([jpeg], { type: "image/jpeg" }));
    if (sprites.digest === this.spritesDigest) this.sheet = bitmap;
  }

  restyle() {
    this.theme = themeOf(this.scroller);
    this.palettes = palettesOf(this.data.colours, this.data.labels.length, this.theme);
    this.drawLegend();
    this.draw();
  }

  draw() {
    if (!this.data || this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => {
      this.waiting = false;
      this.drawNow();
    });
  }

  drawNow() {
    const { data, theme } = this;
    const fitting = fittingHeight(data.rows, HEIGHT);
    this.rowHeight = Math.max(fitting, Math.min(TALLEST, fitting * this.zoom));
    const whole = data.rows * this.rowHeight;
    const height = Math.min(HEIGHT, Math.max(1, whole));
    this.scroller.style.height = `${height}px`;
    this.spacer.style.height = `${whole}px`;
    const width = this.scroller.clientWidth;
    if (!width) return;
    this.layout = layoutOf(width, data.epochs.length, data.bars.length);
    this.lines = linesFor(this.scroller.scrollTop, height, this.rowHeight, data.rows);
    paintCells(this.cells, data, this.lines.shown, this.palettes, this.fades());
    const context = fitCanvas(this.canvas, width, height);
    drawRows(context, data, this.layout, this.lines, theme, this.cells);
    const row = this.chosen === null ? -1 : data.numbers.indexOf(this.chosen);
    if (row >= 0) outline(context, { row, epoch: null }, this.layout, this.lines, theme.accent, theme.ground);
    if (this.pointed) outline(context, this.pointed, this.layout, this.lines, theme.text);
    const above = fitCanvas(this.head, width, curvesHeight(this.strips));
    drawCurves(above, { ...data, strips: this.strips }, this.layout, theme, this.pointed?.epoch ?? null);
    this.tell();
  }

  fades() {
    const { highlight } = this;
    const quiet = this.fading.checked;
    const { noData } = this.data;
    return (label, truth) =>
      label !== noData && ((highlight !== null && label !== highlight) || (quiet && label === truth));
  }

  tell() {
    const { rows, of } = this.data;
    const most = rows === of ? `${rows.toLocaleString("en")} pictures` : `${rows.toLocaleString("en")} of ${of.toLocaleString("en")} pictures`;
    const sampled = this.rowHeight < 1 ? `; one line in ${Math.ceil(1 / this.rowHeight)} is drawn, zoom in for all` : "";
    this.words.textContent = rows ? `${most}${sampled}` : "No picture is left; loosen the filters.";
    this.level.value = this.rowHeight < 10 ? `${this.rowHeight.toPrecision(2)} px` : `${Math.round(this.rowHeight)} px`;
  }

  place(event) {
    const box = this.scroller.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  }

  hover(event) {
    const at = this.place(event);
    this.point(this.lines && cellAt(at, this.layout, this.lines, this.data.epochs.length), at);
  }

  point(cell, at = null) {
    const same = cell?.row === this.pointed?.row && cell?.epoch === this.pointed?.epoch;
    this.pointed = cell;
    if (!same) this.draw();
    this.tip.hidden = !cell;
    if (!cell) return;
    if (!same || !this.tip.childElementCount) this.tip.replaceChildren(...tipFor(this, cell));
    const shown = at ?? this.middleOf(cell);
    const flip = shown.x > this.layout.width / 2;
    this.tip.style.left = flip ? "auto" : `${shown.x + 16}px`;
    this.tip.style.right = flip ? `${this.scroller.offsetWidth - shown.x + 16}px` : "auto";
    const below = this.head.offsetHeight + shown.y;
    this.tip.style.top = `${Math.max(0, Math.min(below + 12, this.head.offsetHeight + this.scroller.offsetHeight - this.tip.offsetHeight))}px`;
  }

  middleOf({ row, epoch }) {
    const x = this.layout.left + ((epoch ?? 0) + 0.5) * this.layout.cell;
    return { x, y: (row + 0.5) * this.rowHeight - this.scroller.scrollTop };
  }

  click(event) {
    const cell = cellAt(this.place(event), this.layout, this.lines, this.data.epochs.length);
    if (cell) this.choose(cell.row);
  }

  choose(row) {
    const number = this.data.numbers[row];
    this.chosen = this.chosen === number ? null : number;
    this.turn += 1;
    this.draw();
    this.send("chosen", { number: this.chosen, turn: this.turn });
  }

  key(event) {
    const { rows, epochs } = this.data;
    const page = Math.max(1, Math.floor(this.scroller.clientHeight / this.rowHeight) - 1);
    const next = steppedCell(this.pointed ? { row: this.pointed.row, epoch: this.pointed.epoch ?? 0 } : { row: -1, epoch: 0 }, event.key, rows, epochs.length, page);
    const keys = { "+": 1.6, "=": 1.6, "-": 1 / 1.6, 0: 0 };
    if (next) this.move(next);
    else if ((event.key === "Enter" || event.key === " ") && this.pointed) this.choose(this.pointed.row);
    else if (event.key === "Escape") this.point(null);
    else if (event.key in keys && !event.ctrlKey && !event.metaKey) this.zoomBy(keys[event.key]);
    else return;
    event.preventDefault();
  }

  move(cell) {
    const [top, bottom] = [cell.row * this.rowHeight, (cell.row + 1) * this.rowHeight];
    const { scrollTop, clientHeight } = this.scroller;
    if (top < scrollTop) this.scroller.scrollTop = top;
    if (bottom > scrollTop + clientHeight) this.scroller.scrollTop = bottom - clientHeight;
    this.point(cell);
    this.said.textContent = spokenCell(this.data, cell);
  }

  // Zooms around a place of the box, its middle by default; a factor of 0 shows all rows.
  zoomBy(factor, y = this.scroller.clientHeight / 2) {
    const middle = (this.scroller.scrollTop + y) / this.rowHeight;
    const fitting = fittingHeight(this.data.rows, HEIGHT);
    this.zoom = Math.min(TALLEST / fitting, Math.max(1, this.zoom * factor));
    this.drawNow();
    this.scroller.scrollTop = middle * this.rowHeight - y;
    this.draw();
  }

  wheel(event) {
    if (!event.ctrlKey && !event.metaKey) return; // the box scrolls
    event.preventDefault();
    this.zoomBy(event.deltaY < 0 ? 1.25 : 0.8, this.place(event).y);
  }

  drawLegend() {
    const { labels, colours, noData, predictions } = this.data;
    const chips = labels.slice(0, MOST_LEGEND).map((name, label) => {
      const chip = element("button", { type: "button", className: "chip" }, swatch(colours[label % colours.length]), name);
      chip.setAttribute("aria-pressed", this.highlight === label);
      chip.addEventListener("click", () => this.alone(label));
      return chip;
    });
    const rest = labels.length - MOST_LEGEND;
    if (rest > 0) chips.push(element("span", { className: "hint" }, `and ${rest} more`));
    if (predictions.includes(noData)) chips.push(element("span", { className: "chip" }, swatch(written(this.theme.missing)), "no data"));
    if (labels.length > colours.length) chips.push(element("span", { className: "hint" }, `Colours repeat after ${colours.length} classes.`));
    this.legend.replaceChildren(...chips);
  }

  alone(label) {
    this.highlight = this.highlight === label ? null : label;
    [...this.legend.querySelectorAll("button")].forEach((chip, at) => chip.setAttribute("aria-pressed", this.highlight === at));
    this.draw();
  }
}

// Streamlit calls this for each new data.
export default function (component) {
  const root = component.parentElement;
  if (!heatmaps.has(root)) heatmaps.set(root, new Heatmap(root));
  heatmaps.get(root).update(component);
}
