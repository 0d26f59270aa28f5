// The component: controls above, one row of panes a panel; everything that follows the finger stays in the browser.

const viewers = new WeakMap();

class Viewer {
  constructor(root) {
    this.chosenPanes = null; // until a person chooses
    this.stale = new Set();
    this.navigation = new Navigation(() => this.redraw("view"), () => this.redraw("probe"));
    this.rows = element("div", { className: "rows" });
    this.toolbar = element("div", { className: "toolbar" });
    this.element = root.querySelector(".viewer");
    this.element.replaceChildren(this.toolbar, this.rows);
    this.panels = [];
  }

  update({ data, setStateValue, setTriggerValue }) {
    this.arrived = data;
    this.send = setStateValue;
    this.trigger = setTriggerValue;
    this.redraw("values", "view", "probe", "panes");
  }

  // Of data that arrive faster than they can be drawn, only the newest are looked at.
  take() {
    if (!this.arrived) return;
    this.data = unpacked(this.arrived);
    this.arrived = null;
    if (!this.settings) this.begin();
    this.matchRows();
    this.panels.forEach((view, i) => view.hold(this.data.panels[i]));
    this.loadPhoto();
  }

  begin() {
    const { look, filters, start } = this.data;
    const offered = Object.keys(FILTERS).flatMap((id) => filters.filter((declared) => declared.id === id));
    this.settings = {
      look: start.look,
      on: new Set(start.filters.map(({ id }) => id)),
      values: Object.fromEntries(offered.map((declared) => [declared.id, startOf(declared, start.filters)])),
    };
    this.buildToolbar(look, offered);
  }

  get visible() {
    const usual = this.data.columns > 1 ? ["overlay", "spectrum"] : ["photo", "map", "overlay", "spectrum"];
    return this.chosenPanes ?? usual;
  }

  buildToolbar(look, offered) {
    this.zoomLevel = element("output", { className: "number zoom-level" });
    const hint = element("span", { className: "hint" }, "Scroll or pinch to zoom, drag to pan.");
    const zoom = group(
      "Zoom",
      button("Zoom out", "−", () => this.navigation.zoomBy(0.8)),
      this.zoomLevel,
      button("Zoom in", "+", () => this.navigation.zoomBy(1.25)),
      button("Reset zoom", "Reset", () => this.navigation.reset()),
    );
    zoom.prepend(hint);
    this.chips = Object.fromEntries(Object.keys(PANES).map((id) => [id, this.chip(id)]));
    const shown = group("Panes", ...Object.values(this.chips));
    shown.classList.add("segmented");
    const drawn = look.map((declared) => this.lookControl(declared));
    const filters = offered.map((declared) => this.filterControls(declared));
    this.toolbar.replaceChildren(
      element("div", { className: "bar" }, shown, zoom),
      element("div", { className: "bar" }, group("Look", ...drawn)),
      element("div", { className: "bar filters" }, ...filters),
    );
  }

  chip(id) {
    return button(`Show ${PANES[id].toLowerCase()}`, PANES[id], () => {
      const flipped = Object.keys(PANES).filter((other) => (other === id) !== this.visible.includes(other));
      if (flipped.every((other) => other === "spectrum")) return; // a picture stays
      this.chosenPanes = flipped;
      this.redraw("panes", "spectrum");
    });
  }

  lookControl(declared) {
    const { look } = this.settings;
    const stale = declared.name === "opacity" || declared.name === "smooth" ? "cover" : "colours";
    const live = (value) => {
      look[declared.name] = value;
      this.redraw(stale);
    };
    const control = controlFor(declared, live, () => this.report());
    control.show(look[declared.name]);
    return control.element;
  }

  filterControls({ id, title, help, params }) {
    const { on, values } = this.settings;
    const live = () => this.redraw("values", "panes");
    const fields = params.map((declared) => {
      const set = (value) => {
        values[id][declared.name] = value;
        live();
      };
      const control = controlFor(declared, set, () => this.report());
      control.show(values[id][declared.name]);
      return control.element;
    });
    const box = element("div", { className: "params", hidden: !on.has(id) || !fields.length }, ...fields);
    const flip = (value) => {
      on[value ? "add" : "delete"](id);
      box.hidden = !value || !fields.length;
      live();
    };
    const control = controlFor({ name: id, label: title, help, kind: "bool", choices: [] }, flip, () => this.report());
    control.show(on.has(id));
    return group(title, control.element, box);
  }

  report() {
    const { look, on, values } = this.settings;
    const filters = Object.keys(values).filter((id) => on.has(id));
    this.send("settings", { look: { ...look }, filters: filters.map((id) => ({ id, values: { ...values[id] } })) });
  }

  pick(panel, point) {
    if (this.data.picking) this.trigger("picked", { panel: panel.name, ...pixelAt(panel, point) });
  }

  matchRows() {
    this.rows.style.setProperty("--side-by-side", this.data.columns);
    this.rows.classList.toggle("many", this.data.columns > 1);
    while (this.panels.length < this.data.panels.length) {
      this.panels.push(new PanelView(this.navigation, (panel, point) => this.pick(panel, point)));
      this.bitmap && this.panels.at(-1).drawPhoto(this.bitmap);
    }
    this.panels.length = this.data.panels.length;
    const wanted = this.panels.map((view) => view.element);
    if (wanted.some((row, i) => this.rows.children[i] !== row) || this.rows.children.length !== wanted.length) {
      this.rows.replaceChildren(...wanted);
    }
  }

  async loadPhoto() {
    const { digest } = this.data.photo;
    if (digest === this.digest) return;
    this.digest = digest;
    const bitmap = await createImageBitmap(new Blob([this.data.photoBytes], { type: "image/jpeg" }));
    if (digest !== this.digest) return;
    this.bitmap = bitmap;
    this.panels.forEach((view) => view.drawPhoto(bitmap));
  }

  redraw(...parts) {
    if (this.stale.size === 0) requestAnimationFrame(() => this.draw());
    parts.forEach((part) => this.stale.add(part));
  }

  draw() {
    const began = performance.now();
    const stale = new Set(this.stale);
    this.stale.clear();
    this.take();
    const { look } = this.settings;
    if (stale.has("values")) this.panels.forEach((view) => view.filter(this.chosen(), this.data.inside));
    if (stale.has("values") || stale.has("colours")) this.panels.forEach((view) => view.paint(look));
    if (stale.has("cover")) this.panels.forEach((view) => view.dim(look));
    if (stale.has("panes")) this.showPanes();
    if (stale.has("values") || stale.has("spectrum")) this.drawSpectra();
    if (stale.has("view")) this.moveAll();
    this.panels.forEach((view) => view.point(this.navigation));
    performance.clearMeasures("viewer");
    performance.measure("viewer", { start: began, end: performance.now(), detail: [...stale] });
  }

  chosen() {
    const { on, values } = this.settings;
    return Object.fromEntries([...on].map((id) => [id, values[id]]));
  }

  showPanes() {
    const filtering = this.settings.on.has("forgrad");
    const shown = this.visible.filter((id) => id !== "spectrum" || filtering);
    this.panels.forEach((view) => view.show(shown));
    for (const [id, chip] of Object.entries(this.chips)) chip.setAttribute("aria-pressed", this.visible.includes(id));
    this.chips.spectrum.hidden = !filtering;
  }

  drawSpectra() {
    if (!this.settings.on.has("forgrad") || !this.visible.includes("spectrum")) return;
    this.panels.forEach((view) => view.drawSpectrum(this.settings.values.forgrad));
  }

  moveAll() {
    this.panels.forEach((view) => view.move(this.navigation));
    this.zoomLevel.value = `${Math.round(100 * this.navigation.zoom)}%`;
  }
}

function startOf({ id, params }, started) {
  const given = started.find((filter) => filter.id === id)?.values ?? {};
  return { ...Object.fromEntries(params.map(({ name, value }) => [name, value])), ...given };
}

function group(label, ...children) {
  const made = element("div", { className: "group", role: "group" }, ...children);
  made.setAttribute("aria-label", label);
  return made;
}

// Streamlit calls this for each new data. No clean-up is returned: one that is overtaken by newer data runs at once.
export default function (component) {
  const root = component.parentElement;
  if (!viewers.has(root)) viewers.set(root, new Viewer(root));
  viewers.get(root).update(component);
}
