// The component: a photo that can be zoomed, and a button for each box over it.

const COLOURS = 8;
const FINGER = 4; // pixels around a box that still count as the box
const pictures = new WeakMap();

class BoxPicture {
  constructor(root) {
    this.chosen = [];
    this.turn = 0;
    this.boxes = [];
    this.photo = element("canvas", { width: 1, height: 1, ariaHidden: "true" });
    this.layer = element("div", { className: "layer" }, this.photo);
    this.over = element("div", { className: "over" });
    this.labels = element("div", { className: "tags", ariaHidden: "true" }); // above all lines, whatever lies on top
    this.stage = element("div", { className: "stage" }, this.layer, this.over, this.labels);
    this.stage.setAttribute("role", "group");
    this.navigation = new Navigation(() => this.place(), () => this.point());
    this.navigation.steer(this.stage, () => ({ width: 100, height: 100 }), (point, event) => this.pick(point, event));
    this.zoomLevel = element("output", { className: "number zoom-level" });
    this.element = root.querySelector(".boxes");
    this.element.replaceChildren(this.toolbar(), this.stage);
    new ResizeObserver(() => this.place()).observe(this.stage);
  }

  toolbar() {
    const hint = element("span", { className: "hint" }, "Click a box. Hold Ctrl or Shift to choose several.");
    const zoom = [
      button("Zoom out", "−", () => this.navigation.zoomBy(0.8)),
      this.zoomLevel,
      button("Zoom in", "+", () => this.navigation.zoomBy(1.25)),
      button("Reset zoom", "Reset", () => this.navigation.reset()),
    ];
    const group = element("div", { className: "group", role: "group" }, ...zoom);
    group.setAttribute("aria-label", "Zoom");
    return element("div", { className: "toolbar" }, hint, group);
  }

  update({ data, setStateValue }) {
    this.send = setStateValue;
    const { photo, boxes, chosen, turn, most, photoBytes } = unpackedBoxes(data);
    this.most = most;
    if (turn >= this.turn) [this.turn, this.chosen] = [turn, chosen];
    this.stage.setAttribute("aria-label", `${boxes.length} boxes. Arrow keys move between them, Enter chooses one.`);
    this.stage.style.aspectRatio = `${photo.width} / ${photo.height}`;
    this.stage.style.setProperty("--shape", photo.width / photo.height);
    this.draw(photo, photoBytes);
    this.hold(boxes);
  }

  async draw({ digest, width, height }, bytes) {
    if (digest === this.digest) return;
    this.digest = digest;
    this.navigation.reset();
    const bitmap = await createImageBitmap(new Blob([bytes], { type: "image/jpeg" }));
    if (digest !== this.digest) return;
    Object.assign(this.photo, { width, height });
    this.photo.getContext("2d").drawImage(bitmap, 0, 0);
  }

  hold(boxes) {
    if (JSON.stringify(boxes) !== JSON.stringify(this.boxes)) {
      const had = this.over.contains(this.element.getRootNode().activeElement) ? this.active : null;
      this.boxes = boxes;
      this.buttons = boxes.map((box, at) => this.button(box, at));
      this.tags = boxes.map(tagOf);
      this.over.replaceChildren(...this.buttons);
      this.labels.replaceChildren(...this.tags);
      if (had !== null) this.focus(Math.max(0, boxes.findIndex(({ number }) => number === had)));
    }
    this.mark();
  }

  button(box, at) {
    const made = element("button", { type: "button", className: `box ${colourOf(box)}` });
    made.setAttribute("aria-label", spoken(box));
    made.classList.toggle("faint", box.faint);
    made.addEventListener("keydown", (event) => this.key(event, at));
    made.addEventListener("focus", () => this.reach(at));
    made.addEventListener("blur", () => this.point());
    made.addEventListener("click", (event) => {
      if (event.detail === 0) this.choose(box, event); // by keyboard or by a screen reader; the stage hears the pointer
    });
    return made;
  }

  key(event, at) {
    const next = stepped(at, this.boxes.length, event.key);
    if (event.key === "Enter" || event.key === " ") this.choose(this.boxes[at], event);
    else if (next !== null) this.focus(next);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  focus(at) {
    this.buttons[at]?.focus({ preventScroll: true });
  }

  // One box at a time is in the order of the Tab key.
  reach(at) {
    this.active = this.boxes[at]?.number ?? null;
    this.mark();
    this.point();
    this.show(this.boxes[at]);
  }

  show(box) {
    const { zoom, x, y } = this.navigation;
    const middle = (low, high, shift) => ((low + high) / 2) * zoom + shift;
    const [across, down] = [middle(box.left, box.right, x), middle(box.top, box.bottom, y)];
    if (Math.min(across, down) < 0 || Math.max(across, down) > 1) this.navigation.panBy(0.5 - across, 0.5 - down);
  }

  pick(point, event) {
    const box = this.under(point);
    if (!box) return;
    this.focus(this.boxes.indexOf(box));
    this.choose(box, event);
  }

  choose({ number }, event) {
    const beside = event.ctrlKey || event.shiftKey || event.metaKey;
    this.chosen = chosenWith(this.chosen, number, beside, this.most);
    this.turn += 1;
    this.mark();
    this.send("chosen", { numbers: this.chosen, turn: this.turn });
  }

  under(point) {
    const slack = FINGER / (this.stage.clientWidth * this.navigation.zoom || 1);
    return point && (boxAt(this.boxes, point) ?? boxAt(this.boxes, point, slack));
  }

  point() {
    const box = this.under(this.navigation.probe);
    this.buttons?.forEach((made, at) => {
      made.classList.toggle("under", this.boxes[at] === box);
      this.tags[at].classList.toggle("looked-at", this.boxes[at] === box || made.matches(":focus-visible"));
    });
    this.stage.classList.toggle("on-box", Boolean(box));
  }

  mark() {
    const first = this.boxes.some(({ number }) => number === this.active) ? this.active : this.boxes[0]?.number;
    this.buttons?.forEach((made, at) => {
      const { number } = this.boxes[at];
      made.setAttribute("aria-pressed", this.chosen.includes(number));
      this.tags[at].classList.toggle("chosen", this.chosen.includes(number));
      made.tabIndex = number === first ? 0 : -1;
    });
    this.stage.classList.toggle("some-chosen", this.chosen.length > 0);
    this.measure();
    this.place();
  }

  // The widths of the tags, in full and of the number alone; a chosen one has a sign before its number.
  measure() {
    this.stage.classList.add("measured");
    const tags = this.tags ?? [];
    this.widths = tags.map((tag) => ({ full: tag.offsetWidth, number: tag.offsetWidth - tag.lastChild.offsetWidth }));
    this.tagHeight = tags[0]?.offsetHeight ?? 0;
    this.stage.classList.remove("measured");
  }

  place() {
    const { zoom, x, y } = this.navigation;
    this.layer.style.transform = `translate(${100 * x}%, ${100 * y}%) scale(${zoom})`;
    this.stage.classList.toggle("zoomed", zoom > 1);
    this.zoomLevel.value = `${Math.round(100 * zoom)}%`;
    this.buttons?.forEach(({ style }, at) => {
      const { left, top, right, bottom } = this.boxes[at];
      style.left = `${100 * (left * zoom + x)}%`;
      style.top = `${100 * (top * zoom + y)}%`;
      style.width = `${100 * (right - left) * zoom}%`;
      style.height = `${100 * (bottom - top) * zoom}%`;
    });
    this.placeTags();
  }

  placeTags() {
    const { zoom, x, y } = this.navigation;
    const { clientWidth: width, clientHeight: height } = this.stage;
    if (!width || !this.buttons) return;
    if (!this.tagHeight) this.measure();
    const boxes = this.boxes.map(({ number, left, top, right, bottom }, at) => ({
      ...this.widths[at],
      chosen: this.chosen.includes(number),
      left: (left * zoom + x) * width,
      top: (top * zoom + y) * height,
      right: (right * zoom + x) * width,
      bottom: (bottom * zoom + y) * height,
    }));
    placedTags(boxes, this.tagHeight, { width, height }).forEach((tag, at) => placeTag(this.tags[at], tag));
  }
}

function colourOf({ label }) {
  return `colour-${label % COLOURS}`;
}

function tagOf(box) {
  const badge = element("span", { className: "badge" }, `${box.number}`);
  const rest = element("span", { className: "rest" }, `${box.name}, ${box.score}`);
  return element("span", { className: `tag number ${colourOf(box)}` }, badge, rest);
}

function placeTag({ dataset, style }, { shown, at, aside }) {
  dataset.shown = shown;
  for (const [name, spot] of Object.entries({ at, aside })) {
    style.setProperty(`--${name}-x`, `${spot.left}px`);
    style.setProperty(`--${name}-y`, `${spot.top}px`);
  }
}

function unpackedBoxes(data) {
  const bytes = data instanceof Uint8Array ? data : new Uint8Array(data);
  const start = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true) + 4;
  return { ...JSON.parse(new TextDecoder().decode(bytes.subarray(4, start))), photoBytes: bytes.subarray(start) };
}

// Streamlit calls this for each new data.
export default function (component) {
  const root = component.parentElement;
  if (!pictures.has(root)) pictures.set(root, new BoxPicture(root));
  pictures.get(root).update(component);
}
