// One panel: a photo, its map, the two laid over each other, and the map's spectrum.

const PANES = { photo: "Photo", map: "Map", overlay: "Overlay", spectrum: "Spectrum" };
const KEYS = "Arrow keys read a pixel, shift and arrow keys pan, plus and minus zoom, 0 resets.";

class PanelView {
  constructor(navigation, pick) {
    this.navigation = navigation;
    this.title = element("span", { className: "title" });
    this.caption = element("span", { className: "caption" });
    this.readout = element("output", { className: "readout number" });
    this.canvases = Object.fromEntries(["photo", "map", "base", "cover", "spectrum"].map((id) => [id, newCanvas()]));
    const { photo, map, base, cover, spectrum } = this.canvases;
    this.scaleBar = element("div", { className: "gradient" });
    this.ticks = element("div", { className: "ticks number" });
    this.kept = element("div", { className: "note number" });
    this.panes = {
      photo: this.pane("photo", [photo], pick),
      map: this.pane("map", [map], pick, this.scaleBar, this.ticks),
      overlay: this.pane("overlay", [base, cover], pick),
      spectrum: this.pane("spectrum", [spectrum], null, this.kept),
    };
    const head = element("div", { className: "row-head" }, this.title, this.caption, this.readout);
    this.grid = element("div", { className: "panes" }, ...Object.values(this.panes).map((pane) => pane.figure));
    this.element = element("section", { className: "row" }, head, this.grid);
  }

  pane(id, canvases, pick, ...below) {
    const frame = element("div", { className: "frame", hidden: true });
    const layer = element("div", { className: "layer" }, ...canvases, frame);
    const probe = element("div", { className: "probe", hidden: true });
    const stage = element("div", { className: "stage" }, layer, probe);
    stage.setAttribute("role", pick ? "application" : "img");
    if (pick) this.navigation.steer(stage, () => this.panel, (point) => pick(this.panel, point));
    const head = element("figcaption", {}, PANES[id]);
    const figure = element("figure", { className: `pane ${id}` }, head, stage, ...below);
    return { figure, layer, stage, frame, probe, navigable: Boolean(pick) };
  }

  hold(panel) {
    this.panel = panel;
    this.title.textContent = panel.name;
    this.caption.textContent = panel.caption;
    this.element.setAttribute("aria-label", panel.name);
    for (const [id, { stage, frame, navigable }] of Object.entries(this.panes)) {
      frame.hidden = !panel.frame || !navigable;
      if (panel.frame) frame.style.inset = insetOf(panel.frame);
      stage.style.aspectRatio = `${panel.width} / ${panel.height}`;
      stage.setAttribute("aria-label", `${PANES[id]}: ${panel.name}.${navigable ? ` ${KEYS}` : ""}`);
    }
    for (const id of ["map", "cover"]) resize(this.canvases[id], panel.width, panel.height);
  }

  show(visible) {
    this.grid.dataset.count = visible.length;
    const first = visible.find((id) => this.panes[id].navigable);
    for (const [id, { figure, stage, navigable }] of Object.entries(this.panes)) {
      figure.hidden = !visible.includes(id);
      if (navigable) stage.tabIndex = id === first ? 0 : -1;
    }
  }

  drawPhoto(bitmap) {
    for (const id of ["photo", "base"]) {
      resize(this.canvases[id], bitmap.width, bitmap.height);
      this.canvases[id].getContext("2d").drawImage(bitmap, 0, 0);
    }
  }

  filter(chosen, inside) {
    const { values, height, width, frame } = this.panel;
    const found = filtered(values, height, width, chosen);
    this.values = inside && frame ? cutTo(frame, found, height, width) : found;
  }

  paint(look) {
    const { map, cover } = this.canvases;
    const { width, height } = this.panel;
    const scale = scaleFor(this.values, look.colour_map);
    const images = [new ImageData(width, height), new ImageData(width, height)];
    colour(this.values, scale, look.fade, ...images.map(({ data }) => new Uint32Array(data.buffer)));
    map.getContext("2d").putImageData(images[0], 0, 0);
    cover.getContext("2d").putImageData(images[1], 0, 0);
    this.showScale(scale);
    this.dim(look);
  }

  dim(look) {
    this.canvases.cover.style.opacity = look.opacity;
    this.grid.classList.toggle("blocky", !look.smooth);
  }

  showScale({ name, low, high }) {
    const ticks = [low, (low + high) / 2, high].map((value) => (Math.abs(value) < (high - low) / 200 ? 0 : value));
    this.scaleBar.style.background = gradientOf(name);
    this.ticks.replaceChildren(...ticks.map((value) => element("span", {}, inWords(value))));
  }

  move({ zoom, x, y }) {
    for (const { layer, stage, frame, navigable } of Object.values(this.panes)) {
      if (!navigable) continue;
      layer.style.transform = `translate(${100 * x}%, ${100 * y}%) scale(${zoom})`;
      frame.style.setProperty("--zoom", zoom);
      stage.classList.toggle("zoomed", zoom > 1);
    }
  }

  point({ probe, zoom, x, y }) {
    for (const { probe: mark, navigable } of Object.values(this.panes)) {
      mark.hidden = !probe || !navigable;
      if (!probe) continue;
      mark.style.left = `${100 * (probe.x * zoom + x)}%`;
      mark.style.top = `${100 * (probe.y * zoom + y)}%`;
    }
    this.readout.value = probe && this.values ? this.reading(probe) : "";
  }

  reading(probe) {
    const { x, y } = pixelAt(this.panel, probe);
    const at = y * this.panel.width + x;
    const error = this.panel.errors && this.values === this.panel.values ? ` ± ${inWords(this.panel.errors[at])}` : "";
    return `x ${x}  y ${y}  value ${inWords(this.values[at])}${error}`;
  }

  drawSpectrum({ sigma, signed }) {
    const { values, height, width } = this.panel;
    const share = paintSpectrum(this.canvases.spectrum, spectrumFor(values, height, width, signed), sigma);
    const percent = (value) => `${(100 * value).toPrecision(3)}%`;
    this.kept.textContent = `Kept: ${percent(share.frequencies)} of frequencies, ${percent(share.power)} of power`;
  }
}

function insetOf([left, top, right, bottom]) {
  return [top, 1 - right, 1 - bottom, left].map((share) => `${100 * share}%`).join(" ");
}

function newCanvas() {
  return element("canvas", { width: 1, height: 1, ariaHidden: "true" });
}

function resize(canvas, width, height) {
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
}

function pixelAt({ width, height }, { x, y }) {
  return { x: Math.floor(x * width), y: Math.floor(y * height) };
}
